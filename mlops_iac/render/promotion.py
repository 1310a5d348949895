"""The comparison of two environments: text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mlops_iac.plan.model import Kind, PropertyChange
from mlops_iac.plan.promotion import ComponentDifference, KeyDifference, Promotion
from mlops_iac.render.json import VERSION
from mlops_iac.render.page import PLAIN_PAGE, Line, Page, Span, Tone, line, paragraph, spread, to_text
from mlops_iac.render.results import short_type
from mlops_iac.render.visible import plain_json, show

_MOST_RESOURCES: Final = 4
_MOST_PROPERTIES: Final = 3


def promotion_text(promotion: Promotion, page: Page = PLAIN_PAGE) -> str:
    """Keys that should not differ first, those that may, the resources by component, and what is carried."""
    title = line(Span(page.visible(promotion.system), Tone.STRONG), f"  {promotion.before} -> {promotion.after}")
    lines = [title, ()]
    expected = [key for key in promotion.keys if key.allowed]
    for heading, keys in (("Keys that should not differ", promotion.unexpected), ("Keys that may differ", expected)):
        if keys:
            lines += [line(Span(heading, Tone.STRONG)), (), *_keys(keys, promotion, page), ()]
    if promotion.components:
        lines += [line(Span("Resources", Tone.STRONG)), ()]
        for component in promotion.components:
            lines += _component(component, promotion, page)
        lines.append(())
    lines.append(line(Span(f"A promotion to {promotion.after} carries", Tone.STRONG)))
    for sentence in promotion.carries:
        lines += paragraph(page.visible(sentence), page, first=line("  - "), indent=4)
    return to_text(lines, page)


def promotion_json(promotion: Promotion) -> dict[str, Any]:
    """The whole comparison as data."""
    return {
        "version": VERSION,
        "kind": "promotion",
        "system": promotion.system,
        "from": promotion.before,
        "to": promotion.after,
        "keys": [
            {
                "path": key.path,
                "from": plain_json(key.before),
                "to": plain_json(key.after),
                "fromOrigin": key.before_origin,
                "toOrigin": key.after_origin,
                "allowedBy": key.allowed or None,
            }
            for key in promotion.keys
        ],
        "unexpected": [key.path for key in promotion.unexpected],
        "resources": {"from": promotion.resources[0], "to": promotion.resources[1]},
        "components": [
            {
                "component": item.component,
                "onlyFrom": list(item.only_before),
                "onlyTo": list(item.only_after),
                "changed": [
                    {
                        "name": resource.name,
                        "type": resource.type,
                        "properties": [_property_json(change) for change in resource.properties],
                    }
                    for resource in item.changed
                ],
            }
            for item in promotion.components
        ],
        "carries": list(promotion.carries),
    }


def _property_json(change: PropertyChange) -> dict[str, Any]:
    return {"path": change.path, "from": plain_json(change.old), "to": plain_json(change.new)}


def _keys(keys: Sequence[KeyDifference], promotion: Promotion, page: Page) -> list[Line]:
    lines: list[Line] = []
    widest = max(len(promotion.before), len(promotion.after))
    for key in keys:
        lines.append(line("  ", Span(page.visible(key.path), Tone.PLAIN if key.allowed else Tone.ALARM)))
        sides = (
            (promotion.before, key.before, key.before_origin),
            (promotion.after, key.after, key.after_origin),
        )
        for name, value, origin in sides:
            shown = "(not set)" if origin is None else show(value, page.width // 2, ascii_only=page.ascii_only)
            left = line(f"    {name:<{widest}}  ", Span(shown))
            lines += spread(left, Span(page.visible(origin or ""), Tone.QUIET), page)
    return lines


def _component(component: ComponentDifference, promotion: Promotion, page: Page) -> list[Line]:
    counts = (
        (f"{len(component.changed)} differ", component.changed),
        (f"{len(component.only_before)} only in {promotion.before}", component.only_before),
        (f"{len(component.only_after)} only in {promotion.after}", component.only_after),
    )
    told = ", ".join(text for text, found in counts if found)
    lines = spread(line("  ", Span(page.visible(component.component))), Span(told, Tone.QUIET), page)
    for resource in component.changed[:_MOST_RESOURCES]:
        lines.append(
            line("    ~ ", page.visible(resource.name), "  ", Span(page.visible(short_type(resource.type)), Tone.QUIET))
        )
        for change in resource.properties[:_MOST_PROPERTIES]:
            lines += _property(change, page)
        if len(resource.properties) > _MOST_PROPERTIES:
            lines.append(line(Span(f"        and {len(resource.properties) - _MOST_PROPERTIES} more", Tone.QUIET)))
    if len(component.changed) > _MOST_RESOURCES:
        lines.append(line(Span(f"    and {len(component.changed) - _MOST_RESOURCES} more that differ", Tone.QUIET)))
    for mark, tone, names in (("-", Tone.BAD, component.only_before), ("+", Tone.GOOD, component.only_after)):
        lines += [line("    ", Span(f"{mark} ", tone), page.visible(name)) for name in names[:_MOST_RESOURCES]]
        if len(names) > _MOST_RESOURCES:
            lines.append(line("    ", Span(f"{mark} {len(names) - _MOST_RESOURCES} more", tone)))
    return lines


def _property(change: PropertyChange, page: Page) -> list[Line]:
    room = max((page.width - 16) // 2, 20)
    old = "(not set)" if change.kind is Kind.ADD else show(change.old, room, ascii_only=page.ascii_only)
    new = "(not set)" if change.kind is Kind.DELETE else show(change.new, room, ascii_only=page.ascii_only)
    text = f"{page.visible(change.path)}: {old} -> {new}"
    return paragraph(text, page, first=line(" " * 8), indent=10)
