"""What somebody changed by hand: each drifted resource judged, and what to do about it.

A drift is read as a plan from the state to what is really there, so every rule that says what a plan does to the
running system (``plan.impacts``) judges a drift too. What such a plan would never show, because no declaration says it,
is a rule of its own: one file in ``plan/drifts`` whose ``RULE`` reads one ``Drifted``. The worst verdict counts; a
resource of which no rule says anything is to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, Location, format_path
from mlops_iac.graph.nodes import Graph, Node, layer_of
from mlops_iac.plan.impact import Impact, ImpactKind, impacts_of
from mlops_iac.plan.model import Change, Diffed, Op, Plan, PropertyChange, StackPlan
from mlops_iac.policies.inputs import Inputs, UnknownInputError
from mlops_iac.spec.system import System
from mlops_iac.state.checkpoint import parse_urn

_DANGEROUS: Final = frozenset(
    {
        ImpactKind.DATA_LOSS,
        ImpactKind.KEY_DELETION,
        ImpactKind.PUBLIC_EXPOSURE,
        ImpactKind.CROSS_ACCOUNT,
        ImpactKind.NETWORK_OPENED,
        ImpactKind.WIDER_PERMISSIONS,
        ImpactKind.TRIGGER_DETACHED,
    }
)
"""Impacts that are a danger when nobody reviewed them."""


class Danger(StrEnum):
    """How bad a drift is, the worst first."""

    DANGEROUS = "dangerous"
    UNCLEAR = "unclear"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Observed(Diffed):
    """A resource that is not as its state says. ``known`` are its inputs by the state, ``actual`` those it has."""

    urn: str
    type: str
    name: str
    gone: bool
    known: Mapping[str, Any]
    actual: Mapping[str, Any]
    diff: tuple[PropertyChange, ...]
    shown: tuple[PropertyChange, ...] | None = None


@dataclass(frozen=True, slots=True)
class Drifted:
    """One drift as rules see it: which input paths differ, and the resource before and after."""

    observed: Observed
    old: Inputs
    new: Inputs

    @property
    def type(self) -> str:
        """Its type token."""
        return self.observed.type

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that differ, list indexes as ``[]``."""
        return tuple(dict.fromkeys(re.sub(r"\[\d+\]", "[]", change.path) for change in self.observed.diff))

    def only(self, *patterns: str) -> bool:
        """Whether every path that differs begins with one of ``patterns``, and some does."""
        return bool(self.paths) and all(any(_below(path, pattern) for pattern in patterns) for path in self.paths)

    def touches(self, *patterns: str) -> bool:
        """Whether some path that differs begins with one of ``patterns``."""
        return any(_below(path, pattern) for path in self.paths for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a drift is as dangerous as it is. ``rule`` is the id of the rule that says so, filled in by who asks it."""

    danger: Danger
    text: str
    source_url: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class DriftRule:
    """One kind of drift to know. ``title`` says what, in a sentence; ``judge`` answers for one resource."""

    id: str
    title: str
    judge: Callable[[Drifted], Iterable[Reason]]


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A drifted resource with its verdict. ``component`` and ``location`` are where it is declared, if it still is.

    ``advice`` says what to do: let it be, put it right, or take it into the configuration.
    """

    observed: Observed
    layer: str
    danger: Danger
    reasons: tuple[Reason, ...]
    advice: str
    component: ConfigPath = ()
    location: Location | None = None


def judge_drift(
    observed: Mapping[str, Iterable[Observed]], graph: Graph, system: System, composition: Composition
) -> tuple[DriftFinding, ...]:
    """Every drifted resource by project, judged; the worst first."""
    from mlops_iac.plan.drifts import rules

    listed = {project: tuple(found) for project, found in observed.items()}
    nodes = _nodes_of(graph)
    plan = drift_plan(listed, graph)
    impacts: dict[str, list[Impact]] = {}
    for impact in impacts_of(plan, graph, system, composition):
        for name in impact.resources:
            impacts.setdefault(name, []).append(impact)
    found = []
    for project, drifts in listed.items():
        for each in drifts:
            node = nodes.get(project, {}).get(each.urn)
            reasons = [*_of_rules(each, rules()), *_of_impacts(each, node, impacts.get(each.name, ()))]
            found.append(_finding(each, node, layer_of(project) or project, reasons))
    order = list(Danger)
    return tuple(sorted(found, key=lambda item: (order.index(item.danger), item.layer, item.observed.urn)))


def drift_plan(observed: Mapping[str, Iterable[Observed]], graph: Graph) -> Plan:
    """The changes that somebody made, by project, as a plan: from the state to what is there."""
    nodes = _nodes_of(graph)
    stacks = tuple(
        StackPlan(
            layer_of(project) or project,
            project,
            graph.environment,
            tuple(_change(each, nodes.get(project, {})) for each in observed[project]),
        )
        for project in dict.fromkeys((*(stack.project for stack in graph.stacks), *observed))
        if project in observed
    )
    return Plan(graph.system, graph.environment, "the state", stacks)


def _nodes_of(graph: Graph) -> dict[str, dict[str, Node]]:
    """The nodes of each project by URN."""
    return {stack.project: _nodes(stack.urn, stack.nodes) for stack in graph.stacks}


def _nodes(urn: Callable[[Node, Mapping[Any, Node]], str], nodes: Iterable[Node]) -> dict[str, Node]:
    index = {node.key: node for node in nodes}
    return {urn(node, index): node for node in index.values()}


def _change(each: Observed, nodes: Mapping[str, Node]) -> Change:
    node = nodes.get(each.urn)
    return Change(
        Op.DELETE if each.gone else Op.UPDATE,
        each.urn,
        each.type,
        each.name,
        True,
        old=each.known,
        new=None if each.gone else each.actual,
        diff=each.diff,
        shown=each.shown,
        component=node.component if node is not None else (),
        source=node.source if node is not None else None,
    )


def _of_rules(each: Observed, rules: Iterable[DriftRule]) -> list[Reason]:
    drifted = Drifted(each, Inputs(each.known), Inputs(each.actual))
    found: list[Reason] = []
    for rule in rules:
        try:
            found += [replace(reason, rule=rule.id) for reason in rule.judge(drifted)]
        except UnknownInputError:
            continue
    return found


def _of_impacts(each: Observed, node: Node | None, impacts: Iterable[Impact]) -> list[Reason]:
    """What plan rules say of the change; of a resource that is gone, its absence says it already."""
    component = node.component if node is not None else ()
    return [
        Reason(
            Danger.DANGEROUS if impact.kind in _DANGEROUS else Danger.UNCLEAR,
            impact.message,
            impact.source_url,
            impact.kind.value.replace("_", "-"),
        )
        for impact in impacts
        if not each.gone and (not component or impact.component == component)
    ]


def _finding(each: Observed, node: Node | None, layer: str, reasons: list[Reason]) -> DriftFinding:
    order = list(Danger)
    reasons = sorted(dict.fromkeys(reasons), key=lambda reason: order.index(reason.danger))
    danger = reasons[0].danger if reasons else Danger.UNCLEAR
    component = node.component if node is not None else ()
    location = node.source if node is not None else None
    shown = tuple(reason for reason in reasons if reason.danger is danger)
    return DriftFinding(each, layer, danger, shown, _advice(each, danger, component, location), component, location)


_AGAIN: Final = "`mlops-iac refresh` and then `mlops-iac up`"
"""An `up` goes by the state, which does not know of a drift before a refresh."""


def _advice(each: Observed, danger: Danger, component: ConfigPath, location: Location | None) -> str:
    if danger is Danger.HARMLESS:
        return "let it be"
    if not component:
        return "nothing declares it any more: `mlops-iac up` deletes it"
    if each.gone:
        return f"{_AGAIN} make it again; find out who deleted it"
    kept = (
        f"to keep it, say so in `{format_path(component)}`{f' ({location.file}:{location.line})' if location else ''}"
    )
    right = f"{_AGAIN} put it right"
    return f"{right}, at once; find out who did it" if danger is Danger.DANGEROUS else f"{right}; {kept}"


def _below(path: str, pattern: str) -> bool:
    return path == pattern or path.startswith((f"{pattern}.", f"{pattern}["))


def observed_of(
    urn: str,
    gone: bool,
    known: Mapping[str, Any],
    actual: Mapping[str, Any],
    diff: Iterable[PropertyChange],
    shown: Iterable[PropertyChange] | None = None,
) -> Observed:
    """What an engine found of the resource with that URN."""
    parsed = parse_urn(urn)
    to_read = tuple(shown) if shown is not None else None
    return Observed(urn, parsed.type, parsed.name, gone, known, actual, tuple(diff), to_read)
