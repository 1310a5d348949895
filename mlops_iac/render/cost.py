"""Estimates as text, markdown and JSON; ``schemas/cost.schema.json`` documents the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from mlops_iac.cost.compare import Difference
from mlops_iac.cost.model import Amount, Charge, Estimate, Gap
from mlops_iac.cost.model import Line as CostLine
from mlops_iac.cost.table import HOURS, Price, PriceTable
from mlops_iac.diagnostics import Diagnostic, format_path
from mlops_iac.render.json import VERSION, diagnostics_json
from mlops_iac.render.markdown import code
from mlops_iac.render.page import (
    PLAIN_PAGE,
    Line,
    Page,
    Span,
    Tone,
    cells,
    line,
    paragraph,
    spread,
    to_text,
)
from mlops_iac.render.results import short_type
from mlops_iac.render.spending import (
    COLUMN,
    UNKNOWN,
    amounts_row,
    change_bullets,
    change_json,
    delta,
    gap_json,
    pair,
    sentence,
    stage_table,
    usd,
)
from mlops_iac.render.text import diagnostics_text
from mlops_iac.render.visible import shorten

_SMALL: Final = 1.0
"""Resources whose ceiling is below this many USD are told in one row, unless everything is asked for."""
_NOT_COUNTED: Final = "Not known, and not counted"


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of swept overrides and what it costs."""

    overrides: tuple[str, ...]
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class _Titles:
    """What the variants are called: ``key`` is the one key that differs, empty where several do."""

    key: str
    values: tuple[str, ...]


def cost_text(
    estimate: Estimate,
    page: Page = PLAIN_PAGE,
    *,
    difference: tuple[str, Difference] | None = None,
    diagnostics: Sequence[Diagnostic] = (),
    sources: Mapping[str, str] | None = None,
    details: bool = False,
) -> str:
    """What each resource costs, by stage, with the totals, what is not known and, with a base, what changes.

    ``difference`` comes with the name of the base. ``details`` shows every resource and its quantities and prices.
    """
    title = line(Span(page.visible(estimate.system), Tone.STRONG), f"  {page.visible(estimate.environment)}")
    note = Span(f"USD a month, {estimate.region}, prices of {_dates(estimate)}", Tone.QUIET)
    rows: list[Line] = [*spread(title, note, page), (), amounts_row(line(""), ("floor", "ceiling"), page, Tone.QUIET)]
    for stage, lines in estimate.stages():
        rows.append(amounts_row(line(Span(stage.value, Tone.STRONG)), _sums(lines), page))
        rows += _stage_rows(lines, page, details)
    rows += [
        (),
        amounts_row(line(Span("total", Tone.STRONG)), (usd(estimate.floor), usd(estimate.ceiling)), page, Tone.STRONG),
    ]
    rows += _unknown_rows(estimate.unknown, page, _NOT_COUNTED)
    if difference is not None:
        rows += _difference_rows(*difference, page)
    rows += [(), *_footer(page)]
    text = to_text(rows, page)
    return text + ("\n" + diagnostics_text(diagnostics, page, sources or {}) if diagnostics else "")


def variants_text(variants: Sequence[Variant], page: Page = PLAIN_PAGE) -> str:
    """Variants side by side: their totals, then every resource that does not cost the same in all of them."""
    first = variants[0].estimate
    titles = _titles(variants, page)
    shared = frozenset.intersection(*(_gaps(variant.estimate) for variant in variants))
    title = line(Span(page.visible(first.system), Tone.STRONG), f"  {page.visible(first.environment)}")
    rows: list[Line] = [*spread(title, Span(f"USD a month, prices of {_dates(first)}", Tone.QUIET), page), ()]
    rows.append(amounts_row(line(Span(titles.key, Tone.QUIET)), ("floor", "ceiling"), page, Tone.QUIET))
    for name, variant in zip(titles.values, variants, strict=True):
        mark = UNKNOWN if _gaps(variant.estimate) - shared else ""
        rows += _wide_row(name, (usd(variant.estimate.floor) + mark, usd(variant.estimate.ceiling) + mark), page, 2)
    for key in _differing(variants):
        lines = [_by_key(variant.estimate).get(key) for variant in variants]
        rows += [(), _resource_label(next(found for found in lines if found is not None), page, 0, page.width)]
        for name, found in zip(titles.values, lines, strict=True):
            rows += _wide_row(name, _numbers(found), page, 2)
    for name, variant in zip(titles.values, variants, strict=True):
        own = [(found, gap) for found, gap in variant.estimate.unknown if (found.key, gap) not in shared]
        rows += _unknown_rows(own, page, f"Not known, and not counted, with {name}")
    rows += _unknown_rows([(x, gap) for x, gap in first.unknown if (x.key, gap) in shared], page, _NOT_COUNTED)
    return to_text(rows, page)


def cost_markdown(estimate: Estimate, difference: tuple[str, Difference] | None = None) -> str:
    """The totals by stage as a table, with a base its changes; every resource folded away."""
    changes = difference[1] if difference is not None else None
    rows = [f"#### {sentence(estimate, changes)}", "", *stage_table(estimate, changes), ""]
    if changes is not None:
        rows += change_bullets(changes, code)
    if estimate.unknown:
        rows += ["Not known and not counted:", ""]
        rows += [f"- {code(found.name)} {gap.what}: {gap.reason}" for found, gap in estimate.unknown]
        rows.append("")
    rows += ["<details><summary>Every resource that costs something</summary>", ""]
    rows += ["| resource | type | floor | ceiling |", "| --- | --- | ---: | ---: |"]
    rows += [
        f"| {code(found.name)} | {short_type(found.type)} | {usd(found.floor)} | {usd(found.ceiling)} |"
        for found in estimate.lines
        if found.charges
    ]
    rows += ["", f"USD a month of {HOURS:g} hours; list prices of {_dates(estimate)}.", "", "</details>"]
    return "\n".join(rows) + "\n"


def cost_json(
    estimate: Estimate,
    *,
    difference: tuple[str, Difference] | None = None,
    diagnostics: Iterable[Diagnostic] = (),
) -> dict[str, Any]:
    """An estimate with every quantity and price, so that a reader can compute it again."""
    document: dict[str, Any] = {"version": VERSION, "kind": "cost", **_estimate_json(estimate)}
    if difference is not None:
        against, changes = difference
        document["difference"] = {
            "against": against,
            **pair(changes.floor, changes.ceiling),
            "changes": [change_json(change) for change in changes.changes],
        }
    return {**document, "diagnostics": diagnostics_json(diagnostics)}


def variants_json(variants: Sequence[Variant]) -> dict[str, Any]:
    """The estimate of each variant, with the overrides that make it."""
    return {
        "version": VERSION,
        "kind": "cost-variants",
        "variants": [{"overrides": list(each.overrides), **_estimate_json(each.estimate)} for each in variants],
    }


def prices_text(table: PriceTable, today: str, page: Page = PLAIN_PAGE) -> str:
    """What the price table has: services with their dates and age, then the sources."""
    services = table.services()
    newest = max(service.newest for service in services)
    title = line(Span("Price table", Tone.STRONG), f" of {newest}, USD, list prices without tax")
    rows: list[Line] = [*spread(title, Span(_age(newest, today), Tone.QUIET), page), ()]
    rows.append(_columns(("service", "prices", "oldest", "newest", "regions"), Tone.QUIET))
    rows += [
        _columns((each.service, f"{each.prices:,}", each.oldest, each.newest, str(len(each.regions))))
        for each in services
    ]
    regions = sorted({region for service in services for region in service.regions} - {"global"})
    rows += [(), *paragraph(", ".join(regions), page, first=line("Regions: "), indent=2), (), line("Sources")]
    for source in table.sources().values():
        note = "; ".join(text for text in (source.note, source.derived and f"derived: {source.derived}") if text)
        rows += paragraph(source.title, page, first=line("  "), indent=4)
        if note:
            rows += paragraph(note, page, first=line("    "), indent=4, tone=Tone.QUIET)
    return to_text(rows, page)


def prices_json(table: PriceTable, today: str) -> dict[str, Any]:
    """The same for programs."""
    services = table.services()
    newest = max(service.newest for service in services)
    return {
        "version": VERSION,
        "kind": "prices",
        "newest": newest,
        "oldest": min(service.oldest for service in services),
        "days": _days(newest, today),
        "services": [
            {
                "service": each.service,
                "prices": each.prices,
                "oldest": each.oldest,
                "newest": each.newest,
                "regions": list(each.regions),
                "sources": list(each.sources),
            }
            for each in services
        ],
        "sources": [
            {"id": each.id, "title": each.title, "note": each.note, "derived": each.derived}
            for each in table.sources().values()
        ],
    }


def _stage_rows(lines: Sequence[CostLine], page: Page, details: bool) -> list[Line]:
    rows: list[Line] = []
    priced = [found for found in lines if found.charges]
    shown = [found for found in priced if details or found.ceiling >= _SMALL]
    for found in shown:
        room = page.width - 2 * COLUMN
        rows.append(amounts_row(_resource_label(found, page, 2, room), _numbers(found), page))
        if details:
            for charge in found.charges:
                rows += _charge_rows(charge, page)
    small = [found for found in priced if found not in shown]
    if small:
        words = f"  {len(small)} below ${_SMALL:g}"
        rows.append(amounts_row(line(Span(words, Tone.QUIET)), _sums(small), page, Tone.QUIET))
    return rows


def _charge_rows(charge: Charge, page: Page) -> list[Line]:
    price = charge.floor.price
    quantities = f"{_number(charge.floor.quantity)} to {_number(charge.ceiling.quantity)}"
    if charge.floor.quantity == charge.ceiling.quantity:
        quantities = _number(charge.floor.quantity)
    unit = f"{price.usd:.10g}"
    if charge.ceiling.price.usd != price.usd:
        unit += f" to {charge.ceiling.price.usd:.10g}"
    text = f"{charge.what}: {quantities} {price.unit} x ${unit}"
    notes = [note for note in (charge.basis, price.derived and f"derived: {price.derived}") if note]
    text += f"  ({'; '.join(notes)})" if notes else ""
    return paragraph(page.visible(text), page, first=line("      "), indent=8, tone=Tone.QUIET)


def _unknown_rows(unknown: Sequence[tuple[CostLine, Gap]], page: Page, title: str) -> list[Line]:
    if not unknown:
        return []
    rows: list[Line] = [(), line(Span(title, Tone.WARN))]
    for found, gap in unknown:
        first = line(f"  {page.visible(found.name)}  ")
        rows += paragraph(page.visible(f"{gap.what}: {gap.reason}"), page, first=first, indent=6)
    return rows


def _difference_rows(against: str, difference: Difference, page: Page) -> list[Line]:
    rows: list[Line] = [()]
    head = line(Span(f"compared with {page.visible(against)}", Tone.STRONG))
    rows.append(amounts_row(head, (delta(difference.floor), delta(difference.ceiling)), page, Tone.STRONG))
    for change in difference.changes:
        label = _resource_label(change.line, page, 4, page.width - 2 * COLUMN)
        symbol = {"added": "+", "removed": "-"}.get(change.kind, "~")
        tone = {"added": Tone.GOOD, "removed": Tone.BAD}.get(change.kind, Tone.CHANGED)
        marked = (Span(f"  {symbol} ", tone), Span(label[0].text.removeprefix("    ")), *label[1:])
        mark = UNKNOWN if change.new is not None and change.new.gaps else ""
        rows.append(amounts_row(marked, (delta(change.floor) + mark, delta(change.ceiling) + mark), page))
    return rows if difference.changes else [*rows, line("  nothing costs more or less")]


def _footer(page: Page) -> list[Line]:
    text = (
        "The floor counts the fewest instances and scheduled runs, the ceiling the most of both. How much the system "
        "is used is assumed; `usage:` in system.yaml says it better. --details shows quantities and prices."
    )
    return paragraph(text, page, tone=Tone.QUIET)


def _differing(variants: Sequence[Variant]) -> list[str]:
    found: dict[str, set[tuple[float, float, tuple[Gap, ...]] | None]] = {}
    keys = dict.fromkeys(
        each.key for variant in variants for each in variant.estimate.lines if each.charges or each.gaps
    )
    for key in keys:
        for variant in variants:
            known = _by_key(variant.estimate).get(key)
            value = None if known is None else (round(known.floor, 2), round(known.ceiling, 2), known.gaps)
            found.setdefault(key, set()).add(value)
    return [key for key, values in found.items() if len(values) > 1]


def _gaps(estimate: Estimate) -> frozenset[tuple[str, Gap]]:
    return frozenset((found.key, gap) for found, gap in estimate.unknown)


def _titles(variants: Sequence[Variant], page: Page) -> _Titles:
    pairs = [tuple(text.partition("=") for text in variant.overrides) for variant in variants]
    if len(pairs[0]) == 1:
        return _Titles(page.visible(pairs[0][0][0]), tuple(page.visible(pair[0][2]) for pair in pairs))
    return _Titles("", tuple(page.visible(" ".join(variant.overrides)) for variant in variants))


def _numbers(found: CostLine | None) -> tuple[str, str]:
    """Floor and ceiling of a line; dashes where there is no such resource."""
    if found is None:
        return "-", "-"
    mark = UNKNOWN if found.gaps else ""
    return usd(found.floor) + mark, usd(found.ceiling) + mark


def _by_key(estimate: Estimate) -> dict[str, CostLine]:
    return {found.key: found for found in estimate.lines}


def _resource_label(found: CostLine, page: Page, indent: int, room: int) -> Line:
    name = shorten(page.visible(found.name), max(room - indent - 2, 10), ascii_only=page.ascii_only)
    left = room - indent - cells(name) - 4
    kind = short_type(found.type)
    kind = shorten(kind, left, ascii_only=page.ascii_only) if left >= 8 else ""
    return line(f"{' ' * indent}{name}  ", Span(kind, Tone.QUIET))


def _wide_row(label: str, numbers: Sequence[str], page: Page, indent: int) -> list[Line]:
    """The same for a label that may be long: then the numbers stand below it."""
    head = line(" " * indent + label)
    if indent + cells(label) + 1 <= page.width - COLUMN * len(numbers):
        return [amounts_row(head, numbers, page)]
    return [head, amounts_row(line(""), numbers, page)]


def _columns(texts: Sequence[str], tone: Tone = Tone.PLAIN) -> Line:
    name, prices, oldest, newest, regions = texts
    return line(Span(f"  {name:<31}{prices:>8}  {oldest:<12}{newest:<12}{regions:>7}", tone))


def _sums(lines: Iterable[CostLine]) -> tuple[str, str]:
    listed = list(lines)
    return usd(sum(found.floor for found in listed)), usd(sum(found.ceiling for found in listed))


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "system": estimate.system,
        "environment": estimate.environment,
        "region": estimate.region,
        "currency": "USD",
        "hours": HOURS,
        "total": pair(estimate.floor, estimate.ceiling),
        "stages": [
            {"stage": stage.value, **pair(sum(x.floor for x in lines), sum(x.ceiling for x in lines))}
            for stage, lines in estimate.stages()
        ],
        "resources": [_line_json(found) for found in estimate.lines],
        "unknown": [gap_json(found, gap) for found, gap in estimate.unknown],
        "assumptions": dict(estimate.assumptions),
    }


def _line_json(found: CostLine) -> dict[str, Any]:
    return {
        "urn": found.urn,
        "type": found.type,
        "name": found.name,
        "stage": found.stage.value,
        "component": format_path(found.component),
        "source": f"{found.location.file}:{found.location.line}" if found.location is not None else None,
        **pair(found.floor, found.ceiling),
        "charges": [
            {
                "what": charge.what,
                "basis": charge.basis,
                "floor": _amount_json(charge.floor),
                "ceiling": _amount_json(charge.ceiling),
            }
            for charge in found.charges
        ],
        "unknown": [{"what": gap.what, "reason": gap.reason} for gap in found.gaps],
        "free": found.free,
    }


def _amount_json(amount: Amount) -> dict[str, Any]:
    return {"quantity": round(amount.quantity, 9), "usd": round(amount.usd, 4), "price": _price_json(amount.price)}


def _price_json(price: Price) -> dict[str, Any]:
    return {
        "service": price.service,
        "item": price.item,
        "region": price.region,
        "unit": price.unit,
        "usd": price.usd,
        "source": price.source,
        "asOf": price.as_of,
        "derived": price.derived,
    }


def _dates(estimate: Estimate) -> str:
    dates = sorted({a.price.as_of for x in estimate.lines for c in x.charges for a in (c.floor, c.ceiling)})
    if not dates:
        return "no date"
    return dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"


def _days(day: str, today: str) -> int | None:
    return (date.fromisoformat(today) - date.fromisoformat(day)).days if today else None


def _age(day: str, today: str) -> str:
    days = _days(day, today)
    return "of unknown age" if days is None else f"{days} days old"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
