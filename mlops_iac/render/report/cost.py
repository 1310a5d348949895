"""What a month costs by stage, drawn, and which resources make the difference."""

from __future__ import annotations

from mlops_iac.render.html import code, section, table
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.model import Report
from mlops_iac.render.results import short_type
from mlops_iac.render.spending import delta, stage_changes, stage_totals, unpriced, usd


def cost_section(report: Report) -> Html | None:
    """Bars by stage and the resources behind the difference; None where nothing was estimated."""
    if report.cost is None:
        return None
    estimate, difference = report.cost.estimate, report.cost.difference
    if difference is not None and not difference.changes:
        difference = None
    moved = stage_changes(difference) if difference is not None else {}
    totals = stage_totals(estimate, difference)
    most = (max((floor for _, floor, _ in totals), default=0.0), max((most for *_, most in totals), default=0.0))
    rows = []
    for stage, floor, ceiling in totals:
        change = moved.get(stage, (0.0, 0.0))
        cells = [element("th", stage.value, scope="row")]
        for amount, by, scale in ((floor, change[0], most[0]), (ceiling, change[1], most[1])):
            cells.append(element("td", _bar(amount, by, scale), class_="bar"))
            cells.append(element("td", usd(amount), class_="number"))
        if difference is not None:
            cells += [_moved(amount) for amount in change]
        rows.append(element("tr", cells))
    total = [element("th", "total", scope="row")]
    for amount in (estimate.floor, estimate.ceiling):
        total += [element("td"), element("td", usd(amount), class_="number")]
    if difference is not None:
        total += [_moved(amount) for amount in (difference.floor, difference.ceiling)]
    head = [element("th", "Stage", scope="col")]
    head += [element("th", name, scope="col", colspan=2) for name in ("At least", "At most")]
    if difference is not None:
        head += [element("th", name, scope="col", class_="number") for name in ("Change at least", "at most")]
    grid = element(
        "table",
        element("thead", element("tr", head)),
        element("tbody", rows),
        element("tfoot", element("tr", total)),
        class_="cost",
    )
    chart = element("div", grid, class_="scroll", role="region", aria_label="Monthly cost by stage", tabindex=0)
    parts: list[Html] = [chart]
    if difference is not None:
        changed = [
            (
                code(change.line.name),
                element("span", short_type(change.line.type), class_="quiet"),
                element("span", {"added": "new", "removed": "gone"}.get(change.kind, "changed")),
                delta(change.floor),
                delta(change.ceiling),
            )
            for change in difference.changes[:20]
        ]
        parts.append(element("h3", "What makes the difference"))
        head_names = ("Resource", "Type", "Change", "At least", "At most")
        parts.append(table(head_names, changed, name="Resources whose cost changes", numbers=[3, 4]))
    if estimate.unknown:
        names = (element("li", name) for name in unpriced(estimate))
        parts.append(element("h3", "Not counted, because no price is known"))
        parts.append(element("ul", names))
    note = f"USD a month of 730 hours in {estimate.region}, list prices. At least: the fewest instances and scheduled "
    note += "runs. At most: the most that the configuration allows. Use is assumed where no usage is declared."
    return section("cost", "Cost", *parts, note=note)


def _bar(amount: float, by: float, scale: float) -> Html:
    """A bar as long as the amount; what a plan adds is hatched, what it takes away outlined."""
    if not scale:
        return element("span")
    before, after = max(amount - by, 0.0) / scale, amount / scale
    length = {"height": 10, "y": 1, "rx": 2}
    bars = [element("rect", width=_share(min(before, after)), class_="amount", **length)]
    if abs(by) >= 0.005:
        start, end = sorted((before, min(after, 1.0)))
        kind = "more" if by > 0 else "less"
        bars.append(element("rect", x=_share(start), width=_share(min(end, 1.0) - start), class_=kind, **length))
    return element("svg", bars, width="100%", height=12, aria_hidden="true")


def _share(part: float) -> str:
    return f"{100 * max(min(part, 1.0), 0.0):.2f}%"


def _moved(amount: float) -> Html:
    mood = "more" if amount >= 0.005 else "less" if amount <= -0.005 else "quiet"
    return element("td", delta(amount) if mood != "quiet" else "", class_=f"number {mood}")
