"""Impacts and gates as parts of a preview: lines of text, Markdown bullets and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from mlops_iac.diagnostics import format_path
from mlops_iac.plan.gates import GateFinding
from mlops_iac.plan.impact import Impact, ImpactSeverity
from mlops_iac.render.page import Line, Page, Span, Tone, line, paragraph, spread

_TONES: Final[Mapping[ImpactSeverity, Tone]] = {
    ImpactSeverity.CRITICAL: Tone.ALARM,
    ImpactSeverity.HIGH: Tone.BAD,
    ImpactSeverity.MEDIUM: Tone.WARN,
    ImpactSeverity.LOW: Tone.QUIET,
}
_INDENT: Final = 10


def impact_lines(impacts: Sequence[Impact], page: Page) -> list[Line]:
    """Each impact with its place, how long it takes and what to do."""
    lines: list[Line] = []
    for impact in impacts:
        head = line(Span(f"{impact.severity.value:<{_INDENT}}", _TONES[impact.severity]))
        place = f"{impact.location.file}:{impact.location.line}" if impact.location is not None else ""
        name = line(*head, Span(page.visible(format_path(impact.component)), Tone.STRONG))
        lines += spread(name, Span(page.visible(place), Tone.QUIET), page)
        took = f" Takes {duration(impact)}." if impact.minutes is not None else ""
        text = f"{sentence(impact.message)}{took}"
        lines += paragraph(page.visible(text), page, first=line(" " * _INDENT), indent=_INDENT)
        first = line(" " * _INDENT, Span("do  ", Tone.GOOD))
        lines += [*paragraph(page.visible(impact.action), page, first=first, indent=_INDENT + 4), ()]
    return lines


def impact_bullets(impacts: Iterable[Impact], code: Callable[[str], str], prose: Callable[[str], str]) -> list[str]:
    """Each impact as a Markdown bullet; ``code`` makes foreign text harmless, ``prose`` a sentence that holds some."""
    rows = []
    for impact in impacts:
        took = f", takes {duration(impact)}" if impact.minutes is not None else ""
        place = f" at {code(f'{impact.location.file}:{impact.location.line}')}" if impact.location is not None else ""
        rows.append(f"- **{impact.severity.value}** {code(format_path(impact.component))}{place}")
        rows.append(f"  {prose(impact.message)}{took}")
        rows.append(f"  do: {prose(impact.action)}")
    return rows


def impacts_json(impacts: Iterable[Impact]) -> list[dict[str, Any]]:
    """Impacts as data, the worst first."""
    return [
        {
            "kind": impact.kind.value,
            "severity": impact.severity.value,
            "component": format_path(impact.component),
            "resources": list(impact.resources),
            "message": impact.message,
            "action": impact.action,
            "minutes": list(impact.minutes) if impact.minutes is not None else None,
            "source": f"{impact.location.file}:{impact.location.line}" if impact.location is not None else None,
            "sourceUrl": impact.source_url,
        }
        for impact in impacts
    ]


def gates_json(findings: Iterable[GateFinding]) -> list[dict[str, Any]]:
    """What gates refuse and what was lifted, as data."""
    return [
        {
            "gate": finding.gate,
            "status": "refused" if finding.stops else "lifted",
            "component": format_path(finding.component),
            "resources": list(finding.resources),
            "message": finding.message,
            "location": str(finding.location) if finding.location is not None else None,
            "approval": None
            if finding.approval is None
            else {
                "person": finding.approval.person,
                "reason": finding.approval.reason,
                "expires": finding.approval.expires,
                "ticket": finding.approval.ticket,
            },
        }
        for finding in findings
    ]


def duration(impact: Impact) -> str:
    """How long an impact typically takes: ``5 to 10 min``."""
    low, high = impact.minutes or (0, 0)
    return f"{low} min" if low == high else f"{low} to {high} min"


def sentence(text: str) -> str:
    """A message as a sentence of its own; one that begins with a resource's name keeps that as it is."""
    named = "." in text.partition(" ")[0]
    return f"{text}." if named else f"{text[:1].upper()}{text[1:]}."
