"""The report of a plan as one HTML page: what happens, what it costs, who is against it, and where it came from.

Everything can be read without a script. The script filters the changes, and opens the details of a component or a
resource: who set its values, which policies judged it, what it costs.
"""

from __future__ import annotations

from mlops_iac.render import diagram
from mlops_iac.render.html import asset, document, section
from mlops_iac.render.markup import Html, element, join
from mlops_iac.render.report.changes import changes_section
from mlops_iac.render.report.cost import cost_section
from mlops_iac.render.report.details import details
from mlops_iac.render.report.impact import impact_section
from mlops_iac.render.report.model import Report
from mlops_iac.render.report.parts import diagnostic_panel
from mlops_iac.render.report.policies import policies_section
from mlops_iac.render.report.summary import summary
from mlops_iac.render.report.system import system_section


def report_page(report: Report) -> str:
    """The whole page."""
    plan = report.plan
    title = f"{plan.system} in {plan.environment}"
    parts = [
        ("impact", "Impact", impact_section(report)),
        ("system", "System", system_section(report)),
        ("changes", "Changes", changes_section(report)),
        ("cost", "Cost", cost_section(report)),
        ("policies", "Policies", policies_section(report)),
        ("notes", "Notes", _notes(report)),
    ]
    shown = [(id, name, body) for id, name, body in parts if body]
    dialog = element(
        "dialog",
        element("div", element("h2", id="detail-title"), _close(), class_="head"),
        element("div", id="detail-body"),
        id="detail",
        aria_labelledby="detail-title",
    )
    return document(
        title,
        join([summary(report), *(body for _, _, body in shown), dialog], "\n"),
        style=diagram.style() + asset("report.css"),
        script=diagram.script() + asset("report.js"),
        data=details(report),
        sections=[(id, name) for id, name, _ in shown],
    )


def _notes(report: Report) -> Html | None:
    if not report.notes:
        return None
    return section("notes", "Notes", element("ul", map(diagnostic_panel, report.notes), class_="plain"))


def _close() -> Html:
    return element("button", "Close", type="button", id="detail-close")
