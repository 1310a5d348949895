"""The monthly cost as a part of a preview: lines of text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from mlops_iac.cost.compare import Difference, LineChange, MonthlyCost, compare
from mlops_iac.cost.model import Estimate, Gap, Stage
from mlops_iac.cost.model import Line as CostLine
from mlops_iac.cost.table import HOURS
from mlops_iac.plan.impact import listed
from mlops_iac.render.page import Line, Page, Span, Tone, cells, line, paragraph
from mlops_iac.render.results import short_type

COLUMN: Final = 13
"""Width of a column of amounts."""
UNKNOWN: Final = "+?"
"""Follows an amount that a price is missing from."""
_MOST_CHANGES: Final = 20


def cost_lines(cost: MonthlyCost, page: Page) -> list[Line]:
    """Each stage with floor, ceiling and, beside what is deployed, what a plan adds to them.

    A plan that changes no cost gets the total only.
    """
    estimate, difference = cost.estimate, cost.difference
    moved = stage_changes(difference) if difference is not None else {}
    added = ("+floor", "+ceiling") if moved else ()
    title = line(Span("Cost", Tone.STRONG), Span("  USD a month", Tone.QUIET))
    rows: list[Line] = [amounts_row(title, ("floor", "ceiling", *added), page, Tone.QUIET), ()]
    if moved or difference is None:
        for stage, floor, ceiling in stage_totals(estimate, difference):
            change = map(delta, moved[stage]) if stage in moved else ("", "") if moved else ()
            rows.append(amounts_row(line(f"  {stage.value}"), (usd(floor), usd(ceiling), *change), page))
    total = (delta(difference.floor), delta(difference.ceiling)) if difference is not None and moved else ()
    label = line(Span("  total" if moved or difference is None else "  unchanged", Tone.STRONG))
    rows.append(amounts_row(label, (usd(estimate.floor), usd(estimate.ceiling), *total), page, Tone.STRONG))
    if estimate.unknown:
        text = f"not counted, because no price is known: {listed(unpriced(estimate))}"
        rows += paragraph(page.visible(text), page, first=line("  "), indent=2, tone=Tone.WARN)
    return [*rows, ()]


def cost_bullets(cost: MonthlyCost, code: Callable[[str], str]) -> list[str]:
    """What makes the difference, and the stages folded away; ``code`` makes foreign text harmless."""
    estimate, difference = cost.estimate, cost.difference
    rows = change_bullets(difference, code) if difference is not None else []
    if difference is None or difference.changes:
        rows += ["<details><summary>By stage</summary>", "", *stage_table(estimate, difference), "", "</details>", ""]
    if estimate.unknown:
        rows.append(f"Not counted, because no price is known: {listed(map(code, unpriced(estimate)))}.")
    return rows


def cost_part_json(cost: MonthlyCost) -> dict[str, Any]:
    """The same for programs; `mlops-iac cost --format json` has every quantity and price."""
    estimate, difference = cost.estimate, cost.difference
    moved = stage_changes(difference) if difference is not None else {}
    return {
        "currency": "USD",
        "hours": HOURS,
        "region": estimate.region,
        "total": pair(estimate.floor, estimate.ceiling),
        "stages": [
            {
                "stage": stage.value,
                **pair(floor, ceiling),
                "change": None if difference is None else pair(*moved.get(stage, (0.0, 0.0))),
            }
            for stage, floor, ceiling in stage_totals(estimate, difference)
        ],
        "difference": None
        if difference is None
        else {
            **pair(difference.floor, difference.ceiling),
            "changes": [change_json(change) for change in difference.changes],
        },
        "unknown": [gap_json(found, gap) for found, gap in estimate.unknown],
    }


def summary_line(estimate: Estimate, base: Estimate | None = None) -> str:
    """The monthly cost in one sentence, with the difference to a base and what could not be priced."""
    text = f"cost: {span(estimate.floor, estimate.ceiling, dollars)} a month"
    if base is not None:
        difference = compare(base, estimate)
        if difference.changes:
            text += f" ({span(difference.floor, difference.ceiling, signed)})"
        else:
            text += " (unchanged)"
    number = len(estimate.unknown)
    if number:
        text += f"; {number} unknown price{'s' if number > 1 else ''} not counted"
    return text


def sentence(estimate: Estimate, difference: Difference | None) -> str:
    """The same with a capital, for a heading."""
    return summary_line(estimate, difference.old if difference is not None else None).replace("cost:", "Cost:")


def stage_totals(estimate: Estimate, difference: Difference | None) -> list[tuple[Stage, float, float]]:
    """Floor and ceiling of each stage that costs anything, or did."""
    totals = {
        stage: (sum(found.floor for found in lines), sum(found.ceiling for found in lines))
        for stage, lines in estimate.stages()
    }
    gone = {change.line.stage for change in difference.changes} if difference is not None else set()
    return [(stage, *totals.get(stage, (0.0, 0.0))) for stage in Stage if stage in totals or stage in gone]


def stage_changes(difference: Difference) -> dict[Stage, tuple[float, float]]:
    """How much the floor and the ceiling of each stage rise."""
    found: dict[Stage, tuple[float, float]] = {}
    for change in difference.changes:
        floor, ceiling = found.get(change.line.stage, (0.0, 0.0))
        found[change.line.stage] = (floor + change.floor, ceiling + change.ceiling)
    return found


def stage_table(estimate: Estimate, difference: Difference | None) -> list[str]:
    """The stages as a Markdown table, with the change where there is a base."""
    moved = stage_changes(difference) if difference is not None else {}
    columns = ("floor", "ceiling", *(("change of floor", "change of ceiling") if difference is not None else ()))
    rows = [f"| stage | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    for stage, floor, ceiling in stage_totals(estimate, difference):
        change = map(delta, moved[stage]) if stage in moved else ("", "") if difference is not None else ()
        rows.append(f"| {stage.value} | {' | '.join((usd(floor), usd(ceiling), *change))} |")
    total = (delta(difference.floor), delta(difference.ceiling)) if difference is not None else ()
    return [*rows, f"| **total** | {' | '.join((usd(estimate.floor), usd(estimate.ceiling), *total))} |"]


def change_bullets(difference: Difference, code: Callable[[str], str]) -> list[str]:
    """The resources that cost more or less as Markdown bullets, the largest change first."""
    rows = [f"- {_change_sentence(change, code)}" for change in difference.changes[:_MOST_CHANGES]]
    hidden = len(difference.changes) - _MOST_CHANGES
    return [*rows, *([f"- and {hidden} more"] if hidden > 0 else []), ""] if rows else []


def unpriced(estimate: Estimate) -> list[str]:
    """Each resource with a price that is not known, and what of it that is."""
    found: dict[str, list[str]] = {}
    for missing, gap in estimate.unknown:
        found.setdefault(missing.name, []).append(gap.what)
    return [f"{name} ({', '.join(what)})" for name, what in found.items()]


def amounts_row(label: Line, amounts: Sequence[str], page: Page, tone: Tone = Tone.PLAIN) -> Line:
    """A label at the left and amounts in columns at the right edge."""
    used = sum(cells(part.text) for part in label)
    text = "".join(f"{amount:>{COLUMN}}" for amount in amounts)
    return (*label, Span(" " * max(page.width - used - len(text), 0)), Span(text, tone))


def change_json(change: LineChange) -> dict[str, Any]:
    """What one resource's cost does, as data."""
    return {
        "urn": change.line.urn,
        "name": change.line.name,
        "type": change.line.type,
        "stage": change.line.stage.value,
        "change": change.kind,
        **pair(change.floor, change.ceiling),
    }


def gap_json(found: CostLine, gap: Gap) -> dict[str, str]:
    """Something that could not be priced, as data."""
    return {"urn": found.urn, "what": gap.what, "reason": gap.reason}


def pair(floor: float, ceiling: float) -> dict[str, float]:
    """Two amounts in cents' precision."""
    return {"floor": round(floor, 2), "ceiling": round(ceiling, 2)}


def usd(amount: float) -> str:
    """An amount with cents: ``1,234.50``."""
    return f"{amount:,.2f}"


def amount_of(amount: float, gaps: int) -> str:
    """An amount of something that ``gaps`` prices are missing from: marked, and never told as nothing."""
    if not gaps:
        return usd(amount)
    return f"{usd(amount)}{UNKNOWN}" if amount >= 0.005 else "not known"


def dollars(amount: float) -> str:
    """An amount in whole dollars: ``$1,234``."""
    return f"${amount:,.0f}"


def signed(amount: float) -> str:
    """A difference in whole dollars, ``+$1,234``; a small one with cents, ``+$0.10``."""
    digits = 2 if 0.005 <= abs(amount) < 10 else 0
    return f"{'-' if amount < 0 else '+'}${abs(amount):,.{digits}f}"


def delta(amount: float) -> str:
    """A difference with cents: ``+1,234.50``, and ``0.00`` for less than half a cent."""
    return f"{amount:+,.2f}" if abs(amount) >= 0.005 else "0.00"


def span(floor: float, ceiling: float, worded: Callable[[float], str]) -> str:
    """Two amounts as ``from to``, or one where both read the same."""
    low, high = worded(floor), worded(ceiling)
    return low if low == high else f"{low} to {high}"


def _change_sentence(change: LineChange, code: Callable[[str], str]) -> str:
    words = {"added": "new", "removed": "gone"}.get(change.kind, "changed")
    name = f"{code(change.line.name)} ({short_type(change.line.type)}) {words}: "
    return name + f"{span(change.floor, change.ceiling, delta)} USD"
