"""Renders where resources come from: the settings of a component, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_iac.explanation import Explanation, Setting
from mlops_iac.render.page import PLAIN_PAGE, Line, Page, Span, Tone, cells, line, paragraph, to_text
from mlops_iac.render.results import short_type
from mlops_iac.render.visible import show


def explanation_text(explanations: Sequence[Explanation], page: Page = PLAIN_PAGE) -> str:
    """Each component with its settings and who set them, its resources, and its neighbours."""
    lines: list[Line] = []
    for explanation in explanations:
        lines += [line(Span(page.visible(explanation.component), Tone.STRONG), f"  layer {explanation.layer}"), ()]
        lines += _settings(explanation, page)
        lines += [line(Span(f"  makes {len(explanation.resources)} resources", Tone.QUIET))]
        widest = max((cells(name) for _, _, name in explanation.resources), default=0)
        for _, type, name in explanation.resources:
            lines.append(line(f"    {name:<{widest}}  ", Span(short_type(type), Tone.QUIET)))
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
        "resources": [{"urn": urn, "type": type, "name": name} for urn, type, name in explanation.resources],
        "uses": list(explanation.uses),
        "usedBy": list(explanation.used_by),
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
        lines.append(line(f"  {name:<{widest}}  {value}", Span(f"  {_origin(setting)}", Tone.QUIET)))
    return [*lines, ()]


def _origin(setting: Setting) -> str:
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
