"""A plan with everything that is known of it: what the pull-request report is made of, and what it says first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.diagnostics import Diagnostic, Severity
from mlops_iac.explanation import Explanation
from mlops_iac.graph.nodes import Graph
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactSeverity
from mlops_iac.plan.model import Op, Plan
from mlops_iac.policies.policy import Finding, Verdict
from mlops_iac.render.impact import duration, sentence
from mlops_iac.render.spending import dollars, signed, span
from mlops_iac.spec.system import Waiver

Weight = Literal["bad", "warn", "good", "quiet"]
"""How much a statement matters to who must decide."""

_SEVERE: Final = (ImpactSeverity.CRITICAL, ImpactSeverity.HIGH)
_WEIGHTS: Final[Mapping[ImpactSeverity, Weight]] = {
    ImpactSeverity.CRITICAL: "bad",
    ImpactSeverity.HIGH: "bad",
    ImpactSeverity.MEDIUM: "warn",
    ImpactSeverity.LOW: "quiet",
}
_MOST_IMPACTS: Final = 5


@dataclass(frozen=True, slots=True)
class Words:
    """How a report calls what it shows: each operation, the list of changes, and the values before and after."""

    ops: Mapping[Op, str]
    changes: str
    before: str
    after: str


PLANNED: Final = Words({op: op.value for op in Op if op is not Op.SAME}, "Changes", "Before", "After")
"""The words for what a plan would do."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a report shows. ``gates`` and ``notes`` are located diagnostics.

    ``explanations`` are all components with provenance, cost and verdicts; ``waivers`` those that are declared, with
    ``today`` (ISO date) to tell which have expired.
    """

    plan: Plan
    graph: Graph
    impacts: tuple[Impact, ...] = ()
    cost: MonthlyCost | None = None
    gates: tuple[Diagnostic, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    today: str = ""
    words: Words = PLANNED


@dataclass(frozen=True, slots=True)
class Statement:
    """One of the few sentences that a reader with two minutes needs."""

    weight: Weight
    text: str


def verdict(gates: Sequence[Diagnostic], broken: int, impacts: Sequence[Impact]) -> Statement:
    """Whether the plan can be applied; ``broken`` is the number of mandatory policies that are."""
    refused = sum(item.severity is Severity.ERROR for item in gates)
    parts = [_counted(refused, "gate refuses it", "gates refuse it")] if refused else []
    parts += [_counted(broken, "mandatory policy is broken", "mandatory policies are broken")] if broken else []
    if parts:
        return Statement("bad", f"Cannot be applied: {' and '.join(parts)}")
    if any(each.severity in _SEVERE for each in impacts):
        return Statement("warn", "Can be applied, but its impact is severe: no gate and no mandatory policy stops it")
    return Statement("good", "Can be applied: no gate and no mandatory policy stops it")


def headline(plan: Plan, impacts: Sequence[Impact], cost: MonthlyCost | None) -> tuple[Statement, ...]:
    """What happens to the running system and to the bill: one impact of each kind, the worst first."""
    kinds: dict[tuple[ImpactKind, ImpactSeverity], list[Impact]] = {}
    for each in impacts:
        kinds.setdefault((each.kind, each.severity), []).append(each)
    told = list(kinds.values())[:_MOST_IMPACTS]
    said = [Statement(_WEIGHTS[first.severity], _told(first, len(more))) for first, *more in told]
    rest = len(impacts) - sum(map(len, told))
    if rest:
        said.append(Statement("quiet", _counted(rest, "more impact", "more impacts")))
    if not impacts and plan.changes_something:
        said.append(Statement("good", "Nobody who uses the system notices"))
    return (*said, *bill(cost))


def bill(cost: MonthlyCost | None) -> tuple[Statement, ...]:
    """What a month costs then and how much that is more; nothing where nothing was estimated."""
    return (_bill(cost),) if cost is not None else ()


def broken(findings: Sequence[Finding]) -> int:
    """How many mandatory policies are broken."""
    return len({finding.policy.id for finding in findings if finding.stops})


def undecided(findings: Sequence[Finding]) -> int:
    """How many findings wait for what is known only after apply."""
    return sum(finding.result.verdict is Verdict.UNKNOWN for finding in findings)


def _told(impact: Impact, more: int) -> str:
    took = f" (takes {duration(impact)})" if impact.minutes is not None else ""
    like = f"; and {more:,} more like it" if more else ""
    return f"{sentence(impact.message).removesuffix('.')}{took}{like}"


def _bill(cost: MonthlyCost) -> Statement:
    estimate, difference = cost.estimate, cost.difference
    gaps = len(estimate.unknown)
    unknown = f"; {_counted(gaps, 'unknown price', 'unknown prices')} not counted" if gaps else ""
    now = span(estimate.floor, estimate.ceiling, dollars)
    if difference is None:
        return Statement("quiet", f"Monthly cost {now}{unknown}")
    if not difference.changes:
        return Statement("quiet", f"Monthly cost unchanged at {now}{unknown}")
    more = difference.floor > 0 or difference.ceiling > 0
    moved = span(difference.floor, difference.ceiling, signed)
    return Statement("warn" if more else "good", f"Monthly cost {moved}; then {now}{unknown}")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
