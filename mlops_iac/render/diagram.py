"""Draws a system by component: as mermaid text, as SVG, and as a page around the SVG.

Boxes are components, columns are layers, arrows point from a component to those that use it. In the report of a plan
the boxes of what changes are coloured by the worst that happens in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import quote

from mlops_iac.diagnostics import format_path
from mlops_iac.graph.links import component_links
from mlops_iac.graph.nodes import LAYERS, Graph
from mlops_iac.render.html import asset, code, document, table, text
from mlops_iac.render.markup import Html, element, raw

BOX_WIDTH = 160
BOX_HEIGHT = 44
COLUMN_GAP = 32
ROW_GAP = 12
MARGIN = 12
HEADER = 34
_MANY_EDGES = 150
_MANY_BOXES = 100
"""Boxes beyond which a picture is taller than its view, and is laid out only where it is in sight."""

Mark = Literal["create", "update", "replace", "delete"]
"""The worst that happens in a component; each has a colour, and the words of ``Box.tally`` beside it."""


@dataclass(frozen=True, slots=True)
class Box:
    """One component: its configuration path, layer, and how many cloud resources it makes.

    ``mark`` and ``tally`` (``+2 ~1``) tell what a plan does to it, ``gone`` that it is no longer declared.
    """

    id: str
    label: str
    kind: str
    layer: str
    resources: int
    source: str
    mark: Mark | None = None
    tally: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    """Components in layer order, and who uses whom as (used, user) pairs."""

    title: str
    boxes: tuple[Box, ...]
    edges: tuple[tuple[str, str], ...]


def diagram_of(graph: Graph) -> Diagram:
    """The component-level picture of a resource graph."""
    providers = ("cloud",)
    counts: dict[str, int] = {}
    for node in graph.nodes():
        if node.component != providers:
            id = format_path(node.component)
            counts[id] = counts.get(id, 0) + node.custom
    edges = {
        (format_path(used), format_path(user)) for used, user in component_links(graph) if providers not in (used, user)
    }
    boxes = []
    for stack in graph.stacks:
        for node in stack.nodes:
            if not node.custom:
                id = format_path(node.component)
                kind, _, name = id.partition(".")
                place = f"{node.source.file}:{node.source.line}" if node.source else "(default)"
                boxes.append(Box(id, name or kind, kind, stack.layer.value, counts.get(id, 0), place))
    return Diagram(f"{graph.system} ({graph.environment})", tuple(boxes), tuple(sorted(edges)))


def mermaid(diagram: Diagram) -> str:
    """A mermaid flowchart; forges draw it inside markdown."""
    ids = {box.id: f"n{index}" for index, box in enumerate(diagram.boxes)}
    lines = ["flowchart LR"]
    for layer in LAYERS:
        inside = [box for box in diagram.boxes if box.layer == layer.value]
        if inside:
            lines.append(f"  subgraph {layer.value}")
            lines += [f'    {ids[box.id]}["{escape(box.kind)}<br/><b>{escape(box.label)}</b>"]' for box in inside]
            lines.append("  end")
    lines += [f"  {ids[used]} --> {ids[user]}" for used, user in diagram.edges]
    return "\n".join(lines) + "\n"


def svg(diagram: Diagram) -> str:
    """A standalone SVG picture, readable on light and dark backgrounds; every box has a title for readers."""
    return _picture(diagram, _own_style())


def drawing(diagram: Diagram) -> Html:
    """The same picture for a page that holds ``style()`` and ``script()``, with what moves and zooms it.

    A box links to the element with its ``anchor``.
    """
    tools = (
        element("button", label, type="button", class_="tool", data_zoom=name, aria_label=said)
        for name, label, said in (("in", "+", "Zoom in"), ("out", "\N{MINUS SIGN}", "Zoom out"), ("fit", "Fit", "Fit"))
    )
    return element(
        "div",
        element("div", tools, class_="tools"),
        element("div", raw(_picture(diagram, "", linked=True)), class_="view"),
        class_="diagram many" if len(diagram.boxes) > _MANY_BOXES else "diagram",
    )


def anchor(component: str) -> str:
    """The id of the element that says more of a component."""
    return f"component-{quote(component, safe='')}"


def page(diagram: Diagram) -> str:
    """One self-contained page: the picture, and the components as a table; works from a file, without a network."""
    rows = [
        (
            text(box.layer),
            element("span", element("code", box.id), id=anchor(box.id)),
            str(box.resources),
            code(box.source),
        )
        for box in diagram.boxes
    ]
    body = (
        f"<h1>{text(diagram.title)}</h1>\n"
        '<p class="lead">Boxes are components, columns are layers in the order in which they are applied. '
        "Point at a box, or reach it with the tab and arrow keys, to see what it uses and what uses it.</p>\n"
        + drawing(diagram)
        + table(("Layer", "Component", "Resources", "Declared at"), rows, name="Components", numbers=[2])
    )
    return document(diagram.title, body, style=style(), script=script())


def style() -> str:
    """The rules of the drawing, for the page that it stands in."""
    return asset("diagram.css")


def script() -> str:
    """What moves the drawing, for the page that it stands in."""
    return asset("diagram.js")


def _own_style() -> str:
    """The rules of the drawing with colours in place of the page's names for them, which few viewers of SVG know."""
    colors = dict(re.findall(r"--([\w-]+): light-dark\((#\w+, #\w+)\)", asset("page.css")))
    rules = "".join(line for line in style().splitlines() if line.startswith(".picture"))
    light, dark = (
        re.sub(r"var\(--([\w-]+)\)", lambda name: colors[name[1]].split(", ")[scheme], rules)  # noqa: B023
        for scheme in (0, 1)
    )
    return f"<style>{light}@media(prefers-color-scheme:dark){{{dark}}}</style>"


def _picture(diagram: Diagram, style: str, *, linked: bool = False) -> str:
    layers = [layer.value for layer in LAYERS if any(box.layer == layer.value for box in diagram.boxes)]
    columns = {layer: [box for box in _ordered(diagram) if box.layer == layer] for layer in layers}
    rows = max((len(boxes) for boxes in columns.values()), default=0)
    width = 2 * MARGIN + len(layers) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    height = 2 * MARGIN + HEADER + rows * (BOX_HEIGHT + ROW_GAP) - ROW_GAP
    places = {
        box.id: (MARGIN + column * (BOX_WIDTH + COLUMN_GAP), MARGIN + HEADER + row * (BOX_HEIGHT + ROW_GAP))
        for column, layer in enumerate(layers)
        for row, box in enumerate(columns[layer])
    }
    role = "group" if linked else "img"
    dense = " dense" if len(diagram.edges) > _MANY_EDGES else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture{dense}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="{role}" aria-label="{text(diagram.title)}">',
        style,
    ]
    for column, layer in enumerate(layers):
        x = MARGIN + column * (BOX_WIDTH + COLUMN_GAP)
        parts.append(f'<text class="layer" x="{x}" y="{MARGIN + 14}">{text(layer)}</text>')
    shared = {box.id for box in diagram.boxes if box.layer == LAYERS[0].value}
    parts += [_arrow(places[used], places[user], used, user, used in shared) for used, user in diagram.edges]
    parts += [_box(box, *places[box.id], linked) for layer in layers for box in columns[layer]]
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _ordered(diagram: Diagram) -> list[Box]:
    """Boxes sorted within their column near the middle of what they use, so that arrows cross less."""
    position: dict[str, float] = {}
    ordered: list[Box] = []
    for layer in LAYERS:
        boxes = [box for box in diagram.boxes if box.layer == layer.value]
        weights = {}
        for index, box in enumerate(boxes):
            used = [position[a] for a, b in diagram.edges if b == box.id and a in position]
            weights[box.id] = (sum(used) / len(used) if used else float(index), index)
        for row, box in enumerate(sorted(boxes, key=lambda box: weights[box.id])):
            position[box.id] = float(row)
            ordered.append(box)
    return ordered


def _box(box: Box, x: int, y: int, linked: bool) -> str:
    what = f"{box.id}: {_number(box.resources)}"
    what += ", no longer declared" if box.gone else f", declared at {box.source}"
    what += f"; changes {box.tally}" if box.tally else ""
    kind = " ".join(["box", *([box.mark] if box.mark else []), *(["gone"] if box.gone else [])])
    head = f'class="{kind}" data-id="{text(box.id)}"'
    opened = f'<a href="#{text(anchor(box.id))}" {head} aria-label="{text(what)}">' if linked else f"<g {head}>"
    note = f'class="tally">{text(box.tally)}' if box.tally else f'class="count">{box.resources}'
    return (
        f"{opened}<title>{text(what)}</title>"
        f'<rect class="frame" x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="kind" x="{x + 11}" y="{y + 17}">{text(_fit(box.kind, 18))}</text>'
        f'<text class="name" x="{x + 11}" y="{y + 34}">{text(_fit(box.label, 19))}</text>'
        f'<text x="{x + BOX_WIDTH - 11}" y="{y + 17}" {note}</text>{"</a>" if linked else "</g>"}'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], used: str, user: str, shared: bool) -> str:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT // 2
    if start[0] == end[0]:
        bend = x1 + COLUMN_GAP // 2
        path = f"M{x1},{y1} C{bend},{y1} {bend},{y2} {x1},{y2}"
    else:
        middle = (x1 + x2) // 2
        path = f"M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"
    quiet = " common" if shared else ""
    return f'<path class="edge{quiet}" data-from="{text(used)}" data-to="{text(user)}" d="{path}"/>'


def _fit(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _number(resources: int) -> str:
    return f"{resources} resource{'' if resources == 1 else 's'}"
