"""The top of the page: whether the plan can be applied, what matters most, and how much changes."""

from __future__ import annotations

from mlops_iac.plan.model import Op
from mlops_iac.render.html import code
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.model import Report, broken, headline, verdict
from mlops_iac.render.report.parts import OPS


def summary(report: Report) -> Html:
    """The verdict first, then a sentence for each thing that a reader with two minutes must know."""
    plan = report.plan
    judged = verdict(report.gates, broken(report.findings), report.impacts)
    said = (element("li", each.text, class_=each.weight) for each in headline(plan, report.impacts, report.cost))
    counts = plan.summary()
    tiles = [
        element("li", element("b", f"{counts[op]:,}"), f" to {op.value}", class_=f"tile {mood}")
        for op, (_, mood) in OPS.items()
        if counts[op]
    ]
    tiles.append(element("li", element("b", f"{counts[Op.SAME]:,}"), " unchanged", class_="tile"))
    return element(
        "header",
        element("p", "Preview", class_="eyebrow"),
        element("h1", plan.system, " ", element("span", plan.environment, class_="quiet")),
        element("p", "Compared with ", code(plan.baseline), class_="lead"),
        element("p", judged.text, class_=f"verdict {judged.weight}"),
        element("ul", said, class_="glance"),
        element("ul", tiles, class_="tiles", aria_label="Resources"),
    )
