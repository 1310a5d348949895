"""Plain data to typed specs, and which component's spec a declaration is decoded as."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from mlops_iac.components.component import Component
from mlops_iac.components.registry import Registry
from mlops_iac.graph.opaque import holds_mark
from mlops_iac.graph.values import Value
from mlops_iac.spec.gates import Declaration
from mlops_iac.spec.quantities import Quantity

BACKEND = "backend"
"""The key of a declaration that chooses between the back ends of its kind."""

_COMMON = frozenset(field.encode_name for field in msgspec.structs.fields(Declaration))

_NONE: Final[Mapping[str, Value]] = {}

Marks = Mapping[str, Value]
T = TypeVar("T")


def decode(data: Any, spec: type[T], marks: Marks = _NONE) -> T:
    """``data`` as ``spec``; raises ``msgspec.ValidationError`` naming the first value that does not fit.

    One of the ``marks`` fits wherever free text does, whatever the text has to look like.
    """
    if marks and holds_mark(data, marks):
        fitted: T = _around_marks(data, spec, marks, "$")
        return fitted
    return msgspec.convert(data, spec, dec_hook=_decode_quantity)


def decode_component(data: Any, component: Component[Any, Any], marks: Marks = _NONE) -> Any:
    """One declaration as its component's spec; raises ``msgspec.ValidationError``.

    What every component may say is checked and left out: ``decode_common`` gives it.
    """
    if isinstance(data, Mapping):
        decode_common(data)
        chosen = component.backend is not None and not declares_backend(component)
        left_out = _COMMON | {BACKEND} if chosen else _COMMON
        data = {key: value for key, value in data.items() if key not in left_out}
    return decode(data, component.spec, marks)


def decode_common(data: Mapping[str, Any]) -> Declaration:
    """What a declaration says that every component may say; raises ``msgspec.ValidationError``."""
    return decode({key: value for key, value in data.items() if key in _COMMON}, Declaration)


def backends(registry: Registry, kind: str) -> tuple[str, ...]:
    """The names that ``backend`` may have for ``kind``, sorted; empty where there is no choice."""
    return tuple(sorted(name for name in registry.kinds[kind] if name is not None))


def component_of(registry: Registry, kind: str, data: Any) -> Component[Any, Any] | None:
    """The component that builds this declaration, or None where ``backend`` names no back end of the kind."""
    choices = registry.kinds[kind]
    if set(choices) == {None} or not isinstance(data, Mapping) or BACKEND not in data:
        return registry.default(kind)
    chosen = data[BACKEND]
    return choices.get(chosen) if isinstance(chosen, str) else None


def declares_backend(component: Component[Any, Any]) -> bool:
    """Whether the component's own spec has a ``backend`` field; otherwise the key is not part of the spec."""
    return any(field.encode_name == BACKEND for field in msgspec.structs.fields(component.spec))


def _decode_quantity(type_: type[Any], value: Any) -> Any:
    if not issubclass(type_, Quantity):
        raise TypeError(f"a spec field has the type {type_.__name__}, which no YAML value stands for")
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return type_.parse(value)


def _around_marks(data: Any, hint: Any, marks: Marks, where: str) -> Any:
    """``data`` as the type that ``hint`` says, level by level down to each mark; the rest is converted as a whole.

    msgspec has no way to accept a text that does not meet a constraint.
    """
    if not holds_mark(data, marks):
        return msgspec.convert(data, hint, dec_hook=_decode_quantity)
    members, refers = _members(hint)
    if isinstance(data, str):
        if refers or not any((isinstance(each, type) and issubclass(each, str)) or each is Any for each in members):
            raise msgspec.ValidationError(
                "must be known when the graph is made, because it decides what is built; "
                f"neither a secret nor an output of a resource can stand here - at `{where}`"
            )
        return data
    if isinstance(data, Mapping):
        for member in members:
            if isinstance(member, type) and issubclass(member, msgspec.Struct):
                return _struct_around_marks(data, member, marks, where)
            if get_origin(member) is dict:
                key, item = get_args(member)
                names = msgspec.convert(list(data), list[key], dec_hook=_decode_quantity)  # type: ignore[valid-type]
                values = (_around_marks(value, item, marks, f"{where}.{name}") for name, value in data.items())
                return dict(zip(names, values, strict=True))
    for member in members:
        if isinstance(data, list) and get_origin(member) in (list, tuple):
            item = get_args(member)[0]
            found = [_around_marks(value, item, marks, f"{where}[{index}]") for index, value in enumerate(data)]
            return found if get_origin(member) is list else tuple(found)
    return msgspec.convert(data, hint, dec_hook=_decode_quantity)


def _struct_around_marks(data: Mapping[str, Any], spec: type[msgspec.Struct], marks: Marks, where: str) -> Any:
    fields = {field.encode_name: field for field in msgspec.structs.fields(spec)}
    tag = spec.__struct_config__.tag_field
    unknown = [key for key in data if key not in fields and key != tag]
    missing = [key for key, field in fields.items() if field.required and key not in data]
    if unknown or missing:
        told = f"Object contains unknown field `{unknown[0]}`" if unknown else f"Object missing field `{missing[0]}`"
        raise msgspec.ValidationError(f"{told} - at `{where}`")
    hints = get_type_hints(spec, include_extras=True)
    given = {fields[key].name: key for key in data if key in fields}
    return spec(**{name: _around_marks(data[key], hints[name], marks, f"{where}.{key}") for name, key in given.items()})


def _members(hint: Any) -> tuple[tuple[Any, ...], bool]:
    """The alternatives of a type without their metadata, and whether a text of it names a component."""
    if get_origin(hint) is Annotated:
        inner, *metadata = get_args(hint)
        members, refers = _members(inner)
        named = any((meta.extra or {}).get("reference") for meta in metadata if isinstance(meta, msgspec.Meta))
        return members, refers or named
    if get_origin(hint) in (Union, UnionType):
        found = [_members(each) for each in get_args(hint)]
        return tuple(each for members, _ in found for each in members), any(refers for _, refers in found)
    return () if get_origin(hint) is Literal else (hint,), False
