"""Previews, results and diagnostics as text for people, in a terminal or in a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO

from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.credentials import masked
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Location, Severity, format_path
from mlops_iac.plan.impact import Impact
from mlops_iac.plan.model import Change, Kind, Op, Plan, PropertyChange, StackPlan, counted
from mlops_iac.render.change import change_notes, plan_counts, reading_order, replacement
from mlops_iac.render.impact import impact_lines
from mlops_iac.render.page import (
    PLAIN_PAGE,
    Line,
    Page,
    Span,
    Tone,
    cells,
    length,
    line,
    page_for,
    paragraph,
    spread,
    to_text,
)
from mlops_iac.render.results import RunDone, StackDone, name_of, short_type
from mlops_iac.render.spending import cost_lines
from mlops_iac.render.visible import ellipsis, show, show_pair

SYMBOLS: Final[Mapping[Op, str]] = {
    Op.CREATE: "+",
    Op.UPDATE: "~",
    Op.REPLACE: "+/-",
    Op.DELETE: "-",
    Op.SAME: "=",
}
TONES: Final[Mapping[Op, Tone]] = {
    Op.CREATE: Tone.GOOD,
    Op.UPDATE: Tone.CHANGED,
    Op.REPLACE: Tone.REPLACED,
    Op.DELETE: Tone.BAD,
    Op.SAME: Tone.QUIET,
}
PAST: Final[Mapping[Op, str]] = {
    Op.CREATE: "created",
    Op.UPDATE: "updated",
    Op.REPLACE: "replaced",
    Op.DELETE: "deleted",
    Op.SAME: "unchanged",
}

_KIND_SYMBOLS: Final[Mapping[Kind, tuple[str, Tone]]] = {
    Kind.ADD: ("+", Tone.GOOD),
    Kind.DELETE: ("-", Tone.BAD),
    Kind.UPDATE: ("~", Tone.CHANGED),
}
_SEVERITIES: Final[Mapping[Severity, Tone]] = {
    Severity.ERROR: Tone.ALARM,
    Severity.WARNING: Tone.WARN,
    Severity.INFO: Tone.NOTE,
}
_LAYER_INDENT: Final = 2
_ROW_INDENT: Final = 4
_PROPERTY_INDENT: Final = 10
_WHOLE: Final = 400
_LONG_PREVIEW: Final = 60
_FEWEST_COUNTED: Final = 3
_MOST_PROPERTIES: Final = 20


def diagnostics_text(
    diagnostics: Sequence[Diagnostic], page: Page = PLAIN_PAGE, sources: Mapping[str, str] | None = None
) -> str:
    """Every diagnostic with its place, the line it is about and what to do, then how many there are.

    ``sources`` maps a ``Location.file`` to its text.
    """
    lines = diagnostics_lines(diagnostics, page, sources or {})
    if diagnostics:
        lines.append(line(_tally(diagnostics)))
    return to_text(lines, page)


def preview_text(
    plan: Plan,
    page: Page = PLAIN_PAGE,
    *,
    findings: Sequence[Diagnostic] = (),
    diagnostics: Sequence[Diagnostic] = (),
    sources: Mapping[str, str] | None = None,
    show_same: bool = False,
    impacts: Sequence[Impact] = (),
    cost: MonthlyCost | None = None,
    gates: Sequence[Diagnostic] = (),
) -> str:
    """What would change, by layer and component; impact, cost, gates, policy findings and warnings; the counts last.

    ``show_same`` lists every resource. Without it unchanged ones are left out, and a long preview counts the
    resources of a component that is new instead of naming them.
    """
    title = line(Span(page.visible(plan.system), Tone.STRONG), f"  {page.visible(plan.environment)}")
    lines = [*spread(title, Span(f"compared with {page.visible(plan.baseline)}", Tone.QUIET), page), ()]
    touched = sum(number for op, number in plan.summary().items() if op is not Op.SAME)
    brief = not show_same and touched > _LONG_PREVIEW
    quiet = []
    for stack in plan.stacks:
        shown = [change for change in stack.changes if change.custom and (show_same or change.op is not Op.SAME)]
        if shown:
            lines += [*_stack_lines(stack, shown, brief, page), ()]
        else:
            quiet.append(page.visible(stack.layer))
    if quiet and len(quiet) < len(plan.stacks):
        lines += [*paragraph("unchanged layers: " + ", ".join(quiet), page, indent=2, tone=Tone.QUIET), ()]
    if impacts:
        lines += [line(Span("Impact", Tone.STRONG)), (), *impact_lines(impacts, page)]
    if cost is not None:
        lines += cost_lines(cost, page)
    for title_text, group in (("Gates", gates), ("Policies", findings), ("Notes", diagnostics)):
        if group:
            lines += [line(Span(title_text, Tone.STRONG)), (), *diagnostics_lines(group, page, sources or {})]
    lines += _summary(plan, page)
    return to_text(lines, page)


def validation_text(
    diagnostics: Sequence[Diagnostic],
    resources: int,
    page: Page = PLAIN_PAGE,
    sources: Mapping[str, str] | None = None,
) -> str:
    """The result of a validation that found no error: its warnings, and how many resources were declared."""
    lines = diagnostics_lines(diagnostics, page, sources or {})
    lines.append(line(Span("valid", Tone.GOOD), f": {_number(resources, 'resource')}"))
    return to_text(lines, page)


def result_text(result: RunDone, page: Page = PLAIN_PAGE, *, sources: Mapping[str, str] | None = None) -> str:
    """What an apply or a destroy did: failures, what was skipped or only recorded, then the counts."""
    lines: list[Line] = []
    failures = [item for stack in result.stacks for item in stack.failures]
    lines += diagnostics_lines(failures, page, sources or {})
    lines += diagnostics_lines(result.notes, page, sources or {})
    for stack in result.stacks:
        lines += _skipped(stack, page)
    lines += _recorded(result, page)
    parts = _done_counts(result)
    if failures:
        parts.insert(0, Span(f"{len(failures):,} failed", Tone.ALARM))
    if any(stack.stopped for stack in result.stacks):
        parts.insert(0, Span("stopped early", Tone.WARN))
    lines += _joined(parts, page) if parts else [line("Nothing to do.")]
    return to_text(lines, page)


def drift_text(result: RunDone, page: Page = PLAIN_PAGE) -> str:
    """What really exists beside what the state says, resource by resource: state -> reality."""
    lines: list[Line] = []
    count = 0
    for stack in result.stacks:
        if not stack.drift:
            continue
        lines.append(line(Span(page.visible(stack.project), Tone.STRONG)))
        for drifted in stack.drift:
            count += 1
            op = Op.DELETE if drifted.gone else Op.UPDATE
            note = "is gone" if drifted.gone else ""
            lines += _row(op, drifted.name, drifted.type, cells(drifted.name), note, page)
            lines += property_lines(drifted.to_read, page)
        lines.append(())
    lines += diagnostics_lines([item for stack in result.stacks for item in stack.failures], page, {})
    verdict = f"{_number(count, 'resource')} drifted" if count else "No drift: everything is as the state says."
    lines.append(line(Span(verdict, Tone.CHANGED if count else Tone.GOOD)))
    return to_text(lines, page)


def outputs_text(outputs: Mapping[str, Mapping[str, Any]], page: Page = PLAIN_PAGE) -> str:
    """Stack outputs by layer, names aligned, secrets masked."""
    lines: list[Line] = []
    for layer, values in outputs.items():
        if not values:
            continue
        lines.append(line(Span(page.visible(layer), Tone.STRONG)))
        widest = min(max(cells(page.visible(name)) for name in values), page.width // 2)
        for name, value in sorted(values.items()):
            label = page.visible(name)
            room = page.width - 2 - max(widest, cells(label)) - 2
            shown = show(value, max(room, 20), ascii_only=page.ascii_only)
            head = f"  {label}{' ' * (widest - cells(label))}"
            if room < 20:
                lines += [line(head), line(f"      {shown}")]
            else:
                lines.append(line(head, "  ", Span(shown, Tone.NOTE)))
        lines.append(())
    return to_text(lines[:-1] or [line("No outputs.")], page)


def print_text(text: str, stream: TextIO) -> None:
    """Write rendered text; what the stream cannot encode is replaced rather than raised."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def print_diagnostics(
    diagnostics: Sequence[Diagnostic], stream: TextIO, sources: Mapping[str, str] | None = None
) -> None:
    """Write diagnostics to a stream, for the page that it is."""
    print_text(diagnostics_text(diagnostics, page_for(stream), sources), stream)


def diagnostics_lines(diagnostics: Iterable[Diagnostic], page: Page, sources: Mapping[str, str]) -> list[Line]:
    """Each diagnostic with its source line, the worst first, an empty line after each."""
    lines: list[Line] = []
    order = list(Severity)
    for diagnostic in sorted(diagnostics, key=lambda item: order.index(item.severity)):
        lines += [*_diagnostic(diagnostic, page, sources), ()]
    return lines


def _diagnostic(diagnostic: Diagnostic, page: Page, sources: Mapping[str, str]) -> Iterator[Line]:
    head = line(
        Span(diagnostic.severity.value, _SEVERITIES[diagnostic.severity]),
        " ",
        Span(diagnostic.code, Tone.STRONG),
        "  ",
    )
    yield from paragraph(page.visible(diagnostic.message), page, first=head, indent=2)
    if diagnostic.location is not None:
        yield line("  ", Span(page.visible(_place(diagnostic.location)), Tone.NOTE))
        yield from _source_line(diagnostic.location, page, sources)
    elif diagnostic.path:
        yield line("  at ", Span(page.visible(format_path(diagnostic.path)), Tone.NOTE))
    for text, location in diagnostic.related:
        place = f"{page.visible(text)} {page.visible(_place(location))}"
        yield from paragraph(place, page, first=line("  ", Span("see   ", Tone.QUIET)), indent=8)
    if diagnostic.hint:
        first = line("  ", Span("hint  ", Tone.GOOD))
        yield from paragraph(page.visible(diagnostic.hint), page, first=first, indent=8)


def _place(location: Location) -> str:
    return f"override, column {location.column}" if location.file == "override" else str(location)


def _source_line(location: Location, page: Page, sources: Mapping[str, str]) -> Iterator[Line]:
    """The line of source with a caret under the place, cut around the place where it is too long."""
    text = location.text if location.text is not None else _line_of(sources.get(location.file), location.line)
    if text is None:
        return
    text = masked(text)
    number = "" if location.file == "override" else str(location.line)
    gutter = f"  {number:>4} | "
    room = page.width - len(gutter)
    start = min(location.column - 1, len(text))
    word = re.match(r"[\w.$@/-]+", text[start:])
    marked = len(word.group()) if word else 1
    first = max(0, min(start - room // 2, len(text) - room))
    before = page.visible(text[first:start].replace("\t", " "))
    at = page.visible(text[start : start + marked].replace("\t", " "))
    after = page.visible(text[start + marked :].replace("\t", " "))
    visible_line = (before + at + after)[:room]
    yield line(Span(gutter, Tone.QUIET), visible_line.rstrip())
    carets = "^" * max(min(cells(at), room - cells(before)), 1)
    yield line(Span(" " * (len(gutter) - 2) + "| ", Tone.QUIET), " " * cells(before), Span(carets, Tone.ALARM))


def _line_of(source: str | None, number: int) -> str | None:
    lines = source.splitlines() if source is not None else []
    return lines[number - 1] if 0 < number <= len(lines) else None


def _tally(diagnostics: Sequence[Diagnostic]) -> Span:
    counts = [(severity, sum(item.severity is severity for item in diagnostics)) for severity in Severity]
    text = ", ".join(_number(count, severity.value) for severity, count in counts if count and severity != "info")
    worst = next(severity for severity, count in counts if count)
    return Span(text or "no errors", _SEVERITIES[worst] if worst is not Severity.INFO else Tone.QUIET)


def _stack_lines(stack: StackPlan, shown: Sequence[Change], brief: bool, page: Page) -> list[Line]:
    counts = counted(change for change in shown if change.exists_outside)
    tally = " ".join(f"{SYMBOLS[op]}{number}" for op, number in counts.items() if number and op is not Op.SAME)
    lines = spread(line(Span(page.visible(stack.layer), Tone.STRONG)), Span(tally, Tone.QUIET), page)
    paths = {change.urn: change.component for change in stack.changes if not change.custom}
    groups: dict[str, list[Change]] = {}
    for change in reading_order(shown):
        groups.setdefault(_group(change, paths), []).append(change)
    for title, changes in groups.items():
        lines += _component_lines(title, changes, brief, page)
    return lines


def _group(change: Change, paths: Mapping[str, ConfigPath]) -> str:
    """The heading under which a change is shown: its component, or what is left of one that is gone."""
    if change.type.startswith("pulumi:providers:"):
        return "providers"
    path = change.component or paths.get(change.parent or "", ())
    if path:
        return format_path(path)
    if change.parent is None:
        return "no component"
    return f"{name_of(change.parent)}, no longer declared"


def _component_lines(title: str, changes: Sequence[Change], brief: bool, page: Page) -> list[Line]:
    head = line(" " * _LAYER_INDENT, Span(page.visible(title)))
    source = next((change.source for change in changes if change.source is not None), None)
    lines = spread(head, Span(page.visible(_file_line(source)), Tone.QUIET), page)
    if brief and len(changes) >= _FEWEST_COUNTED and all(change.op is Op.CREATE for change in changes):
        return lines + _new_component(changes, page) + [row for change in changes for row in _by_policy(change, page)]
    widest = max(cells(page.visible(change.name)) for change in changes)
    for change in changes:
        elsewhere = change.source is not None and source is not None and change.source != source
        note = page.visible(", ".join(change_notes(change))) + (f"  {_file_line(change.source)}" if elsewhere else "")
        lines += _row(change.op, change.name, change.type, widest, note.strip(), page)
        lines += _reasons(change, page)
        lines += property_lines(change.to_read, page)
        lines += _by_policy(change, page)
    return lines


def _by_policy(change: Change, page: Page) -> list[Line]:
    """The inputs that a policy has set, with the rule."""
    indent = _PROPERTY_INDENT
    lines: list[Line] = []
    for item in change.set_by_policy:
        room = page.width - indent
        value = show(item.after, room, ascii_only=page.ascii_only)
        text = f"{page.visible(item.rule)} sets {page.visible(change.name)} {page.visible(item.path)} to {value}"
        lines += paragraph(text, page, first=line(" " * indent), indent=indent + 2, tone=Tone.QUIET)
    return lines


def _new_component(changes: Sequence[Change], page: Page) -> list[Line]:
    """A new component by the kinds of its resources, the most frequent first."""
    kinds = [change.type.rpartition(":")[2] for change in changes]
    counted = sorted({kind: kinds.count(kind) for kind in kinds}.items(), key=lambda item: (-item[1], item[0]))
    # A no-break space keeps a count and its kind on one line.
    text = ", ".join(f"{count}\xa0{page.visible(kind)}" if count > 1 else page.visible(kind) for kind, count in counted)
    symbol = Span(f"{SYMBOLS[Op.CREATE]:<3} ", TONES[Op.CREATE])
    head = line(" " * _ROW_INDENT, symbol, Span(f"{len(changes)} new", TONES[Op.CREATE]), "  ")
    rows = paragraph(text, page, first=head, indent=_ROW_INDENT + 4, tone=Tone.QUIET)
    return [tuple(Span(span.text.replace("\xa0", " "), span.tone) for span in row) for row in rows]


def _file_line(location: Location | None) -> str:
    return f"{location.file}:{location.line}" if location is not None else ""


def _row(op: Op, name: str, type: str, widest: int, note: str, page: Page) -> list[Line]:
    label, token = page.visible(name), page.visible(short_type(type))
    head = line(" " * _ROW_INDENT, Span(f"{SYMBOLS[op]:<3} ", TONES[op]), Span(label, TONES[op]))
    start = _ROW_INDENT + 4
    tail = f"  {note}" if note else ""
    aligned = widest - cells(label) + 2
    # A type that would run over the edge moves left, towards its name, before it takes a line of its own.
    available = page.width - start - cells(label) - cells(token)
    if min(aligned, available - cells(tail)) >= 2:
        gap = " " * min(aligned, available - cells(tail))
        return [line(*head, gap, Span(token, Tone.QUIET), Span(tail, Tone.WARN))]
    if available >= 2:
        rows = [line(*head, " " * min(aligned, available), Span(token, Tone.QUIET))]
    else:
        rows = [head, line(" " * (start + 2), Span(token, Tone.QUIET))]
    if note:
        rows += paragraph(note, page, first=line(" " * (start + 2)), indent=start + 2, tone=Tone.WARN)
    return rows


def _reasons(change: Change, page: Page) -> list[Line]:
    """Why a resource is replaced, or may be, in words."""
    why, indent = page.visible(replacement(change)), _ROW_INDENT + 4
    return paragraph(why, page, first=line(" " * indent), indent=indent, tone=Tone.REPLACED) if why else []


def property_lines(diff: Sequence[PropertyChange], page: Page) -> list[Line]:
    """Each property's path with its values before and after, as far as a page takes them."""
    shown = diff[:_MOST_PROPERTIES]
    if not shown:
        return []
    limit = (page.width - _PROPERTY_INDENT) // 2
    paths = [_cut_middle(page.visible(change.path), page.width - _PROPERTY_INDENT - 2, page) for change in shown]
    widest = max((cells(path) for path in paths if cells(path) <= limit), default=0)
    lines: list[Line] = []
    for change, path in zip(shown, paths, strict=True):
        lines += _property(change, path, widest, page)
    if len(diff) > len(shown):
        rest = f"and {_number(len(diff) - len(shown), 'more change')}".replace("more changes", "more")
        lines.append(line(" " * _PROPERTY_INDENT, Span(rest, Tone.QUIET)))
    return lines


def _property(change: PropertyChange, path: str, widest: int, page: Page) -> list[Line]:
    """A property's path and values: on one line where they fit whole, else the values on a line of their own."""
    symbol, tone = _KIND_SYMBOLS[change.kind]
    head = line(" " * (_PROPERTY_INDENT - 2), Span(f"{symbol} ", tone), path)
    whole = _values(change, _WHOLE, page)
    gap = min(max(widest - cells(path), 0) + 2, page.width - length(head) - length(whole))
    if gap >= 2:
        return [line(*head, " " * gap, *whole)]
    indent = _PROPERTY_INDENT + 2
    return [head, line(" " * indent, *_values(change, page.width - indent, page))]


def _values(change: PropertyChange, room: int, page: Page) -> Line:
    if change.kind is Kind.ADD:
        return line(Span(show(change.new, room, ascii_only=page.ascii_only), Tone.GOOD))
    if change.kind is Kind.DELETE:
        return line(Span(show(change.old, room, ascii_only=page.ascii_only), Tone.BAD))
    arrow = " -> "
    old, new = show_pair(change.old, change.new, room - len(arrow), ascii_only=page.ascii_only)
    return line(Span(old, Tone.BAD), Span(arrow, Tone.QUIET), Span(new, Tone.GOOD))


def _cut_middle(text: str, limit: int, page: Page) -> str:
    if cells(text) <= limit:
        return text
    gap = ellipsis(page.ascii_only)
    head = (limit - len(gap)) // 2
    return text[:head] + gap + text[len(text) - (limit - len(gap) - head) :]


def _summary(plan: Plan, page: Page) -> list[Line]:
    changes = [Span(f"{number:,} {what}", TONES[op]) for op, number, what in plan_counts(plan)]
    same = plan.summary()[Op.SAME]
    if not changes:
        text = f"Nothing changes: {_number(same, 'resource')} as declared."
        return paragraph(text, page, tone=Tone.GOOD)
    unchanged = [Span(f"{same:,} unchanged", Tone.QUIET)] if same else []
    return _joined([*changes, *unchanged], page)


def _joined(parts: Sequence[Span], page: Page) -> list[Line]:
    """The parts with commas between, on as many lines as they need."""
    lines: list[Line] = []
    row: Line = ()
    for number, part in enumerate(parts):
        comma = "," if number < len(parts) - 1 else ""
        if row and length(row) + 1 + cells(part.text + comma) > page.width:
            lines.append(row)
            row = ()
        row = (*row, Span(" " if row else ""), part, Span(comma))
    return [*lines, row]


def _done_counts(result: RunDone) -> list[Span]:
    """How many of each; what only touched the state does not count as done."""
    done = [item for stack in result.stacks for item in stack.done]
    real = [item.op for item in done if item.recorded is None]
    parts = [Span(f"{real.count(op):,} {PAST[op]}", TONES[op]) for op in Op if op in real]
    if len(real) < len(done):
        parts.append(Span(f"{len(done) - len(real):,} only recorded", Tone.WARN))
    same = sum(stack.same for stack in result.stacks)
    return [*parts, *([Span(f"{same:,} {PAST[Op.SAME]}", Tone.QUIET)] if same else [])]


def _skipped(stack: StackDone, page: Page) -> list[Line]:
    if not stack.skipped:
        return []
    widest = min(max(cells(page.visible(name_of(urn))) for urn in stack.skipped), page.width // 2)
    lines = [line(Span(f"not tried in {page.visible(stack.project)}", Tone.WARN))]
    for urn, reason in stack.skipped.items():
        head = line(f"  {page.visible(name_of(urn)):<{widest}}  ")
        lines += paragraph(page.visible(reason), page, first=head, indent=widest + 4, tone=Tone.QUIET)
    return [*lines, ()]


def _recorded(result: RunDone, page: Page) -> list[Line]:
    reasons: dict[str, list[str]] = {}
    for stack in result.stacks:
        for done in stack.done:
            if done.recorded is not None:
                reasons.setdefault(done.recorded, []).append(page.visible(done.name))
    lines: list[Line] = []
    for reason, names in reasons.items():
        head = f"{_number(len(names), 'resource')} only recorded: {page.visible(reason)}"
        lines += paragraph(head, page, indent=2, tone=Tone.WARN)
        lines += paragraph(", ".join(names), page, first=line("  "), indent=2, tone=Tone.QUIET)
        lines.append(())
    return lines


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
