"""The top of a page: what is judged, the verdict, what matters most, and how much it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlops_iac.plan.model import Op, Plan
from mlops_iac.render.change import plan_counts
from mlops_iac.render.html import Mood
from mlops_iac.render.markup import Child, Html, element
from mlops_iac.render.report.model import Report, Statement, broken, headline, verdict
from mlops_iac.render.report.parts import OPS

Tile = tuple[int, str, Mood | None]
"""A number in sight, what it counts, and its colour."""


def summary(report: Report) -> Html:
    """The verdict on a plan first, then a sentence for each thing that a reader with two minutes must know."""
    plan = report.plan
    tiles: list[Tile] = [(number, what, OPS[op][1]) for op, number, what in plan_counts(plan)]
    return heading(
        "Preview",
        plan,
        ("Compared with ", element("code", plan.baseline)),
        verdict(report.gates, broken(report.findings), report.impacts),
        headline(plan, report.impacts, report.cost),
        [*tiles, (plan.summary()[Op.SAME], "unchanged", None)],
    )


def heading(
    kind: str, plan: Plan, lead: Child, judged: Statement, said: Iterable[Statement], tiles: Sequence[Tile]
) -> Html:
    """The same of any report: its kind, the system, the verdict, statements and numbers."""
    return element(
        "header",
        element("p", kind, class_="eyebrow"),
        element("h1", plan.system, " ", element("span", plan.environment, class_="quiet")),
        element("p", lead, class_="lead"),
        element("p", judged.text, class_=f"verdict {judged.weight}"),
        element("ul", (element("li", each.text, class_=each.weight) for each in said), class_="glance"),
        element(
            "ul",
            (element("li", element("b", f"{n:,}"), f" {what}", class_=f"tile {mood or ''}") for n, what, mood in tiles),
            class_="tiles",
            aria_label="Resources",
        ),
    )
