"""The artifact of the plan phase: what an apply would do, resource by resource."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlops_iac.diagnostics import ConfigPath, Location
from mlops_iac.graph.nodes import SetByPolicy


class Op(StrEnum):
    """What happens to a resource; Pulumi's names."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    SAME = "same"


class Kind(StrEnum):
    """What happens to one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property's change; ``path`` is dotted with ``[i]`` for list items.

    ``old`` and ``new`` are evaluated data (``UNKNOWN`` and ``SecretValue`` included). ``replaces``: this
    change is why the resource is replaced. ``may_replace``: only the provider can tell whether it is.
    """

    path: str
    kind: Kind
    old: Any = None
    new: Any = None
    replaces: bool = False
    may_replace: bool = False


class Diffed:
    """What differs in properties: ``diff`` compares lists by index, as the engine does, and decides; ``shown`` is the
    same to read, item by item, None where that makes no difference."""

    __slots__ = ()

    diff: tuple[PropertyChange, ...]
    shown: tuple[PropertyChange, ...] | None

    @property
    def to_read(self) -> tuple[PropertyChange, ...]:
        """The property changes that people are shown: an item of a list deleted has its old index, others the new."""
        return self.diff if self.shown is None else self.shown


@dataclass(frozen=True, slots=True)
class Change(Diffed):
    """One resource's change.

    ``old`` and ``new`` are the evaluated inputs before and after (None where there is none).
    ``replace_reasons`` are the property paths that cannot change in place, and ``provider`` where the
    resource's provider is replaced. ``delete_before_replace`` tells the order of a replacement. ``retain``:
    a delete that leaves the cloud resource alone. ``old_urn``: the URN in the state, where an alias matched.
    ``goes_with``: the URN of the resource that cannot be deleted before this one is, which is why this one is
    deleted and created anew; ``takes_along`` is the same from the other side, in the order of deletion.
    ``protect``: the protection that stands against this change.
    ``set_by_policy``: the inputs that a remediation has set.
    """

    op: Op
    urn: str
    type: str
    name: str
    custom: bool
    parent: str | None = None
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    diff: tuple[PropertyChange, ...] = ()
    shown: tuple[PropertyChange, ...] | None = None
    replace_reasons: tuple[str, ...] = ()
    delete_before_replace: bool = False
    protect: bool = False
    retain: bool = False
    old_urn: str | None = None
    goes_with: str | None = None
    takes_along: tuple[str, ...] = ()
    component: ConfigPath = ()
    source: Location | None = None
    set_by_policy: tuple[SetByPolicy, ...] = ()

    @property
    def exists_outside(self) -> bool:
        """Whether it is a resource of a target: components and providers are in the state only."""
        return self.custom and not self.type.startswith("pulumi:")


@dataclass(frozen=True, slots=True)
class StackPlan:
    """One layer's changes, in apply order: creates and updates by dependency, then deletes in reverse."""

    layer: str
    project: str
    stack: str
    changes: tuple[Change, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every layer's changes, in apply order. ``baseline`` says in words what was compared with."""

    system: str
    environment: str
    baseline: str
    stacks: tuple[StackPlan, ...]

    @property
    def changes_something(self) -> bool:
        """Whether an apply has anything to do, be it with a provider only."""
        return any(change.custom and change.op is not Op.SAME for stack in self.stacks for change in stack.changes)

    def summary(self) -> dict[Op, int]:
        """How many resources each operation touches, as an apply counts them: without components and providers."""
        return counted(change for stack in self.stacks for change in stack.changes if change.exists_outside)

    def providers(self) -> dict[Op, int]:
        """How many providers each operation touches, which it does in the state only."""
        providers = (c for stack in self.stacks for c in stack.changes if c.custom and not c.exists_outside)
        return counted(providers)


def counted(changes: Iterable[Change]) -> dict[Op, int]:
    """How many of ``changes`` are of each operation."""
    found = Counter(change.op for change in changes)
    return {op: found[op] for op in Op}
