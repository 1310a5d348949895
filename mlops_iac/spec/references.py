"""Which component needs which: references in specs, the order to build in, and circles that have no order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.spec.system import Instance, System


class Reference(NamedTuple):
    """A value that names a component: where it is, the kinds it may be of, the name, and whether it is a key."""

    path: ConfigPath
    kinds: tuple[str, ...]
    name: str
    is_key: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a circle: ``instance`` needs the next one because of what ``path`` says."""

    instance: Instance
    path: ConfigPath
    reason: str


def references_of(instance: Instance) -> list[Reference]:
    """Every reference in the instance's spec, in the order of its fields.

    A field's reference also covers the texts in its list, and the values of its mapping or else the keys.
    """
    return list(_in_struct(instance.spec, instance.path))


def resolve(system: System, reference: Reference) -> Instance | None:
    """The component that ``reference`` names: of the first kind that has the name."""
    found = (system.find(kind, reference.name) for kind in reference.kinds)
    return next((instance for instance in found if instance is not None), None)


def build_order(system: System) -> tuple[Instance, ...]:
    """Every instance after all that it references or that its kind uses; ties by layer, kind and name.

    Raises ``ValueError`` where components need each other; ``load`` has refused such a system.
    """
    ordered, rest = _sorted(_needs(system))
    if rest:
        raise ValueError(f"components need each other: {sorted(key[1:] for key in rest)}")
    instances = {_key(instance): instance for instance in system.instances}
    return tuple(instances[key] for key in ordered if key in instances)


def cycles(system: System) -> list[tuple[Step, ...]]:
    """Circles of components that need each other; circles that share a component count as one."""
    needs = _needs(system)
    instances = {_key(instance): instance for instance in system.instances}
    found = []
    _, rest = _sorted(needs)
    while rest:
        circle = _circle(needs, rest)
        found.append(tuple(_steps(circle, needs, instances)))
        _, rest = _sorted({key: needs[key] for key in rest if key not in circle})
    return found


_Key = tuple[int, str, str]
_Needs = Mapping[_Key, Mapping[_Key, ConfigPath]]


def _key(instance: Instance) -> _Key:
    return LAYERS.index(instance.component.layer), instance.kind, instance.name


def _every(kind: str) -> _Key:
    """Stands for all instances of a kind, so that ``uses`` costs one edge per user and not one per pair."""
    return -1, kind, ""


def _needs(system: System) -> _Needs:
    """What each instance needs, and the place that says so."""
    needs: dict[_Key, dict[_Key, ConfigPath]] = {}
    for instance in system.instances:
        own = needs.setdefault(_key(instance), {})
        for kind in _used(instance, system):
            if kind != instance.kind:
                own[_every(kind)] = instance.path
                needs.setdefault(_every(kind), {})
        for reference in references_of(instance):
            target = resolve(system, reference)
            if target is not None:
                own.setdefault(_key(target), reference.path)
    for instance in system.instances:
        if _every(instance.kind) in needs:
            needs[_every(instance.kind)][_key(instance)] = instance.path
    return needs


def _used(instance: Instance, system: System) -> Iterable[str]:
    """The kinds whose every instance is built before."""
    if not instance.component.last:
        return instance.component.uses
    return (kind for kind, found in system.by_kind.items() if not any(i.component.last for i in found.values()))


def _sorted(needs: _Needs) -> tuple[list[_Key], set[_Key]]:
    """The keys in dependency order, and those that are in a circle or need one; unknown keys are ignored."""
    waiting = {key: sum(other in needs for other in own) for key, own in needs.items()}
    needed_by: dict[_Key, list[_Key]] = {key: [] for key in needs}
    for key, own in needs.items():
        for other in own:
            if other in needs:
                needed_by[other].append(key)
    ready = [key for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    ordered: list[_Key] = []
    while ready:
        key = heapq.heappop(ready)
        ordered.append(key)
        for user in needed_by[key]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, user)
    return ordered, needs.keys() - ordered


def _circle(needs: _Needs, rest: set[_Key]) -> list[_Key]:
    """A circle in ``rest``, where every key needs another one of ``rest``; starts at its smallest member."""
    key = min(rest)
    position: dict[_Key, int] = {}
    walk: list[_Key] = []
    while key not in position:
        position[key] = len(walk)
        walk.append(key)
        key = min(other for other in needs[key] if other in rest)
    circle = walk[position[key] :]
    start = circle.index(min(member for member in circle if member[0] >= 0))
    return circle[start:] + circle[:start]


def _steps(circle: Sequence[_Key], needs: _Needs, instances: Mapping[_Key, Instance]) -> Iterator[Step]:
    for key, following in zip(circle, [*circle[1:], circle[0]], strict=True):
        if key not in instances:
            continue
        name = format_path(instances[key].path)
        if following in instances:
            reason = f"`{name}` refers to `{format_path(instances[following].path)}`"
        else:
            reason = f"`{name}` is built after everything in `{following[1]}`"
        yield Step(instances[key], needs[key][following], reason)


def _in_struct(value: msgspec.Struct, path: ConfigPath) -> Iterator[Reference]:
    for attribute, key, type_ in _referring_fields(type(value)):
        yield from _in_value(getattr(value, attribute), type_, (*path, key), ())


@cache
def _referring_fields(spec: type[msgspec.Struct]) -> tuple[tuple[str, str, inspect.Type], ...]:
    """Attribute, key and type of the fields that may hold a reference; most hold none."""
    return tuple(
        (field.name, field.encode_name, field.type)
        for field in _fields(inspect.type_info(spec))
        if _may_refer(field.type, frozenset())
    )


def _may_refer(type_: inspect.Type, within: frozenset[type[Any]]) -> bool:
    inner, kinds = _unwrapped(type_, ())
    if kinds:
        return True
    match inner:
        case inspect.StructType():
            seen = within | {inner.cls}
            return inner.cls not in within and any(_may_refer(field.type, seen) for field in inner.fields)
        case inspect.UnionType():
            return any(_may_refer(member, within) for member in inner.types)
        case inspect.DictType():
            return _may_refer(inner.key_type, within) or _may_refer(inner.value_type, within)
        case inspect.ListType() | inspect.VarTupleType():
            return _may_refer(inner.item_type, within)
    return False


def _in_value(value: Any, type_: inspect.Type, path: ConfigPath, inherited: tuple[str, ...]) -> Iterator[Reference]:
    inner, kinds = _unwrapped(type_, inherited)
    if isinstance(inner, inspect.UnionType):
        member = next((each for each in inner.types if _holds(each, value)), None)
        if member is not None:
            yield from _in_value(value, member, path, kinds)
    elif isinstance(value, str):
        if kinds:
            yield Reference(path, kinds, value)
    elif isinstance(value, msgspec.Struct):
        yield from _in_struct(value, path)
    elif isinstance(inner, inspect.ListType | inspect.VarTupleType):
        for index, item in enumerate(value):
            yield from _in_value(item, inner.item_type, (*path, index), kinds)
    elif isinstance(inner, inspect.DictType):
        texts = _holds(inner.value_type, "")
        for key, item in value.items():
            of_key = _in_value(key, inner.key_type, (*path, key), () if texts else kinds)
            yield from (reference._replace(is_key=True) for reference in of_key)
            yield from _in_value(item, inner.value_type, (*path, key), kinds if texts else ())


def _holds(type_: inspect.Type, value: Any) -> bool:
    """Whether ``value`` can be of ``type_``, as far as references care."""
    inner, _ = _unwrapped(type_, ())
    match inner:
        case inspect.UnionType():
            return any(_holds(member, value) for member in inner.types)
        case inspect.StrType() | inspect.LiteralType():
            return isinstance(value, str)
        case inspect.StructType():
            return isinstance(value, inner.cls)
        case inspect.ListType() | inspect.VarTupleType():
            return isinstance(value, list | tuple)
        case inspect.DictType():
            return isinstance(value, dict)
    return False


def _unwrapped(type_: inspect.Type, inherited: tuple[str, ...]) -> tuple[inspect.Type, tuple[str, ...]]:
    """``type_`` without its metadata, and the kinds that a text of it names."""
    kinds = inherited
    while isinstance(type_, inspect.Metadata):
        reference = (type_.extra or {}).get("reference")
        kinds = tuple(reference.split("|")) if reference else kinds
        type_ = type_.type
    return type_, kinds


def _fields(type_: inspect.Type) -> tuple[inspect.Field, ...]:
    return type_.fields if isinstance(type_, inspect.StructType) else ()
