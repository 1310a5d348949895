"""The page of a drift: what was changed by hand, how dangerous that is and what to do; then where, and every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mlops_iac.diagnostics import Diagnostic, format_path
from mlops_iac.explanation import Explanation
from mlops_iac.graph.nodes import Graph
from mlops_iac.plan.drift import Danger, DriftFinding
from mlops_iac.plan.model import Op, Plan
from mlops_iac.render.drift import drift_reasons, drift_verdict
from mlops_iac.render.html import Mood, badge, section
from mlops_iac.render.impact import sentence
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.changes import changes_section
from mlops_iac.render.report.model import Report, Statement, Weight, Words
from mlops_iac.render.report.page import notes_section, page
from mlops_iac.render.report.parts import component_link, place, remedy, with_code
from mlops_iac.render.report.summary import heading
from mlops_iac.render.report.system import system_section
from mlops_iac.render.results import short_type

_WORDS: Final = Words({Op.UPDATE: "differs", Op.DELETE: "is gone"}, "Differences", "By the state", "Really")
_MOODS: Final[Mapping[Danger, Mood]] = {Danger.DANGEROUS: "bad", Danger.UNCLEAR: "warn", Danger.HARMLESS: "quiet"}
_WEIGHTS: Final[Mapping[Danger, Weight]] = {
    Danger.DANGEROUS: "bad",
    Danger.UNCLEAR: "warn",
    Danger.HARMLESS: "good",
}
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Everything that the page shows: ``plan`` is the drift as a plan, ``failures`` what could not be read."""

    plan: Plan
    graph: Graph
    findings: tuple[DriftFinding, ...]
    failures: tuple[Diagnostic, ...]
    explanations: tuple[Explanation, ...]


def drift_page(drift: DriftReport) -> str:
    """The whole page."""
    report = Report(drift.plan, drift.graph, explanations=drift.explanations, words=_WORDS)
    sections = [
        ("drift", "Drift", _drift_section(drift)),
        ("system", "System", system_section(report)),
        ("changes", _WORDS.changes, changes_section(report)),
        ("notes", "Not read", notes_section(drift.failures, "Not read")),
    ]
    plan = drift.plan
    return page(f"Drift of {plan.system} in {plan.environment}", _top(drift), sections, report)


def _top(drift: DriftReport) -> Html:
    findings = drift.findings
    worst = findings[0].danger if findings else Danger.HARMLESS
    weight = "warn" if drift.failures and worst is Danger.HARMLESS else _WEIGHTS[worst]
    judged = Statement(weight, drift_verdict(findings, complete=not drift.failures).rstrip("."))
    told = [finding for finding in findings if finding.danger is not Danger.HARMLESS]
    said = [Statement(_WEIGHTS[each.danger], _told(each)) for each in told[:_MOST]]
    if len(told) > _MOST:
        said.append(Statement("quiet", f"and {len(told) - _MOST:,} more"))
    tiles = [(count, danger.value, _MOODS[danger]) for danger in Danger if (count := _count(findings, danger))]
    return heading("Drift", drift.plan, "What is there, compared with what the state says", judged, said, tiles)


def _drift_section(drift: DriftReport) -> Html | None:
    if not drift.findings:
        return None
    known = frozenset(each.component for each in drift.explanations)
    parts: list[Html] = []
    for danger in Danger:
        rows = [_finding(each, known) for each in drift.findings if each.danger is danger]
        listed = element("ul", rows, class_="plain")
        if rows and danger is Danger.HARMLESS:
            listed = element("details", element("summary", f"{len(rows):,} harmless"), listed)
        parts += [listed] if rows else []
    return section("drift", "Drift", *parts, note="What was changed by hand or by another tool, the worst first.")


def _finding(finding: DriftFinding, known: frozenset[str]) -> Html:
    observed, component = finding.observed, format_path(finding.component)
    return element(
        "li",
        element(
            "p",
            badge(finding.danger.value, _MOODS[finding.danger]),
            " ",
            element("strong", observed.name, class_="code"),
            " ",
            element("span", short_type(observed.type), class_="quiet"),
            component_link(component) if component in known else None,
            element("span", place(finding.location), class_="at"),
            class_="row",
        ),
        (element("p", with_code(sentence(reason))) for reason in drift_reasons(finding)),
        remedy(finding.advice),
        class_="panel",
    )


def _told(finding: DriftFinding) -> str:
    name, why = finding.observed.name, drift_reasons(finding)[0]
    return why if why.startswith(name) else f"{name}: {why}"


def _count(findings: Sequence[DriftFinding], danger: Danger) -> int:
    return sum(finding.danger is danger for finding in findings)
