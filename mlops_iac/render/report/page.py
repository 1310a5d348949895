"""The report of a plan as one HTML page: what happens, what it costs, who is against it, and where it came from.

Everything can be read without a script. The script filters the changes, and opens the details of a component or a
resource: who set its values, which policies judged it, what it costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlops_iac.diagnostics import Diagnostic
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
    sections = [
        ("impact", "Impact", impact_section(report)),
        ("system", "System", system_section(report)),
        ("changes", report.words.changes, changes_section(report)),
        ("cost", "Cost", cost_section(report)),
        ("policies", "Policies", policies_section(report)),
        ("notes", "Notes", notes_section(report.notes)),
    ]
    return page(f"{report.plan.system} in {report.plan.environment}", summary(report), sections, report)


def page(title: str, top: Html, sections: Iterable[tuple[str, str, Html | None]], report: Report) -> str:
    """A page of a top and sections, each an id, a name and a body, with the details of everything in ``report``."""
    shown = [(id, name, body) for id, name, body in sections if body]
    dialog = element(
        "dialog",
        element("div", element("h2", id="detail-title"), _close(), class_="head"),
        element("div", id="detail-body"),
        id="detail",
        aria_labelledby="detail-title",
    )
    return document(
        title,
        join([top, *(body for _, _, body in shown), dialog], "\n"),
        style=diagram.style() + asset("report.css"),
        script=diagram.script() + asset("report.js"),
        data=details(report),
        sections=[(id, name) for id, name, _ in shown],
    )


def notes_section(notes: Sequence[Diagnostic], title: str = "Notes") -> Html | None:
    """Warnings and what else is to be known; None where there is nothing."""
    if not notes:
        return None
    return section("notes", title, element("ul", map(diagnostic_panel, notes), class_="plain"))


def _close() -> Html:
    return element("button", "Close", type="button", id="detail-close")
