"""What drifted, how dangerous that is and what to do: as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, format_path
from mlops_iac.plan.drift import Danger, DriftFinding
from mlops_iac.plan.impact import listed
from mlops_iac.render.json import VERSION, diagnostics_json, diff_json
from mlops_iac.render.markdown import assembled, code, fenced, folded, property_bullets, prose
from mlops_iac.render.page import Line, Page, Span, Tone, line, paragraph, spread, to_text
from mlops_iac.render.results import short_type
from mlops_iac.render.text import diagnostics_lines, property_lines

_TONES: Final = {Danger.DANGEROUS: Tone.ALARM, Danger.UNCLEAR: Tone.WARN, Danger.HARMLESS: Tone.QUIET}
_INDENT: Final = 11


def drift_text(findings: Sequence[DriftFinding], failures: Sequence[Diagnostic], page: Page) -> str:
    """Every drifted resource with its place, why it matters, what differs (state -> reality) and what to do."""
    lines: list[Line] = []
    for finding in findings:
        head = line(Span(f"{finding.danger.value:<{_INDENT}}", _TONES[finding.danger]))
        name = Span(page.visible(finding.observed.name), Tone.STRONG)
        kind = Span(f"  {page.visible(short_type(finding.observed.type))}", Tone.QUIET)
        lines += spread(line(*head, name, kind), Span(page.visible(_place(finding)), Tone.QUIET), page)
        for reason in drift_reasons(finding):
            lines += paragraph(page.visible(reason), page, first=line(" " * _INDENT), indent=_INDENT)
        lines += property_lines(finding.observed.to_read, page)
        first = line(" " * _INDENT, Span("do  ", Tone.GOOD))
        lines += [*paragraph(page.visible(finding.advice), page, first=first, indent=_INDENT + 4), ()]
    lines += diagnostics_lines(failures, page, {})
    tone = Tone.GOOD if not findings else _TONES[findings[0].danger]
    lines.append(line(Span(drift_verdict(findings, complete=not failures), tone)))
    return to_text(lines, page)


def drift_markdown(
    findings: Sequence[DriftFinding], failures: Sequence[Diagnostic], system: str, environment: str
) -> str:
    """The same for an issue: the verdict, then each resource, the harmless ones folded away."""
    head = [f"### Drift in {code(system)} {code(environment)}", "", drift_verdict(findings, complete=not failures), ""]
    if failures:
        head += [*(f"- **not read** {prose(failure.message)}" for failure in failures), ""]
    parts = []
    for danger in Danger:
        rows = [row for finding in findings if finding.danger is danger for row in _bullet(finding)]
        if not rows:
            continue
        if danger is Danger.HARMLESS:
            parts.append(folded("Harmless", rows))
        else:
            parts.append([f"#### {danger.value.capitalize()}", "", *rows, ""])
    return assembled(head, parts)


def drift_reasons(finding: DriftFinding) -> tuple[str, ...]:
    """Why a resource was judged so, the first of the worst; where no rule says anything, what differs."""
    paths = dict.fromkeys(change.path.partition(".")[0].partition("[")[0] for change in finding.observed.diff)
    verb = "differs" if len(paths) == 1 else "differ"
    unknown = f"{listed(paths)} {verb}, and no rule knows what that means"
    return tuple(reason.text for reason in finding.reasons) or (unknown,)


def drift_json(
    findings: Sequence[DriftFinding], failures: Sequence[Diagnostic], system: str, environment: str
) -> dict[str, Any]:
    """The same as data; ``schemas/drift.schema.json`` documents it."""
    return {
        "version": VERSION,
        "kind": "drift",
        "system": system,
        "environment": environment,
        "summary": {danger.value: sum(f.danger is danger for f in findings) for danger in Danger},
        "resources": [
            {
                "urn": finding.observed.urn,
                "type": finding.observed.type,
                "name": finding.observed.name,
                "layer": finding.layer,
                "danger": finding.danger.value,
                "gone": finding.observed.gone,
                "reasons": [
                    {"rule": each.rule, "text": each.text, "sourceUrl": each.source_url} for each in finding.reasons
                ],
                "advice": finding.advice,
                "component": format_path(finding.component) if finding.component else None,
                "source": _place(finding) or None,
                "diff": diff_json(finding.observed.to_read),
            }
            for finding in findings
        ],
        "diagnostics": diagnostics_json(failures),
    }


def _bullet(finding: DriftFinding) -> list[str]:
    place = f" at {code(_place(finding))}" if finding.location else ""
    rows = [f"- {code(finding.observed.name)} {code(short_type(finding.observed.type))}{place}"]
    rows += [f"  - {prose(reason)}" for reason in drift_reasons(finding)]
    if finding.observed.diff:
        rows += ["", *(f"  {row}" for row in fenced(property_bullets(finding.observed.to_read), "text")), ""]
    # The advice has commands between backticks of our own; what is the user's in it are names that specs allow.
    rows.append(f"  - do: {finding.advice}")
    return rows


def _place(finding: DriftFinding) -> str:
    return f"{finding.location.file}:{finding.location.line}" if finding.location is not None else ""


def drift_verdict(findings: Sequence[DriftFinding], *, complete: bool) -> str:
    """How much drifted, in a sentence; not ``complete`` where something could not be read."""
    if not findings:
        return "No drift: everything is as the state says." if complete else "No drift in what could be read."
    counts = [f"{count} {danger.value}" for danger in Danger if (count := sum(f.danger is danger for f in findings))]
    return f"{len(findings)} drifted: {', '.join(counts)}."
