"""What the change does to the running system, and which gates refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlops_iac.diagnostics import format_path
from mlops_iac.plan.impact import Impact, ImpactSeverity, changes_by_component
from mlops_iac.render.html import Mood, badge, code, section
from mlops_iac.render.impact import duration, sentence
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.model import Report
from mlops_iac.render.report.parts import GATED, component_link, diagnostic_panel, place, remedy, with_code

_SEVERITIES: Final[Mapping[ImpactSeverity, Mood]] = {
    ImpactSeverity.CRITICAL: "bad",
    ImpactSeverity.HIGH: "bad",
    ImpactSeverity.MEDIUM: "warn",
    ImpactSeverity.LOW: "quiet",
}


def impact_section(report: Report) -> Html | None:
    """Each impact and each gate as a panel; None where there is neither."""
    gates = [diagnostic_panel(item, GATED) for item in report.gates]
    if not report.impacts and not gates:
        return None
    known = _components_of(report)
    rows = [_one_impact(each, known) for each in report.impacts]
    refused = element("h3", "Gates") if gates else None
    listed = element("ul", gates, class_="plain") if gates else None
    return section(
        "impact",
        "Impact",
        element("ul", rows, class_="plain impacts"),
        *(part for part in (refused, listed) if part is not None),
        note="What the change does to the running system, the worst first. Durations are typical ones.",
    )


def _one_impact(impact: Impact, known: frozenset[str]) -> Html:
    took = element("span", duration(impact), class_="quiet took") if impact.minutes is not None else None
    return element(
        "li",
        element(
            "p",
            badge(impact.severity.value, _SEVERITIES[impact.severity]),
            " ",
            element("strong", _open_component(format_path(impact.component), known)),
            " ",
            took,
            element("span", place(impact.location), class_="at"),
            class_="row",
        ),
        element("p", with_code(sentence(impact.message))),
        remedy(impact.action),
        class_="panel",
    )


def _components_of(report: Report) -> frozenset[str]:
    """Every component that the page says more of: declared ones, and those that end."""
    declared = {each.component for each in report.explanations}
    return frozenset(declared | {format_path(path) for _, path in changes_by_component(report.plan)})


def _open_component(component: str, known: frozenset[str]) -> Html:
    return component_link(component) if component in known else code(component)
