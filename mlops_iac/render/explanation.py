"""Renders where resources come from: the settings of a component, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_iac.explanation import Explanation, Made, Setting
from mlops_iac.policies.policy import Finding, Verdict
from mlops_iac.render.page import PLAIN_PAGE, Line, Page, Span, Tone, cells, line, paragraph, to_text
from mlops_iac.render.results import short_type
from mlops_iac.render.spending import COLUMN, amount_of, amounts_row, pair, usd
from mlops_iac.render.visible import shorten, show


def explanation_text(explanations: Sequence[Explanation], page: Page = PLAIN_PAGE) -> str:
    """Each component with its settings and who set them, its resources, and its neighbours."""
    lines: list[Line] = []
    for explanation in explanations:
        lines += [line(Span(page.visible(explanation.component), Tone.STRONG), f"  layer {explanation.layer}"), ()]
        lines += _settings(explanation, page)
        lines += _resources(explanation, page)
        for title, others in (("uses", explanation.uses), ("used by", explanation.used_by)):
            if others:
                lines += paragraph(", ".join(others), page, first=line(f"  {title} "), indent=4, tone=Tone.QUIET)
        lines.append(())
    return to_text(lines[:-1], page)


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """The same as data: resources with their URN, settings with file, line, column, group and override."""
    return {
        "component": explanation.component,
        "layer": explanation.layer,
        "settings": [_setting_json(setting) for setting in explanation.settings],
        "cost": pair(explanation.floor, explanation.ceiling),
        "resources": [_made_json(made) for made in explanation.resources],
        "uses": list(explanation.uses),
        "usedBy": list(explanation.used_by),
    }


def _resources(explanation: Explanation, page: Page) -> list[Line]:
    """What a component becomes, with the monthly cost of each part, and the policies that judged it."""
    known = explanation.resources
    title = line(Span(f"  makes {len(known)} resource{'' if len(known) == 1 else 's'}", Tone.QUIET))
    amounts = ("USD floor", "ceiling") if any(made.cost and made.cost.charges for made in known) else ()
    lines: list[Line] = [amounts_row(title, amounts, page, Tone.QUIET)]
    room = page.width - len(amounts) * COLUMN
    widest = min(max((cells(made.name) for made in known), default=0), room - 24)
    for made in known:
        kind = shorten(short_type(made.type), max(room - widest - 7, 8), ascii_only=page.ascii_only)
        label = line(f"    {page.visible(made.name):<{widest}}  ", Span(kind, Tone.QUIET))
        lines.append(amounts_row(label, _amounts(made), page))
        lines += [
            row
            for gap in (made.cost.gaps if made.cost is not None else ())
            for row in paragraph(f"no known price: {gap.what}", page, first=line("      "), indent=6, tone=Tone.WARN)
        ]
    if explanation.ceiling:
        total = (amount_of(explanation.floor, explanation.gaps), amount_of(explanation.ceiling, explanation.gaps))
        lines.append(amounts_row(line(Span("    total a month", Tone.STRONG)), total, page, Tone.STRONG))
    return [*lines, *_policies(explanation, page)]


def _amounts(made: Made) -> tuple[str, ...]:
    return (usd(made.cost.floor), usd(made.cost.ceiling)) if made.cost is not None and made.cost.charges else ()


def _policies(explanation: Explanation, page: Page) -> list[Line]:
    """How many policies judged the component, those that found nothing wrong by name, the others with what they say."""
    passed: dict[str, None] = {}
    told: list[tuple[str, str]] = []
    for made in explanation.resources:
        for finding in made.verdicts:
            if finding.result.verdict is Verdict.PASS:
                passed[finding.policy.id] = None
            else:
                told.append((verdict_word(finding), f"{finding.policy.id}: {made.name} {finding.result.detail}"))
    lines: list[Line] = []
    if passed:
        listed_ids = ", ".join(sorted(passed))
        first = line(Span(f"  passes {len(passed)} "), Span("policies  " if len(passed) > 1 else "policy  "))
        lines += paragraph(listed_ids, page, first=first, indent=4, tone=Tone.QUIET)
    for word, text in told:
        tone = Tone.BAD if word == "broken" else Tone.WARN
        lines += paragraph(page.visible(text), page, first=line("  ", Span(f"{word}  ", tone)), indent=4)
    return lines


def verdict_word(finding: Finding) -> str:
    """A verdict in one word, as people say it: passes, broken, advised, waived or undecided."""
    if finding.result.verdict is Verdict.PASS:
        return "passes"
    if finding.waiver:
        return "waived"
    if finding.result.verdict is Verdict.UNKNOWN:
        return "undecided"
    return "broken" if finding.stops else "advised"


def _made_json(made: Made) -> dict[str, Any]:
    return {
        "urn": made.urn,
        "type": made.type,
        "name": made.name,
        "cost": None
        if made.cost is None
        else {
            **pair(made.cost.floor, made.cost.ceiling),
            "unknown": [{"what": gap.what, "reason": gap.reason} for gap in made.cost.gaps],
        },
        "policies": [
            {"rule": found.policy.id, "verdict": verdict_word(found), "detail": found.result.detail}
            for found in made.verdicts
        ],
    }


def _settings(explanation: Explanation, page: Page) -> list[Line]:
    prefix = f"{explanation.component}."
    rows = [(setting.path.removeprefix(prefix), setting) for setting in explanation.settings]
    if not rows:
        return [line(Span("  nothing is set; the defaults hold", Tone.QUIET)), ()]
    widest = min(max(cells(name) for name, _ in rows), 30)
    lines: list[Line] = []
    for name, setting in rows:
        value = show(setting.value, max(page.width - widest - 34, 12), ascii_only=page.ascii_only)
        lines.append(line(f"  {name:<{widest}}  {value}", Span(f"  {origin_text(setting)}", Tone.QUIET)))
    return [*lines, ()]


def origin_text(setting: Setting) -> str:
    """Who set a value: file and line, with the config group that brought it, or the override."""
    origin = setting.origin
    if origin is None:
        return "default"
    if origin.override is not None:
        return f"override {origin.override}"
    place = f"{origin.value.file}:{origin.value.line}"
    return f"{place} ({origin.group})" if origin.group else place


def _setting_json(setting: Setting) -> dict[str, Any]:
    origin = setting.origin
    return {
        "path": setting.path,
        "value": setting.value,
        "file": origin.value.file if origin else None,
        "line": origin.value.line if origin else None,
        "column": origin.value.column if origin else None,
        "group": origin.group if origin else None,
        "override": origin.override if origin else None,
    }
