"""Draws how data moves through a system: from buckets through features, training, registry, endpoints and monitors,
and back by retraining.

Columns are stages. Arrows to the next column are curves; those that skip columns run above the boxes and those that
go back run below, one lane for each source, so that no line passes through a box.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from mlops_iac.diagnostics import ConfigPath
from mlops_iac.evidence.card import Flow, Part, SystemCard
from mlops_iac.render.markup import Html, element, raw, text
from mlops_iac.render.visible import shorten, visible
from mlops_iac.spec.card import LINEAGE

_WIDTH, _HEIGHT, _GAP, _ROW, _LANE, _EDGE = 152, 72, 60, 16, 11, 12
_HEADER: Final = 34

STYLE: Final = """
.lineage { width: 100%; min-width: 60rem; height: auto; font-family: system-ui, sans-serif; }
.lineage text { fill: var(--ink); font-size: 13px; }
.lineage .stage { font-size: 13px; font-weight: 600; fill: var(--quiet); }
.lineage .kind { font-size: 11px; fill: var(--quiet); }
.lineage .name { font-weight: 600; }
.lineage .box { fill: var(--panel); stroke: var(--line); }
.lineage .mark { fill: var(--warn); }
.lineage .flow { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.lineage .flow.start { stroke: var(--accent); stroke-dasharray: 5 4; }
.lineage .tip { fill: var(--edge); }
.lineage .tip.start { fill: var(--accent); }
"""
"""Rules of the picture, for the page that it stands in."""


@dataclass(frozen=True, slots=True)
class _Place:
    column: int
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.y + _HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + _WIDTH


def lineage_svg(card: SystemCard) -> Html:
    """The picture as SVG for a page whose style holds ``STYLE``; empty where the system has no part of a lineage."""
    columns = _columns(card)
    if not columns:
        return raw("")
    above, below = _lanes(card, columns)
    top = _HEADER + _EDGE + _LANE * len(above)
    places = {
        part.path: _Place(column, _EDGE + _GAP // 2 + column * (_WIDTH + _GAP), top + row * (_HEIGHT + _ROW))
        for column, (_, parts) in enumerate(columns)
        for row, part in enumerate(parts)
    }
    bottom = max(place.y for place in places.values()) + _HEIGHT
    width = 2 * _EDGE + _GAP + len(columns) * (_WIDTH + _GAP) - _GAP
    height = bottom + _LANE * (len(below) + 1) + _EDGE
    drawn = [
        *(_stage(name, _EDGE + _GAP // 2 + column * (_WIDTH + _GAP)) for column, (name, _) in enumerate(columns)),
        *(_arrow(flow, places, above, below, bottom) for flow in card.flows),
        *(_box(part, places[part.path]) for _, parts in columns for part in parts),
    ]
    label = "How data moves through the system; the table below says the same in words"
    inside = raw("\n".join(drawn))
    return element("svg", inside, viewBox=f"0 0 {width} {height}", role="img", aria_label=label, class_="lineage")


def lineage_mermaid(card: SystemCard) -> str:
    """The same as a mermaid flowchart, which forges draw inside markdown."""
    ids = {part.path: f"n{index}" for index, part in enumerate(card.parts)}
    lines = ["flowchart LR"]
    for name, parts in _columns(card):
        lines.append(f"  subgraph {name}")
        lines += [f'    {ids[part.path]}["{_mermaid(part)}"]' for part in parts]
        lines.append("  end")
    arrows = {"data": "-->", "start": "-.->"}
    lines += [f"  {ids[flow.source]} {arrows[flow.kind]} {ids[flow.target]}" for flow in card.flows]
    return "\n".join(lines) + "\n"


def _mermaid(part: Part) -> str:
    name = f"<b>{escape(visible(str(part.path[-1])))}</b>"
    return "<br/>".join([part.kind, name, *_notes(part)])


def _columns(card: SystemCard) -> list[tuple[str, list[Part]]]:
    found = ((stage.value, list(card.of_stage(stage))) for stage in LINEAGE)
    return [(name, parts) for name, parts in found if parts]


def _lanes(card: SystemCard, columns: list[tuple[str, list[Part]]]) -> tuple[dict[_Lane, int], dict[_Lane, int]]:
    """A lane above the boxes for each source of an arrow that skips a column, and below for each that goes back."""
    column = {part.path: index for index, (_, parts) in enumerate(columns) for part in parts}
    above: dict[_Lane, int] = {}
    below: dict[_Lane, int] = {}
    for flow in card.flows:
        steps = column[flow.target] - column[flow.source]
        lanes = above if steps > 1 else below
        if steps > 1 or steps < 0:
            lanes.setdefault((flow.source, flow.kind), len(lanes))
    return above, below


_Lane = tuple[ConfigPath, str]


def _arrow(
    flow: Flow, places: dict[ConfigPath, _Place], above: dict[_Lane, int], below: dict[_Lane, int], bottom: int
) -> Html:
    source, target = places[flow.source], places[flow.target]
    steps = target.column - source.column
    end = target.x - 6
    if steps == 0:
        bend, end = source.right + _GAP // 2, target.right + 6
        line = f"M{source.right},{source.middle} C{bend},{source.middle} {bend},{target.middle} {end},{target.middle}"
        return _drawn(flow, line, f"M{target.right},{target.middle} l7,-4 v8 z")
    if steps == 1:
        half = (source.right + end) // 2
        line = f"M{source.right},{source.middle} C{half},{source.middle} {half},{target.middle} {end},{target.middle}"
    else:
        lanes = above if steps > 1 else below
        lane = lanes[flow.source, flow.kind]
        level = _HEADER + _LANE * lane + _EDGE // 2 if steps > 1 else bottom + _LANE * (lane + 1)
        out = source.right + 8 + 5 * (lane % 5)
        back = target.x - 14 - 5 * (lane % 5)
        line = f"M{source.right},{source.middle} H{out} V{level} H{back} V{target.middle} H{end}"
    return _drawn(flow, line, f"M{target.x},{target.middle} l-7,-4 v8 z")


def _drawn(flow: Flow, line: str, tip: str) -> Html:
    kind = " start" if flow.kind == "start" else ""
    return raw(element("path", d=line, class_=f"flow{kind}") + element("path", d=tip, class_=f"tip{kind}"))


def _stage(name: str, x: int) -> Html:
    return element("text", name, x=x, y=_HEADER - 14, class_="stage")


def _box(part: Part, place: _Place) -> Html:
    mark = element("rect", x=place.x, y=place.y, width=5, height=_HEIGHT, rx=2, class_="mark")
    return element(
        "g",
        element("title", ": ".join([part.name, ", ".join(_notes(part)) or part.kind])),
        element("rect", x=place.x, y=place.y, width=_WIDTH, height=_HEIGHT, rx=7, class_="box"),
        mark if part.from_personal_data else None,
        _line(part.kind, place, 17, "kind"),
        _line(str(part.path[-1]), place, 34, "name"),
        *(_line(words, place, 50 + 15 * row, "kind") for row, words in enumerate(_notes(part))),
    )


def _line(words: str, place: _Place, down: int, kind: str) -> Html:
    return element("text", raw(text(shorten(visible(words), 21))), x=place.x + 13, y=place.y + down, class_=kind)


def _notes(part: Part) -> list[str]:
    """What is said of the data in a part: its classification, and whether it is about people."""
    about = "personal data" if part.entry.personal_data else "from personal data" if part.from_personal_data else ""
    return [words for words in (part.entry.classification, about) if words]
