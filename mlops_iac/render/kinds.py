"""Renders what a system can declare: every kind, or the reference of one, derived from its spec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from mlops_iac.components.component import Component
from mlops_iac.components.registry import Registry
from mlops_iac.render.page import Line, Page, Span, Tone, line, paragraph, to_text
from mlops_iac.spec.decode import BACKEND
from mlops_iac.spec.schema import component_schema
from mlops_iac.validate.wording import expectation

_LIFECYCLE = {
    "x-replaces": "a change replaces the resource",
    "x-loses-data": "and loses its data",
    "x-immutable": "cannot be changed later",
    "x-secret": "never shown",
}


def kinds_text(registry: Registry, page: Page) -> str:
    """One line a kind: its layer, back ends, and what it is."""
    lines: list[Line] = []
    for kind in sorted(registry.kinds):
        component = registry.default(kind)
        named = [_named(choice) for choice in _choices(registry, kind) if choice.backend]
        choices = f" ({', '.join(named)})" if named else ""
        first = line(Span(f"{kind:<16} ", Tone.STRONG), Span(f"{component.layer.value:<11} ", Tone.QUIET))
        lines += paragraph(f"{_summary(component.spec)}{choices}", page, first=first, indent=29)
    return to_text(lines, page)


def kind_text(registry: Registry, kind: str, page: Page) -> str:
    """Every back end of a kind with its fields, and an example of each."""
    lines: list[Line] = []
    for component in _choices(registry, kind):
        title = f"{kind}, backend: {_named(component)}" if component.backend else kind
        lines += [line(Span(title, Tone.STRONG), Span(f"  {component.layer.value} layer", Tone.QUIET))]
        lines += paragraph(_summary(component.spec), page, first=line("  "), indent=2)
        lines.append(())
        lines += _fields(component_schema(registry, component), page, 2)
        for example in component.examples[:1]:
            lines += [(), line("  example: ", Span(example.title, Tone.QUIET))]
            lines += [line(f"    {row}") for row in _yaml({kind: example.values}).splitlines()]
        lines.append(())
    return to_text(lines[:-1], page)


def _choices(registry: Registry, kind: str) -> list[Component[Any, Any]]:
    """Every back end, the default one first."""
    return sorted(registry.kinds[kind].values(), key=lambda each: (not each.default_backend, str(each.backend)))


def _named(component: Component[Any, Any]) -> str:
    return f"{component.backend} [default]" if component.default_backend else str(component.backend)


def _fields(schema: Mapping[str, Any], page: Page, indent: int) -> Iterator[Line]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        if name == BACKEND:
            continue
        pad = " " * indent
        facts = [_expected(field), "required" if name in required else _default(field)]
        yield line(pad, Span(name, Tone.STRONG), Span(f"  {', '.join(fact for fact in facts if fact)}", Tone.QUIET))
        notes = ", ".join(text for key, text in _LIFECYCLE.items() if field.get(key))
        told = f"{field.get('description', '')} {notes.capitalize() + '.' if notes else ''}".strip()
        yield from paragraph(told, page, first=line(f"{pad}    "), indent=indent + 4)
        for part in _parts(field):
            yield from _fields(part, page, indent + 4)


def _parts(field: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects that a value holds: itself, its alternatives, its items, or its named members."""
    if "properties" in field:
        yield field
    for alternative in field.get("anyOf", ()):
        yield from _parts(alternative)
    for key in ("items", "additionalProperties"):
        if isinstance(field.get(key), Mapping):
            yield from _parts(field[key])


def _expected(field: Mapping[str, Any]) -> str:
    reference = field.get("x-reference")
    expected = f"the name of one of {reference.replace('|', ' or ')}" if reference else expectation(field)
    unit = field.get("x-unit")
    return f"{expected} ({unit})" if unit else expected


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    if default in (None, []) or isinstance(default, dict):
        return "optional"
    return f"default {default if isinstance(default, str) else json.dumps(default)}"


def _summary(spec: type[Any]) -> str:
    return " ".join((spec.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(msgspec.to_builtins(value), sort_keys=False, default_flow_style=None, width=74)
    return text
