"""Plain data to typed specs, and which component's spec a declaration is decoded as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mlops_iac.components.component import Component
from mlops_iac.components.registry import Registry
from mlops_iac.spec.gates import Declaration
from mlops_iac.spec.quantities import Quantity

BACKEND = "backend"
"""The key of a declaration that chooses between the back ends of its kind."""

_COMMON = frozenset(field.encode_name for field in msgspec.structs.fields(Declaration))

T = TypeVar("T")


def decode(data: Any, spec: type[T]) -> T:
    """``data`` as ``spec``; raises ``msgspec.ValidationError`` naming the first value that does not fit."""
    return msgspec.convert(data, spec, dec_hook=_decode_quantity)


def decode_component(data: Any, component: Component[Any, Any]) -> Any:
    """One declaration as its component's spec; raises ``msgspec.ValidationError``.

    What every component may say is checked and left out: ``decode_common`` gives it.
    """
    if isinstance(data, Mapping):
        decode_common(data)
        chosen = component.backend is not None and not declares_backend(component)
        left_out = _COMMON | {BACKEND} if chosen else _COMMON
        data = {key: value for key, value in data.items() if key not in left_out}
    return decode(data, component.spec)


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
