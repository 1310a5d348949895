"""A preview as a section of a pull-request comment.

Whatever comes from a configuration or a provider stands in code spans or fenced blocks, where GitHub and GitLab
interpret no HTML, link, mention or issue number; fences and span delimiters are longer than any run of backticks
inside (https://github.github.com/gfm/#code-spans). Of a sentence, only words that no forge gives a meaning to stand
outside. The comment stays below GitHub's limit of 65,536 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from mlops_iac.cost.compare import MonthlyCost
from mlops_iac.diagnostics import Diagnostic, Severity, format_path
from mlops_iac.plan.impact import Impact
from mlops_iac.plan.model import Change, Kind, Op, Plan, PropertyChange, StackPlan, counted
from mlops_iac.render.change import change_notes, plan_counts, reading_order, replacement
from mlops_iac.render.impact import impact_bullets
from mlops_iac.render.report.model import bill, verdict
from mlops_iac.render.results import short_type
from mlops_iac.render.spending import cost_bullets
from mlops_iac.render.visible import show, show_pair, visible

LONGEST: Final = 60_000
"""Characters after which details are left out."""

_WIDTH: Final = 110
_MOST_PROPERTIES: Final = 20
_MOST_IMPACTS: Final = 12
"""Impacts in sight; the others, which are milder, are folded away."""
_PLAIN_WORD: Final = re.compile(r"|\(|[,;:.)]+|\(?[A-Za-z0-9]+(?:[-'/][A-Za-z0-9]+)*%?\)?[,;:.]?")
"""A word that means nothing in Markdown."""
_NUMBERED: Final = re.compile(r"[0-9]+[.)]")
"""What would begin a numbered list."""
_QUOTED: Final = re.compile(r"(?:^|(?<=\s)|(?<=\s\())`([^`]+)`(?=[,;:.)]*(?:\s|$))")
"""Words that a message quotes, apart from everything else."""
_LINKED_WORD: Final = re.compile(r"\(?(?:[A-Z][A-Z0-9]*-[0-9]+|[0-9a-f]{7,40}|.*/.*)\)?[,;:.]?")
"""A word that forges turn into a link: an issue's key, a commit, a path to a repository."""
_OPS: Final = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.SAME)
_HEADINGS: Final[Mapping[Op, str]] = {
    Op.CREATE: "create",
    Op.UPDATE: "update",
    Op.REPLACE: "replace",
    Op.DELETE: "delete",
    Op.SAME: "unchanged",
}
_MARKS: Final[Mapping[Op, str]] = {Op.CREATE: "+", Op.UPDATE: "!", Op.REPLACE: "!", Op.DELETE: "-", Op.SAME: " "}
"""First characters that the ``diff`` highlighter colours: green, orange, red."""
_BADGES: Final[Mapping[Severity, str]] = {
    Severity.ERROR: "**error**",
    Severity.WARNING: "**warning**",
    Severity.INFO: "note",
}


def preview_markdown(
    plan: Plan,
    *,
    findings: Sequence[Diagnostic] = (),
    diagnostics: Sequence[Diagnostic] = (),
    impacts: Sequence[Impact] = (),
    cost: MonthlyCost | None = None,
    gates: Sequence[Diagnostic] = (),
) -> str:
    """What would change: a verdict, what matters most, impact, gates, cost, policies, then each layer folded away.

    Starts with an HTML comment by which a bot finds its earlier comment.
    """
    marker = re.sub(r"[^A-Za-z0-9_./-]|--+", "-", f"{plan.system}/{plan.environment}")
    stopping = sum(item.severity is Severity.ERROR for item in findings)
    head = [
        f"<!-- mlops-iac preview {marker} -->",
        f"### Preview of {code(plan.system)} in {code(plan.environment)}",
        "",
        f"**{prose(verdict(gates, stopping, impacts).text)}.** {_counts(plan)} Compared with {code(plan.baseline)}.",
        "",
        *(row for said in bill(cost) for row in (f"{prose(said.text)}.", "")),
    ]
    if impacts:
        told = impact_bullets(impacts[:_MOST_IMPACTS], code, prose)
        rest = impact_bullets(impacts[_MOST_IMPACTS:], code, prose)
        head += ["#### Impact", "", *told, "", *folded(f"{len(impacts) - _MOST_IMPACTS:,} more", rest)]
    head += _group("Gates", gates)
    if cost is not None:
        head += ["#### Cost", "", *cost_bullets(cost, code), ""]
    head += [*_group("Policies", findings), *_group("Notes", diagnostics)]
    changed = [stack for stack in plan.stacks if any(_shown(stack))]
    if changed:
        head += ["#### Changes", "", *_table(changed), ""]
    return assembled(head, [_layer(stack) for stack in changed])


_CANNOT: Final = {"preview": "Cannot be previewed", "drift": "Drift cannot be looked for"}


def failure_markdown(diagnostics: Sequence[Diagnostic], asked: Sequence[str], verb: str = "preview") -> str:
    """Why there is no preview, or no drift; ``asked`` are the overrides that it was asked with."""
    of = f" with {', '.join(code(override) for override in asked)}" if asked else ""
    errors = sum(item.severity is Severity.ERROR for item in diagnostics)
    noun = "error" if errors == 1 else "errors"
    head = [f"### {verb.capitalize()}{of}", "", f"**{_CANNOT[verb]}: {errors:,} {noun}.**", ""]
    return assembled([*head, *_group("Errors", diagnostics)], [])


def code(text: str) -> str:
    """Foreign text as an inline code span, on one line and with nothing in it that is interpreted."""
    body = visible(text)
    if not body.strip():
        return "`(empty)`"
    ticks = "`" * (_longest_run(body) + 1)
    padding = " " if body.startswith(("`", " ")) or body.endswith(("`", " ")) else ""
    return f"{ticks}{padding}{body}{padding}{ticks}"


def prose(text: str) -> str:
    """A sentence with foreign words in it: words that Markdown or a forge might read otherwise become code spans.

    What stands between backticks is one already.
    """
    if not text.strip():
        return code(text)
    pieces = _QUOTED.split(visible(text))
    return "".join(code(piece) if index % 2 else _words(piece, first=index == 0) for index, piece in enumerate(pieces))


def _words(text: str, *, first: bool) -> str:
    parts: list[str] = []
    special: list[str] = []
    for index, word in enumerate(text.split(" ")):
        listed = first and index == 0 and _NUMBERED.fullmatch(word) is not None
        if _PLAIN_WORD.fullmatch(word) and not _LINKED_WORD.fullmatch(word) and not listed:
            parts += [_span(special)] if special else []
            parts.append(word)
            special = []
        else:
            special.append(word)
            if word.endswith((",", ";", ":")):
                parts.append(_span(special))
                special = []
    parts += [_span(special)] if special else []
    return " ".join(parts)


def _span(words: Sequence[str]) -> str:
    """Words as one code span, the punctuation at its end after it."""
    body, after = " ".join(words), ""
    while len(body) > 1 and body[-1] in ",;:." and body[-2].isalnum():
        body, after = body[:-1], body[-1] + after
    return code(body) + after


def fenced(lines: Iterable[str], language: str = "") -> list[str]:
    """Foreign lines as a fenced block whose fence is longer than any run of backticks inside."""
    body = list(lines)
    fence = "`" * max(3, max((_longest_run(row) for row in body), default=0) + 1)
    return [f"{fence}{language}", *body, fence]


def _counts(plan: Plan) -> str:
    parts = [f"{number:,} {what}" for _, number, what in plan_counts(plan)]
    return f"{', '.join(parts)}." if parts else "No resource changes."


def _group(title: str, diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Findings under a heading: what refuses or warns in sight, mere notes folded away."""
    if not diagnostics:
        return []
    notes = [item for item in diagnostics if item.severity is Severity.INFO]
    told = _bullets(item for item in diagnostics if item.severity is not Severity.INFO)
    noun = "note" if len(notes) == 1 else "notes"
    return [f"#### {title}", "", *told, *([""] if told else []), *folded(f"{len(notes):,} {noun}", _bullets(notes))]


def folded(summary: str, rows: Sequence[str], *, opened: bool = False) -> list[str]:
    """Rows that a reader unfolds, under ``summary``, which is HTML; nothing where there are none."""
    start = "<details open>" if opened else "<details>"
    return [f"{start}<summary>{summary}</summary>", "", *rows, "", "</details>", ""] if rows else []


def _table(stacks: Sequence[StackPlan]) -> list[str]:
    rows = ["| layer | " + " | ".join(_HEADINGS[op] for op in _OPS) + " |", "| --- |" + " ---: |" * len(_OPS)]
    for stack in stacks:
        counts = counted(change for change in stack.changes if change.exists_outside)
        cells = [f"{counts[op]:,}" if counts[op] else "" for op in _OPS]
        layer = code(stack.layer).replace("|", "\\|")
        rows.append(f"| {layer} | " + " | ".join(cells) + " |")
    return rows


def _bullets(diagnostics: Iterable[Diagnostic]) -> list[str]:
    order = list(Severity)
    rows = []
    for item in sorted(diagnostics, key=lambda found: order.index(found.severity)):
        place = str(item.location) if item.location is not None else format_path(item.path)
        rows.append(f"- {_BADGES[item.severity]} {code(item.code)} {prose(item.message)}")
        if place:
            rows.append(f"  at {code(place)}")
        if item.hint:
            rows.append(f"  do: {prose(item.hint)}")
    return rows


def _shown(stack: StackPlan) -> list[Change]:
    return reading_order(change for change in stack.changes if change.custom and change.op is not Op.SAME)


def _layer(stack: StackPlan) -> list[str]:
    changes = _shown(stack)
    touched, total = (sum(change.exists_outside for change in some) for some in (changes, stack.changes))
    what = f"{touched:,} of {total:,} resources change" if touched else "only providers change"
    title = f"<code>{escape(visible(stack.layer))}</code>: {what}"
    rows = fenced((row for change in changes for row in _change(change)), "diff")
    return folded(title, rows, opened=any(change.op in (Op.REPLACE, Op.DELETE) for change in changes))


def _change(change: Change) -> list[str]:
    mark = _MARKS[change.op]
    where = f"  {change.source.file}:{change.source.line}" if change.source is not None else ""
    notes = f"  ({'; '.join(notes)})" if (notes := change_notes(change)) else ""
    head = f"{change.op.value} {change.name}  {short_type(change.type)}{where}{notes}"
    rows = [f"{mark} {visible(head)}"]
    rows += [f"{mark}     {visible(why)}"] if (why := replacement(change)) else []
    rows += [f"{mark}     {visible(row)}" for row in property_bullets(change.to_read)]
    rows += [f"{mark}     {visible(f'{item.path}: set by {item.rule}')}" for item in change.set_by_policy]
    return rows


def property_bullets(diff: Sequence[PropertyChange]) -> list[str]:
    """Each property's path with its values before and after, a line each, for a fenced block."""
    rows = []
    for item in diff[:_MOST_PROPERTIES]:
        room = max(_WIDTH - len(item.path), 40)
        if item.kind is Kind.UPDATE:
            old, new = show_pair(item.old, item.new, room)
            rows.append(f"{item.path}: {old} -> {new}")
        elif item.kind is Kind.ADD:
            rows.append(f"{item.path}: {show(item.new, room)} (new)")
        else:
            rows.append(f"{item.path}: {show(item.old, room)} (removed)")
    if len(diff) > _MOST_PROPERTIES:
        rows.append(f"and {len(diff) - _MOST_PROPERTIES:,} more")
    return rows


def assembled(head: Sequence[str], layers: Sequence[Sequence[str]]) -> str:
    """The comment, without what would make it too long: whole layers first, then findings; it says so."""
    kept, size = [], 0
    for row in head:
        size += len(row) + 1
        if size > LONGEST:
            kept += ["", "Findings are cut for length; the run's log shows everything."]
            break
        kept.append(row)
    left_out = 0
    for layer in layers:
        length = sum(len(row) + 1 for row in layer)
        if size + length > LONGEST:
            left_out += 1
            continue
        kept += layer
        size += length
    if left_out:
        kept.append(f"Left out for length: {left_out} layer(s); the run's log shows everything.")
    return "\n".join(kept).rstrip("\n") + "\n"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
