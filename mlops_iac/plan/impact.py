"""What a plan does to the running ML system: lost data, waiting callers, stale baselines, wider access.

A rule is one file in ``plan/impacts`` whose ``RULE`` reads a ``Scene``: the changes of a plan, beside the system that
they lead to. Rules are pure, know nothing of each other, and say nothing of what does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from mlops_iac.components.registry import registry
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Location, format_path
from mlops_iac.graph.nodes import Graph
from mlops_iac.plan.model import Change, Op, Plan, StackPlan
from mlops_iac.policies.inputs import Inputs, UnknownInputError
from mlops_iac.policies.policy import ResourceView, view
from mlops_iac.policies.views import view_graph
from mlops_iac.spec.system import System

_MAIN: Final = frozenset({"bucket", "cluster", "database", "endpoint", "group", "pipeline", "repository", "vpc"})
"""Suffixes of resources that are what their component is about."""

Minutes = tuple[int, int]
"""How long something typically takes: at least and at most."""


class ImpactSeverity(StrEnum):
    """How bad it is for those who use the system, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class ImpactKind(StrEnum):
    """What happens to the running system."""

    DATA_LOSS = "data_loss"
    KEY_DELETION = "key_deletion"
    ABANDONED = "abandoned"
    DOWNTIME = "downtime"
    ROLLOUT = "rollout"
    JOBS_LOST = "jobs_lost"
    RUNS_IN_FLIGHT = "runs_in_flight"
    STALE_BASELINE = "stale_baseline"
    TRIGGER_DETACHED = "trigger_detached"
    TRIGGER_NEW = "trigger_new"
    TRIGGER_NEVER = "trigger_never"
    MODEL_APPROVAL = "model_approval"
    PUBLIC_EXPOSURE = "public_exposure"
    CROSS_ACCOUNT = "cross_account"
    NETWORK_OPENED = "network_opened"
    WIDER_PERMISSIONS = "wider_permissions"
    SAFEGUARD_LOOSENED = "safeguard_loosened"


@dataclass(frozen=True, slots=True)
class Impact:
    """One effect of a plan on the running system.

    ``component`` is the configuration path it happens to, ``resources`` the logical names that bring it about.
    ``action`` says what to do before or after. ``minutes`` is how long it typically takes, None where time plays no
    part. ``location`` is where the component is declared, or its section where it no longer is.
    """

    kind: ImpactKind
    severity: ImpactSeverity
    component: ConfigPath
    resources: tuple[str, ...]
    message: str
    action: str
    source_url: str
    minutes: Minutes | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """One resource that a plan changes. ``component`` is known even where it is no longer declared.

    ``old`` and ``new`` are its inputs before and after, empty where there is none; reading one that is known only
    after apply raises ``UnknownInputError``.
    """

    change: Change
    component: ConfigPath
    old: Inputs
    new: Inputs

    @property
    def op(self) -> Op:
        """What happens to it."""
        return self.change.op

    @property
    def name(self) -> str:
        """Its logical name."""
        return self.change.name

    @property
    def label(self) -> str:
        """Its name as its owner wrote it: ``raw`` for the bucket of ``buckets.raw``, ``audit.logs`` for one of many."""
        head, _, tail = self.change.name.partition(".")
        return head if tail in _MAIN else self.change.name

    @property
    def goes(self) -> bool:
        """Whether the cloud resource that exists now ends."""
        return self.change.op in (Op.DELETE, Op.REPLACE)

    @property
    def how(self) -> str:
        """What happens to it, in words."""
        if self.change.op is Op.REPLACE:
            reasons = [reason for reason in self.change.replace_reasons if reason != "provider"]
            inside = reasons[0].partition("[")[0].partition(".")[0] if reasons else "its provider"
            return f"is replaced ({inside} {'cannot change in place' if reasons else 'is replaced'})"
        return {Op.CREATE: "is created", Op.UPDATE: "changes", Op.DELETE: "is deleted"}.get(self.change.op, "stays")

    def before(self) -> ResourceView:
        """The resource as it was, as policies see one."""
        return view(self.change.urn, self.change.type, self.change.name, self.change.old or {})

    def after(self) -> ResourceView:
        """The resource as it will be, as policies see one."""
        return view(self.change.urn, self.change.type, self.change.name, self.change.new or {})


@dataclass(frozen=True)
class Scene:
    """A plan as rules see it: ``everything`` that changes, nodes that only group others included.

    ``before`` is the configuration that the plan compares with, None where only a state is known.
    """

    plan: Plan
    graph: Graph
    system: System
    everything: tuple[Touched, ...]
    before: System | None = None

    @cached_property
    def touched(self) -> tuple[Touched, ...]:
        """Every cloud resource that changes."""
        return tuple(each for each in self.everything if each.change.custom)

    def of_type(self, *types: str) -> Iterator[Touched]:
        """Every touched resource of those types."""
        for type in types:
            yield from self._by_type.get(type, ())

    def of_component(self, component: ConfigPath, *types: str) -> Iterator[Touched]:
        """Every touched resource of a component, of those types where any are given."""
        for each in self._by_component.get(component, ()):
            if not types or each.change.type in types:
                yield each

    def existed(self, component: ConfigPath) -> bool:
        """Whether any resource of the component is deployed already."""
        return component in self._existing

    def declared(self, urn: str) -> ResourceView | None:
        """A declared resource with everything that is known of it; unknown parts of its documents are marked."""
        return self._views.get(urn)

    @cached_property
    def _by_type(self) -> Mapping[str, list[Touched]]:
        return _grouped(self.touched, lambda each: each.change.type)

    @cached_property
    def _by_component(self) -> Mapping[ConfigPath, list[Touched]]:
        return _grouped(self.touched, lambda each: each.component)

    @cached_property
    def _existing(self) -> frozenset[ConfigPath]:
        return frozenset(
            change.component
            for stack in self.plan.stacks
            for change in stack.changes
            if change.custom and change.op not in (Op.CREATE, Op.DELETE)
        )

    @cached_property
    def _views(self) -> Mapping[str, ResourceView]:
        return {resource.urn: resource for resource in view_graph(self.graph, self.system).resources}


@dataclass(frozen=True, slots=True)
class ImpactRule:
    """One kind of thing to look for. ``title`` says what, in a sentence; ``find`` answers for a whole plan."""

    id: str
    title: str
    find: Callable[[Scene], Iterable[Impact]]


def impacts_of(
    plan: Plan, graph: Graph, system: System, composition: Composition, before: System | None = None
) -> tuple[Impact, ...]:
    """Every impact of a plan, the worst first; the order depends on nothing but the plan.

    ``before`` is the configuration that it compares with, where that is known.
    """
    from mlops_iac.plan.impacts import rules

    scene = scene_of(plan, graph, system, before)
    if not scene.touched and before is None:
        return ()
    found = {impact for rule in rules() for impact in rule.find(scene)}
    located = (replace(impact, location=composition.location_of(impact.component)) for impact in found)
    severities, kinds = list(ImpactSeverity), list(ImpactKind)
    return tuple(
        sorted(
            located,
            key=lambda each: (
                severities.index(each.severity),
                kinds.index(each.kind),
                format_path(each.component),
                each.message,
                each.resources,
            ),
        )
    )


def scene_of(plan: Plan, graph: Graph, system: System, before: System | None = None) -> Scene:
    """The scene of a plan for a graph of ``system``."""
    everything = tuple(
        Touched(change, component, Inputs(change.old or {}), Inputs(change.new or {}))
        for change, component in changes_by_component(plan)
        if change.op is not Op.SAME
    )
    return Scene(plan, graph, system, everything, before)


def changes_by_component(plan: Plan) -> Iterator[tuple[Change, ConfigPath]]:
    """Every change with its component; that of a deleted resource follows from the component above it."""
    kinds = {component.token: (component.kind, component.many) for component in registry().components()}
    for stack in plan.stacks:
        yield from _components(stack, kinds)


def each(found: Iterable[Touched], judge: Callable[[Touched], Iterable[Impact]]) -> Iterator[Impact]:
    """What ``judge`` says of each; of a resource whose deciding input is known only after apply, nothing."""
    for touched in found:
        try:
            yield from list(judge(touched))
        except UnknownInputError:
            continue


def listed(names: Iterable[str], most: int = 4) -> str:
    """A readable list of names: ``a, b and c``; of many the first ones and how many more."""
    items = list(dict.fromkeys(names))
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def _components(stack: StackPlan, kinds: Mapping[str, tuple[str, bool]]) -> Iterator[tuple[Change, ConfigPath]]:
    by_urn = {change.urn: change for change in stack.changes}

    def path_of(change: Change) -> ConfigPath:
        above: Change | None = change
        while above is not None:
            if above.component:
                return above.component
            if above.type in kinds:
                kind, many = kinds[above.type]
                return (kind, above.name) if many else (kind,)
            above = by_urn.get(above.parent) if above.parent is not None else None
        return ()

    for change in stack.changes:
        yield change, path_of(change)


def _grouped(items: Iterable[Touched], key: Callable[[Touched], Any]) -> dict[Any, list[Touched]]:
    groups: dict[Any, list[Touched]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
