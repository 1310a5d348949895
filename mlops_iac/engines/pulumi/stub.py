"""Writes ``mlops_iac/pulumi/__init__.pyi``: the types of the component classes, derived from the registry.

``python -m mlops_iac.engines.pulumi.stub`` writes it anew; a test compares. Needs no Pulumi SDK.
Source: https://typing.python.org/en/latest/spec/typeddict.html
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from mlops_iac.components.component import Component, Outputs
from mlops_iac.components.registry import Registry, own_registry
from mlops_iac.graph.values import Archive, Join, Ref, Secret, StackOutput, TextAsset, ToBase64, ToJson
from mlops_iac.spec.decode import BACKEND, declares_backend
from mlops_iac.spec.gates import Declaration
from mlops_iac.spec.quantities import Quantity

STUB: Final = Path(__file__).parents[2] / "pulumi" / "__init__.pyi"
_VALUES: Final = (Ref, StackOutput, Join, ToJson, ToBase64, Secret, TextAsset, Archive)
_PLAIN: Final = (str, bool, int, float, NoneType)

_HEAD: Final = '''\
"""Components for a Pulumi program of your own.

Written by `python -m mlops_iac.engines.pulumi.stub` from the component registry.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Required, TypedDict{overload}

import pulumi

__all__: list[str]

class System:
    """The ML system that a program's components belong to; use it as `with System(...):`."""

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
        risk_class: Literal["minimal", "limited", "high"] = "minimal",
        regulations: list[str] | None = None,
        tags: dict[str, str] | None = None,
        overrides: list[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...
    def __enter__(self) -> System: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

class Component(pulumi.ComponentResource):
    """A component of any kind, installed packages' kinds included."""

    outputs: dict[str, pulumi.Output[Any]]
    def __init__(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any] | None = None,
        *,
        system: System | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...
'''


def class_name(component: Component[Any, Any]) -> str:
    """The name of a kind's class: the last part of its type token."""
    return component.token.rpartition(":")[2]


def output_names(outputs: type[Outputs]) -> tuple[str, ...]:
    """The fields that a program can use: values, not permissions or handles."""
    hints = get_type_hints(outputs)
    return tuple(field.name for field in fields(outputs) if _is_value(hints[field.name]))


def stub_text(registry: Registry) -> str:
    """The whole stub."""
    writer = _Writer(registry)
    classes = [writer.component(kind) for kind in sorted(registry.kinds)]
    overload = ", overload" if any("@overload" in text for text in classes) else ""
    return "\n".join([_HEAD.replace("{overload}", overload), *writer.structs.values(), *classes])


def main() -> None:
    """Write the stub for the components of this package."""
    STUB.write_text(stub_text(own_registry()), encoding="utf-8")


class _Writer:
    """Writes classes, and the dictionaries that their arguments are made of."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._names: dict[type[Any], str] = {}
        self.structs: dict[str, str] = {}

    def component(self, kind: str) -> str:
        choices = sorted(self._registry.kinds[kind].values(), key=lambda each: not each.default_backend)
        default = choices[0]
        lines = [f"class {class_name(default)}(Component):", _docstring(_summary(default.spec), (), 4)]
        for component in choices:
            lines += ["    @overload"] if len(choices) > 1 else []
            lines += self._constructor(component, has_choice=any(each.backend for each in choices))
        for name in output_names(default.outputs):
            type_ = _output_type(get_type_hints(default.outputs)[name])
            lines += ["    @property", f"    def {name}(self) -> pulumi.Output[{type_}]: ..."]
        return "\n".join(lines) + "\n"

    def _constructor(self, component: Component[Any, Any], *, has_choice: bool) -> Iterator[str]:
        given = [*_fields(component.spec), *_fields(Declaration)]
        if declares_backend(component):
            given = [each for each in given if each[0] != BACKEND]
        yield "    def __init__("
        yield "        self,"
        if component.many:
            yield "        resource_name: str,"
            yield "        /,"
        yield "        *,"
        for name, hint, required in sorted(given, key=lambda each: not each[2]):
            yield f"        {name}: {self._type(hint)}{'' if required else ' = ...'},"
        if has_choice:
            absent = " = ..." if component.default_backend else ""
            choice = f'Literal["{component.backend}"]' if component.backend else "None"
            yield f"        backend: {choice}{absent},"
        yield "        system: System | None = None,"
        yield "        opts: pulumi.ResourceOptions | None = None,"
        yield "    ) -> None:"
        yield _docstring(_summary(component.spec), [(name, _help(hint)) for name, hint, _ in given], 8)

    def _type(self, hint: Any, refers: str = "") -> str:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            for meta in arguments[1:]:
                if isinstance(meta, msgspec.Meta):
                    refers = (meta.extra or {}).get("reference") or refers
            return self._type(arguments[0], refers)
        if origin in (Union, UnionType):
            return " | ".join(dict.fromkeys(self._type(each, refers) for each in arguments))
        if origin is Literal:
            return f"Literal[{', '.join(map(_literal, arguments))}]"
        if origin in (list, tuple):
            return f"Sequence[{self._type(arguments[0], refers)}]"
        if origin is dict:
            # The reference of a mapping is that of its values where those are texts, else of its keys.
            return f"Mapping[{_key_type(arguments[0])}, {self._type(arguments[1], refers)}]"
        if not isinstance(hint, type) or hint is object:
            return "Any"
        return self._class(hint, refers)

    def _class(self, hint: type[Any], refers: str) -> str:
        if hint is NoneType:
            return "None"
        if issubclass(hint, Quantity):
            return "str"
        if issubclass(hint, msgspec.Struct):
            return self._struct(hint)
        if issubclass(hint, str):
            kinds = [kind for kind in refers.split("|") if kind in self._registry.kinds]
            named = [class_name(self._registry.default(kind)) for kind in kinds]
            return " | ".join([*named, "str"]) if refers else "pulumi.Input[str]"
        return hint.__name__

    def _struct(self, spec: type[msgspec.Struct]) -> str:
        if spec in self._names:
            return self._names[spec]
        name = f"{spec.__name__.removesuffix('Spec')}Args"
        if name in self._names.values():
            name = f"{spec.__module__.rpartition('.')[2].title().replace('_', '')}{name}"
        self._names[spec] = name
        self.structs[name] = ""
        lines = [f"class {name}(TypedDict, total=False):", _docstring(_summary(spec), (), 4)]
        tag = spec.__struct_config__
        if tag.tag_field is not None:
            lines.append(f"    {tag.tag_field}: Required[{f'Literal[{_literal(tag.tag)}]'}]")
        for key, hint, required in _fields(spec):
            type_ = self._type(hint)
            lines.append(f"    {key}: {f'Required[{type_}]' if required else type_}")
        # Defined after what it refers to would not matter in a stub; in order of first use it reads better.
        self.structs[name] = "\n".join(lines) + "\n"
        return name


def _fields(spec: type[msgspec.Struct]) -> list[tuple[str, Any, bool]]:
    """Key, type and whether it has to be given, of each field."""
    hints = get_type_hints(spec, include_extras=True)
    return [(field.encode_name, hints[field.name], field.required) for field in msgspec.structs.fields(spec)]


def _is_value(hint: Any) -> bool:
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return True
    if not arguments:
        return not isinstance(hint, type) or hint in _PLAIN or hint in _VALUES
    return all(_is_value(each) for each in arguments if each is not Ellipsis)


def _output_type(hint: Any) -> str:
    """What a program gets: references and texts made of them are strings."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        found = list(dict.fromkeys(_output_type(each) for each in arguments))
        return "Any" if "Any" in found or len(found) > 2 else " | ".join(found)
    if origin is Literal:
        return f"Literal[{', '.join(map(_literal, arguments))}]"
    if origin in (list, tuple):
        return f"list[{_output_type(arguments[0])}]"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"dict[str, {_output_type(arguments[1])}]"
    if hint in (str, Ref, Join, Secret):
        return "str"
    if hint in (bool, int, float):
        return str(hint.__name__)
    return "None" if hint is NoneType else "Any"


def _key_type(hint: Any) -> str:
    inner = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return f"Literal[{', '.join(map(_literal, get_args(inner)))}]" if get_origin(inner) is Literal else "str"


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _help(hint: Any) -> str:
    for meta in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if isinstance(meta, msgspec.Meta) and meta.description:
            return meta.description
    members = get_args(hint) if get_origin(hint) in (Union, UnionType) else ()
    return next((text for text in map(_help, members) if text), "")


def _summary(spec: type[Any]) -> str:
    return " ".join((spec.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def _docstring(summary: str, described: Any, indent: int) -> str:
    pad = " " * indent
    lines = textwrap.wrap(f'"""{summary}', 116 - indent)
    for number, (name, text) in enumerate(described):
        lines += ["", "Args:"] if number == 0 else []
        lines += textwrap.wrap(f"{name}: {text}", 112 - indent, initial_indent="    ", subsequent_indent="        ")
    lines = [*lines, '"""'] if described else [*lines[:-1], f'{lines[-1]}"""']
    return "\n".join(f"{pad}{line}".rstrip() for line in lines)


if __name__ == "__main__":
    main()
