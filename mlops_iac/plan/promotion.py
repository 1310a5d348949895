"""Compares a system in two environments: which keys differ, which of them may, and what becomes of the resources.

Names that hold the environment, the account or a hash of their content differ by design. They are compared as if the
two systems were called the same, so that what is left is a difference in what is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from mlops_iac.compose.composition import Composition, Origin
from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.graph.nodes import Graph
from mlops_iac.plan.compare import as_changes, differences_to_read
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.model import Kind, PropertyChange
from mlops_iac.spec.system import System
from mlops_iac.state.snapshot import ResourceState

_HASH: Final = re.compile(r"(?<=-)[0-9a-f]{8}(?![0-9a-z])")
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Side:
    """A system as composed and compiled for one environment."""

    composition: Composition
    system: System
    graph: Graph

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.graph.environment


@dataclass(frozen=True, slots=True)
class KeyDifference:
    """One configured value that differs. A side without the key has None for both its value and its origin.

    ``allowed`` is the pattern that lets it differ, empty where none does.
    """

    path: str
    before: Any
    after: Any
    before_origin: str | None
    after_origin: str | None
    allowed: str


@dataclass(frozen=True, slots=True)
class ResourceDifference:
    """One resource that both environments have, with the properties that differ."""

    name: str
    type: str
    properties: tuple[PropertyChange, ...]


@dataclass(frozen=True, slots=True)
class ComponentDifference:
    """What differs in one component: resources that one side alone has, and those that are not the same."""

    component: str
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    changed: tuple[ResourceDifference, ...]


@dataclass(frozen=True, slots=True)
class Promotion:
    """Everything that sets two environments of one system apart, and what a promotion carries, in sentences."""

    system: str
    before: str
    after: str
    keys: tuple[KeyDifference, ...]
    components: tuple[ComponentDifference, ...]
    resources: tuple[int, int]
    carries: tuple[str, ...]

    @property
    def unexpected(self) -> tuple[KeyDifference, ...]:
        """The keys that differ although no pattern lets them."""
        return tuple(key for key in self.keys if not key.allowed)


def compare_environments(before: Side, after: Side) -> Promotion:
    """What differs between two environments; the allowlist is that of the environment that is promoted to."""
    keys = tuple(_keys(before.composition, after.composition, after.system.core.promotion.may_differ))
    components = tuple(_components(before, after))
    counts = (_count(before.graph), _count(after.graph))
    return Promotion(
        after.graph.system,
        before.name,
        after.name,
        keys,
        components,
        counts,
        tuple(_carries(before, after, keys, counts)),
    )


def _keys(before: Composition, after: Composition, patterns: tuple[str, ...]) -> Iterator[KeyDifference]:
    old, new = dict(_leaves(before.data, ())), dict(_leaves(after.data, ()))
    for path in sorted({*old, *new}, key=format_path):
        left, right = old.get(path, _ABSENT), new.get(path, _ABSENT)
        if left is _ABSENT or right is _ABSENT or left != right or type(left) is not type(right):
            text = format_path(path)
            yield KeyDifference(
                text,
                None if left is _ABSENT else left,
                None if right is _ABSENT else right,
                None if left is _ABSENT else _origin(before.origin_of(path)),
                None if right is _ABSENT else _origin(after.origin_of(path)),
                next((pattern for pattern in patterns if fnmatchcase(text, pattern)), ""),
            )


def _leaves(value: Any, path: ConfigPath) -> Iterator[tuple[ConfigPath, Any]]:
    """Every value with its path; a list counts as one value, since an index does not say which item it was."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _origin(origin: Origin | None) -> str:
    if origin is None:
        return "default"
    if origin.override is not None:
        return f"override {origin.override}"
    group = f" ({origin.group})" if origin.group is not None else ""
    return f"{origin.key.file}:{origin.key.line}{group}"


def _components(before: Side, after: Side) -> Iterator[ComponentDifference]:
    old, new = _resources(before), _resources(after)
    names = sorted({component for component, _ in (*old, *new)})
    for component in names:
        left = {key: state for (owner, key), state in old.items() if owner == component}
        right = {key: state for (owner, key), state in new.items() if owner == component}
        changed = tuple(
            ResourceDifference(key[1], left[key].type, found)
            for key in left
            if key in right and (found := _properties(left[key], right[key], before, after))
        )
        only_before = tuple(key[1] for key in left if key not in right)
        only_after = tuple(key[1] for key in right if key not in left)
        if changed or only_before or only_after:
            yield ComponentDifference(component, only_before, only_after, changed)


def _resources(side: Side) -> dict[tuple[str, tuple[str, str]], ResourceState]:
    """The resources by component, qualified type and name, evaluated as if they were deployed."""
    states = {state.urn: state for snapshot in snapshot_of_graph(side.graph).values() for state in snapshot.resources}
    index = {node.key: node for node in side.graph.nodes()}
    found = {}
    for stack in side.graph.stacks:
        for node in stack.nodes:
            if node.custom:
                urn = stack.urn(node, index)
                _, _, qualified, name = urn.split("::", 3)
                found[format_path(node.component), (f"{stack.layer.value} {qualified}", name)] = states[urn]
    return found


def _properties(old: ResourceState, new: ResourceState, before: Side, after: Side) -> tuple[PropertyChange, ...]:
    left, right = _neutral(old.inputs, before), _neutral(new.inputs, after)
    found = as_changes(
        item for item in differences_to_read(left, right) if (item.old, item.new) != (before.name, after.name)
    )
    options = (("protect", old.protect, new.protect), ("retainOnDelete", old.retain_on_delete, new.retain_on_delete))
    differing = (_option(name, one, other) for name, one, other in options if one != other)
    return (*found, *differing)


def _option(name: str, before: bool, after: bool) -> PropertyChange:
    return PropertyChange(f"({name})", Kind.UPDATE, before, after)


def _neutral(value: Any, side: Side) -> Any:
    """``value`` without what is different in every environment by design."""
    if isinstance(value, str):
        return _neutral_text(value, side)
    if isinstance(value, SecretValue):
        return SecretValue(_neutral(value.value, side))
    if isinstance(value, Mapping):
        return {_neutral_text(key, side): _neutral(item, side) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_neutral(item, side) for item in value]
    return value


def _neutral_text(text: str, side: Side) -> str:
    name, environment = side.graph.system, side.name
    named = text
    for mark in "-/_":
        named = named.replace(f"{name}{mark}{environment}", f"{name}{mark}{{env}}")
    if named != text:
        named = _HASH.sub("{hash}", named)
    return named.replace(side.system.core.cloud.account, "{account}").replace(side.system.core.cloud.region, "{region}")


def _count(graph: Graph) -> int:
    return sum(node.exists_outside for node in graph.nodes())


def _carries(before: Side, after: Side, keys: tuple[KeyDifference, ...], counts: tuple[int, int]) -> Iterator[str]:
    """What somebody who approves the promotion has to know, a sentence each."""
    same = {instance.path for instance in before.system.instances} & {
        instance.path for instance in after.system.instances
    }
    yield (f"the same {len(same)} components: {counts[0]} resources in {before.name}, {counts[1]} in {after.name}")
    for label, one, other in (("gains", after, before), ("lacks", before, after)):
        paths = {instance.path for instance in other.system.instances}
        extra = [format_path(item.path) for item in one.system.instances if item.path not in paths]
        if extra:
            yield f"{after.name} {label} {', '.join(extra)}"
    for instance in after.system.of_kind("models"):
        released = ", ".join(f"{stage} version {version}" for stage, version in instance.spec.released.items())
        yield f"model {instance.name}: {released or 'no version is released'}"
    unexpected = [key for key in keys if not key.allowed]
    yield (
        f"{len(keys)} keys differ, {len(keys) - len(unexpected)} of them as they may"
        + (f"; {len(unexpected)} should not: {', '.join(key.path for key in unexpected)}" if unexpected else "")
    )
    environment = after.system.core.env
    people = {"one_person": "one person has", "two_person": "two people have"}.get(environment.approval)
    if people is not None:
        yield f"{people} to approve a deployment to {after.name}"
    if environment.gates:
        yield f"{after.name} refuses changes by its gates: {', '.join(environment.gates)}"
