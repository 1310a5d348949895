"""One layer's graph as a real Pulumi program.

``run_layer`` is the body of ``stacks/<layer>/__main__.py``: it reads the stack's configuration, compiles the system and
calls ``register``. ``register`` alone serves an inline program of the Automation API.

What the engine records equals the graph, but for what an SDK class or the engine adds by itself:

* secret inputs: a class marks some properties secret (``aws:rds/instance:Instance`` ``password``, ``data`` and
  ``stringData`` of a Kubernetes Secret) and lists them in ``additionalSecretOutputs``;
* aliases: a class lists the former tokens of its type;
* providers: the engine adds the ``version`` of the SDK;
* a component in ``depends_on`` stands for its children, which the SDK names one by one;
* ``pulumi:pulumi:StackReference``, one for each other stack that is read.

A preview by the engine knows less than ours in one case: of a resource whose provider is configured with something
unknown (a Kubernetes object of a cluster that is still to be created) it knows no output, not even an input's echo.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pulumi

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.adoption import ADOPTION_VARIABLE, Order
from mlops_iac.engines.pulumi.codes import BAD_CONFIG, NO_SYSTEM, OTHER_GRAPH, UNKNOWN_LAYER, WRONG_PROJECT
from mlops_iac.engines.pulumi.errors import end_quietly_when_interrupted, located_errors
from mlops_iac.engines.pulumi.inputs import Inputs
from mlops_iac.engines.pulumi.sdk import (
    PROVIDER_PREFIX,
    package_of,
    python_names,
    resource_class,
)
from mlops_iac.engines.pulumi.stack_outputs import StackOutputs
from mlops_iac.graph import naming
from mlops_iac.graph.forms.json_form import fingerprint
from mlops_iac.graph.nodes import LAYERS, Graph, Node, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value, references
from mlops_iac.providers.plugins import plugin_version

DEFAULT_SYSTEM: Final = "../../examples/fraud-detection"
OVERRIDES_VARIABLE: Final = "MLOPS_IAC_OVERRIDES"
"""Environment variable with a JSON list of overrides: those of the ``mlops-iac`` command that runs the engine."""
FINGERPRINT_VARIABLE: Final = "MLOPS_IAC_FINGERPRINT"
"""Environment variable with the ``fingerprint`` of the graph that was previewed: another one is not registered."""


def run_layer(layer: str) -> None:
    """Compile the system that the stack's configuration names and register its ``layer``.

    Raises ``pulumi.RunError`` with every located diagnostic when the configuration is wrong.
    """
    end_quietly_when_interrupted()
    with located_errors(_folder()):
        graph = _compile(layer)
        stack = graph.stack(layer)
        if stack is None:
            pulumi.log.info(f"{graph.system} declares nothing for the {layer} layer")
            return
        _refuse_other_graph(stack)
        register(stack, system=graph.system, organization=pulumi.Config().get("organization"))


def register(stack: Stack, *, system: str, organization: str | None = None) -> dict[NodeKey, pulumi.Resource]:
    """Register every node of ``stack`` with the running Pulumi program and export its outputs.

    Other layers' outputs are read from the stacks of the same name in ``organization`` (default: the current one).
    Raises ``DiagnosticsError`` when the program runs in another project, or when an update needs an output that another
    stack does not export yet.
    """
    _refuse_other_project(stack)
    organization = organization or pulumi.get_organization()
    own_name = pulumi.get_stack()
    order = Order.read(os.environ.get(ADOPTION_VARIABLE))
    others = StackOutputs(
        _stack_outputs(stack),
        lambda layer: f"{organization}/{naming.project(system, layer)}/{own_name}",
        order.foreseen if order is not None else None,
    )
    resources: dict[NodeKey, pulumi.Resource] = {}
    inputs = Inputs(resources, others.of)
    wanted = outputs_read(stack.nodes, stack.outputs)
    for node in stack.nodes:
        provider = resources[node.options.provider] if node.options.provider is not None else None
        options = node_options(node, resources, provider=provider, adopt=order)
        resources[node.key] = register_node(node, options, inputs, wanted.get(node.key, ()))
    for component in resources.values():
        if isinstance(component, pulumi.ComponentResource):
            component.register_outputs({})
    for name, value in stack.outputs.items():
        pulumi.export(name, inputs.of(value))
    return resources


def register_node(
    node: Node, options: pulumi.ResourceOptions, inputs: Inputs, wanted: tuple[str, ...]
) -> pulumi.Resource:
    """One node as a resource: by its SDK class, else generically with the outputs that are ``wanted`` of it."""
    if not node.custom:
        return pulumi.ComponentResource(node.type, node.name, inputs.of(node.inputs), options)
    package = package_of(node.type)
    if node.type.startswith(PROVIDER_PREFIX):
        # The SDK's provider classes add defaults from environment variables; the graph says all there is.
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(version=plugin_version(package)))
        return pulumi.ProviderResource(package, node.name, inputs.of(node.inputs), options)
    known = resource_class(node.type)
    if known is None:
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(version=plugin_version(package)))
        declared = dict.fromkeys(wanted)
        return pulumi.CustomResource(node.type, node.name, {**declared, **inputs.of(node.inputs)}, options)
    named = python_names(known)
    arguments: dict[str, Any] = {named.get(name, name): inputs.of(value) for name, value in node.inputs.items()}
    return known(node.name, opts=options, **arguments)


def node_options(
    node: Node,
    resources: Mapping[NodeKey, pulumi.Resource],
    *,
    provider: pulumi.Resource | None,
    inherit: bool = False,
    adopt: Order | None = None,
) -> pulumi.ResourceOptions:
    """A node's options as the SDK's; with ``inherit`` it takes from its parent what it does not say itself."""
    options = node.options
    if provider is not None and not isinstance(provider, pulumi.ProviderResource):
        raise TypeError(f"{node.key}: {options.provider} is not a provider")
    adopted_by = adopt.id_of(node) if adopt is not None else None
    keeps = adopted_by is not None and adopt is not None and adopt.as_it_is
    return pulumi.ResourceOptions(
        parent=resources[options.parent] if options.parent is not None else None,
        provider=provider,
        depends_on=[resources[key] for key in options.depends_on],
        # Said even when false: left out, the SDK and the engine take the parent's.
        protect=options.protect or (None if inherit else False),
        retain_on_delete=options.retain_on_delete or (None if inherit else False),
        # Left out when false: said, it would overrule the provider, which knows that a fixed name cannot exist twice.
        delete_before_replace=options.delete_before_replace or None,
        ignore_changes=["*"] if keeps else list(options.ignore_changes),
        import_=adopted_by,
        replace_on_changes=list(options.replace_on_changes),
        additional_secret_outputs=list(options.additional_secret_outputs),
        aliases=[alias if alias.startswith("urn:") else pulumi.Alias(name=alias) for alias in options.aliases],
    )


def _stack_outputs(stack: Stack) -> Iterator[StackOutput]:
    for values in (*(node.inputs for node in stack.nodes), stack.outputs):
        yield from (found for found in references(values) if isinstance(found, StackOutput))


def outputs_read(nodes: Iterable[Node], *exports: Mapping[str, Value]) -> dict[NodeKey, tuple[str, ...]]:
    """The properties of each node that others read: a resource without SDK class has only those as outputs."""
    found: dict[NodeKey, dict[str, None]] = {}
    for values in (*(node.inputs for node in nodes), *exports):
        for ref in references(values):
            if isinstance(ref, Ref) and ref.path[0] not in ("id", "urn"):
                found.setdefault(ref.node, {})[str(ref.path[0])] = None
    return {key: tuple(names) for key, names in found.items()}


def _refuse_other_project(stack: Stack) -> None:
    project = pulumi.get_project()
    if project != stack.project:
        raise DiagnosticsError(
            [
                Diagnostic(
                    WRONG_PROJECT,
                    f"the {stack.layer} layer of this system is the Pulumi project {stack.project!r}, not {project!r}",
                    f"write `name: {stack.project}` in Pulumi.yaml, or set `system` to the system that it serves",
                )
            ]
        )


def _refuse_other_graph(stack: Stack) -> None:
    expected = os.environ.get(FINGERPRINT_VARIABLE)
    if expected and fingerprint(stack) != expected:
        raise _failure(
            OTHER_GRAPH,
            f"this project compiles another {stack.layer} layer than the one that was previewed",
            "`system`, `environment` and `overrides` in Pulumi.<stack>.yaml must be those of the mlops-iac command, "
            "and the files must not change meanwhile",
        )


def _compile(layer: str) -> Graph:
    from mlops_iac.compose.composition import ComposeRequest
    from mlops_iac.pipeline import Request, run_phases

    if layer not in LAYERS:
        raise _failure(UNKNOWN_LAYER, f"there is no layer {layer!r}", f"layers are {', '.join(LAYERS)}")
    config = pulumi.Config()
    folder = _folder()
    if not folder.is_dir():
        raise _failure(
            NO_SYSTEM,
            f"the folder of the system is not there: {folder}",
            "set it relative to this project: `pulumi config set system ../../my-system`",
        )
    environment = config.get("environment") or pulumi.get_stack()
    given = json.loads(os.environ.get(OVERRIDES_VARIABLE) or "[]")
    overrides = (f"env={environment}", *_overrides(config), *given)
    # The day decides which waivers still hold, and so what policies put into the graph.
    today = datetime.now(tz=UTC).date().isoformat()
    graph = run_phases(Request(ComposeRequest(folder, overrides), today=today), "compile").graph
    if graph is None:
        raise ValueError("the compile phase made no graph")
    if graph.environment != environment:
        raise _failure(
            BAD_CONFIG,
            f"`overrides` choose the environment {graph.environment!r}, but this stack is of {environment!r}",
            f"use the stack of that environment, or `pulumi config set environment {graph.environment}`",
        )
    return graph


def _folder() -> Path:
    # The engine starts a program in its project's folder.
    return Path(pulumi.Config().get("system") or DEFAULT_SYSTEM).resolve()


def _overrides(config: pulumi.Config) -> tuple[str, ...]:
    given = config.get_object("overrides") or []
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise _failure(
            BAD_CONFIG,
            f"`overrides` must be a list of texts such as a.b=c, not {given!r}",
            "write it as a YAML list in Pulumi.<stack>.yaml",
        )
    return tuple(given)


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
