"""Components in somebody's own Pulumi program, beside the resources that the program makes itself.

``System`` holds what every component of it needs to know, as ``system``, ``cloud`` and ``env`` do in YAML. What is
declared within ``with System(...)`` goes through the same phases as YAML when the block ends, so that it is validated
as a whole and becomes the same resources; everything is registered in the program's own stack.

* A field that names a component takes the component itself.
* A field that takes text also takes a Pulumi output, of a resource of the program's own for example.
* Every output of a component is a Pulumi output, also within the block.
* ``opts`` mean what they mean in Pulumi: children inherit ``protect``, ``aliases`` and ``transformations``, and a
  ``provider`` takes the place of the one that the system would make.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, TracebackType
from typing import Any, Final

import pulumi

from mlops_iac.compile.driver import Parts, build_parts, in_dependency_order
from mlops_iac.components.component import Component as AnyKind
from mlops_iac.components.registry import registry
from mlops_iac.compose.composition import ComposeRequest, Composition, Origin
from mlops_iac.diagnostics import ConfigPath, Diagnostic, DiagnosticsError, Location
from mlops_iac.engines.pulumi.codes import BAD_DECLARATION
from mlops_iac.engines.pulumi.errors import located_errors
from mlops_iac.engines.pulumi.inputs import Inputs
from mlops_iac.engines.pulumi.program import node_options, outputs_read, register_node
from mlops_iac.engines.pulumi.sdk import PROVIDER_PREFIX
from mlops_iac.engines.pulumi.stack_outputs import unknown
from mlops_iac.engines.pulumi.stub import class_name, output_names
from mlops_iac.graph.nodes import Node
from mlops_iac.graph.opaque import mark
from mlops_iac.graph.values import NodeKey, StackOutput, Value
from mlops_iac.spec.decode import component_of
from mlops_iac.spec.suggest import did_you_mean

_HERE: Final = (str(Path(__file__)), str(Path(__file__).parents[2] / "pulumi"))
_PROGRAM: Final = "program"
"""Stands for the layer of a stack output: what the program itself knows."""

_current: ContextVar[System | None] = ContextVar("system", default=None)


class System:
    """The ML system that a program's components belong to; use it as ``with System(...):``.

    ``name``, ``owner``, ``purpose``, ``risk_class``, ``regulations`` and ``tags`` are those of the section ``system``,
    ``region`` and ``account`` those of ``cloud``. ``env`` (default: the stack's name) and ``security`` choose the
    config groups, ``overrides`` are Hydra overrides of single keys. ``opts`` are the defaults of every component's own.

    Leaving the block validates, compiles and registers everything. Raises ``pulumi.RunError`` with every located
    diagnostic where something is wrong; then nothing was registered but the components themselves.
    """

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        purpose: str,
        region: str,
        account: str,
        env: str | None = None,
        security: str = "baseline",
        risk_class: str = "minimal",
        regulations: list[str] | None = None,
        tags: dict[str, str] | None = None,
        overrides: list[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self.opts = opts
        self.folder = Path.cwd()
        self._place = _caller(self.folder)
        self._choices = (f"env={env or pulumi.get_stack()}", f"security={security}", *(overrides or ()))
        self._sections: dict[str, Any] = {
            "defaults": [{"env": "dev"}, {"security": "baseline"}, "_self_"],
            "system": {
                "name": name,
                "owner": owner,
                "purpose": purpose,
                "risk_class": risk_class,
                "regulations": regulations or [],
                "tags": tags or {},
            },
            "cloud": {"region": region, "account": account},
        }
        self._declared: dict[ConfigPath, Component] = {}
        self._outputs: dict[str, pulumi.Output[Any]] = {}
        self._token: Token[System | None] | None = None
        self._problems: list[Diagnostic] = []

    def __enter__(self) -> System:
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        self._token = None
        try:
            if error is None:
                with located_errors(self.folder):
                    self._complete()
        finally:
            # The engine waits for every output; of a program that failed none will come.
            for component in self._declared.values():
                component.give_up()

    @property
    def is_open(self) -> bool:
        """Whether components can be declared in it."""
        return self._token is not None

    def declare(self, component: Component) -> None:
        """Take a component in; it is built when the block ends."""
        declared = component.declaration
        first = self._declared.setdefault(declared.path, component)
        if first is not component:
            message = f"`{'.'.join(map(str, declared.path))}` is declared twice"
            also = (("declared here first", first.declaration.place),)
            hint = "give one of them another name"
            self._problems.append(
                Diagnostic(BAD_DECLARATION, message, hint, declared.place, declared.path, related=also)
            )

    def plain(self, value: Any, path: ConfigPath) -> Any:
        """``value`` as configuration: a component by its name, an output of a resource by a mark."""
        if isinstance(value, Component):
            name = value.declaration.path[-1]
            if value.declaration.system is not self:
                message, hint = f"`{name}` belongs to another system", "declare it in this one"
                self._problems.append(Diagnostic(BAD_DECLARATION, message, hint, path=path))
            return name
        if isinstance(value, pulumi.Output):
            text = mark(path)
            self._outputs[text] = value
            return text
        if isinstance(value, Mapping):
            return {str(key): self.plain(item, (*path, str(key))) for key, item in value.items() if item is not None}
        if isinstance(value, list | tuple):
            return [self.plain(item, (*path, index)) for index, item in enumerate(value)]
        return str(value) if isinstance(value, Path) else value

    def _complete(self) -> None:
        from mlops_iac.spec.load import load
        from mlops_iac.validate import validate

        composition = self._composition()
        if self._problems:
            raise DiagnosticsError(
                replace(each, location=each.location or composition.location_of(each.path)) for each in self._problems
            )
        system = load(validate(composition))
        _Registration(self, build_parts(system, composition), self._outputs).register(self._declared)

    def _composition(self) -> Composition:
        from mlops_iac.compose import compose

        with TemporaryDirectory() as folder:
            # JSON is YAML; an interpolation that somebody wrote into a text stays the text that it is.
            text = json.dumps(self._sections).replace("${", "\\\\${")
            (Path(folder) / "system.yaml").write_text(text, encoding="utf-8")
            try:
                base = compose(ComposeRequest(Path(folder), self._choices))
            except DiagnosticsError as error:
                raise DiagnosticsError(replace(each, location=self._place) for each in error.diagnostics) from error
        data: dict[str, Any] = dict(base.data)
        origins = {
            path: replace(origin, key=self._place, value=self._place) if origin.key.file == "system.yaml" else origin
            for path, origin in base.origins.items()
        }
        for path, component in self._declared.items():
            declared = component.declaration
            spec = self.plain(declared.spec, path)
            if len(path) == 1:
                data[str(path[0])] = spec
            else:
                data.setdefault(str(path[0]), {})[path[1]] = spec
            origins |= {found: Origin(declared.place, declared.place) for found in ((path[0],), path)}
        marks: dict[str, Value] = {text: StackOutput(_PROGRAM, text) for text in self._outputs}
        return replace(base, root=self.folder, data=data, origins=origins, sources={}, replaced={}, marks=marks)


class Component(pulumi.ComponentResource):
    """A component of any kind, installed packages' kinds included: ``Component("buckets", "raw", {"keep": "30d"})``.

    ``spec`` is what stands below the component's name in YAML. ``name`` is the component's name in configuration,
    resource names and outputs; a kind of which a system has one, such as ``network``, has that name. ``system`` is the
    open ``with System(...)`` unless it is given. ``outputs`` holds every output by name; each is an attribute too.

    Raises ``pulumi.RunError`` for an unknown kind, and outside of an open system.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any] | None = None,
        *,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        system = system or _current.get()
        place = _caller(Path.cwd())
        with located_errors(Path.cwd()):
            built_by, system = _understood(kind, name, spec or {}, system, place)
        merged = pulumi.ResourceOptions.merge(system.opts, opts) if system.opts else opts
        super().__init__(built_by.token, name, {}, merged)
        path: ConfigPath = (kind, name) if built_by.many else (kind,)
        self.declaration = Declared(path, dict(spec or {}), place, system)
        loop = asyncio.get_event_loop()
        self._pending = {field: loop.create_future() for field in output_names(built_by.outputs)}
        self.outputs: dict[str, pulumi.Output[Any]] = {
            field: pulumi.Output.from_input(future) for field, future in self._pending.items()
        }
        system.declare(self)

    def __getattr__(self, name: str) -> pulumi.Output[Any]:
        outputs: dict[str, pulumi.Output[Any]] = self.__dict__.get("outputs", {})
        if name not in outputs:
            raise AttributeError(f"{type(self).__name__} has no output {name!r}; it has {', '.join(outputs) or 'none'}")
        return outputs[name]

    def settle(self, outputs: Mapping[str, Any]) -> None:
        """Give every output its value."""
        for name, future in self._pending.items():
            future.set_result(outputs.get(name))
        self.register_outputs({name: value for name, value in outputs.items() if value is not None})

    def give_up(self) -> None:
        """Leave every output that has no value unknown."""
        for future in self._pending.values():
            if not future.done():
                future.set_result(unknown())


@dataclass(frozen=True, slots=True)
class Declared:
    """What a program said of one component, and where it said it."""

    path: ConfigPath
    spec: Mapping[str, Any]
    place: Location
    system: System


@cache
def component_class(kind: str) -> type[Component]:
    """The class of one kind, with its fields as keyword arguments: ``Bucket("raw", keep="30d")``."""
    built_by = registry().default(kind)

    # The component's own name has no keyword, because a field may be called `name`.
    def named(
        self: Component,
        resource_name: str,
        /,
        *,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **spec: Any,
    ) -> None:
        Component.__init__(self, kind, resource_name, spec, system=system, opts=opts)

    def single(
        self: Component, *, system: System | None = None, opts: pulumi.ResourceOptions | None = None, **spec: Any
    ) -> None:
        Component.__init__(self, kind, kind, spec, system=system, opts=opts)

    members = {"__init__": named if built_by.many else single, "__doc__": built_by.spec.__doc__}
    return type(class_name(built_by), (Component,), {**members, "__module__": "mlops_iac.pulumi"})


def class_names() -> dict[str, str]:
    """The kind of each class, by the class's name."""
    known = registry().usable()
    return {class_name(known.default(kind)): kind for kind in sorted(known.kinds)}


def _understood(
    kind: str, name: str, spec: Mapping[str, Any], system: System | None, place: Location
) -> tuple[AnyKind[Any, Any], System]:
    """What builds the declaration, and the system that it belongs to."""
    if system is None or not system.is_open:
        message, hint = f"{kind} `{name}` belongs to no open system", "declare it within `with System(...):`"
        raise DiagnosticsError([Diagnostic(BAD_DECLARATION, message, hint, place)])
    known = registry()
    if kind not in known.kinds:
        hint = did_you_mean(kind, known.kinds) or f"kinds are {', '.join(sorted(known.kinds))}"
        raise DiagnosticsError([Diagnostic(BAD_DECLARATION, f"there is no component kind `{kind}`", hint, place)])
    return component_of(known, kind, spec) or known.default(kind), system


class _Registration:
    """Registers what a system became with the running program."""

    def __init__(self, system: System, parts: Parts, known: Mapping[str, pulumi.Output[Any]]) -> None:
        self._system = system
        self._parts = parts
        self._resources: dict[NodeKey, pulumi.Resource] = {}
        self._providers: list[tuple[Node, pulumi.ProviderResource]] = []
        self._inputs = Inputs(self._resources, lambda output: known[output.name])
        self._wanted: Mapping[NodeKey, tuple[str, ...]] = {}

    def register(self, declared: Mapping[ConfigPath, Component]) -> None:
        """Every node, then the outputs of the declared components."""
        nodes = in_dependency_order(list(self._parts.nodes.values()))
        self._wanted = outputs_read(nodes, *self._parts.exports.values())
        for node in nodes:
            if not node.type.startswith(PROVIDER_PREFIX):
                component = declared.get(node.component) if not node.custom else None
                self._resources[node.key] = component or self._resource(node)
        for path, component in declared.items():
            found = self._parts.outputs[str(path[0]), str(path[-1])]
            component.settle({name: self._inputs.of(getattr(found, name)) for name in component.outputs})

    def _resource(self, node: Node) -> pulumi.Resource:
        options = node_options(node, self._resources, provider=self._provider(node), inherit=True)
        if node.options.parent is None and self._system.opts is not None:
            options = pulumi.ResourceOptions.merge(self._system.opts, options)
        return register_node(node, options, self._inputs, self._wanted.get(node.key, ()))

    def _provider(self, node: Node) -> pulumi.ProviderResource | None:
        """The provider that the graph names, unless the program gave the component one of its own."""
        key = node.options.provider
        if key is None:
            return None
        parent = self._resources.get(node.options.parent) if node.options.parent is not None else None
        if parent is not None and parent.get_provider(node.type) is not None:
            return None
        asked = self._parts.nodes[key]
        for made, provider in self._providers:
            if (made.type, made.name, made.inputs) == (asked.type, asked.name, asked.inputs):
                return provider
        taken = any(made.name == asked.name for made, _ in self._providers)
        renamed = replace(asked, key=key._replace(name=f"{key.layer}-{asked.name}")) if taken else asked
        registered = self._resource(renamed)
        assert isinstance(registered, pulumi.ProviderResource)
        self._providers.append((asked, registered))
        return registered


def _caller(folder: Path) -> Location:
    """The line of the program that is being executed, relative to its folder where it lies below it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    if frame is None:
        return Location("program", 1, 1)
    file = Path(frame.f_code.co_filename)
    name = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.as_posix()
    return Location(name, frame.f_lineno, 1)
