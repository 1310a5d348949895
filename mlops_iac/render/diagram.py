"""Draws a system by component: as mermaid text, as SVG, and as a page around the SVG.

Boxes are components, columns are layers, arrows point from a component to those that use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from mlops_iac.diagnostics import format_path
from mlops_iac.graph.links import component_links
from mlops_iac.graph.nodes import LAYERS, Graph
from mlops_iac.render.html import code, document, table, text

BOX_WIDTH = 190
BOX_HEIGHT = 44
COLUMN_GAP = 70
ROW_GAP = 14
MARGIN = 24
HEADER = 46


@dataclass(frozen=True, slots=True)
class Box:
    """One component: its configuration path, layer, and how many cloud resources it makes."""

    id: str
    label: str
    kind: str
    layer: str
    resources: int
    source: str


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
    return _drawing(diagram, f"<style>{STYLE}</style>")


def drawing(diagram: Diagram) -> str:
    """The same picture for a page, whose ``style`` must hold ``STYLE``: a page allows no style in its body."""
    return _drawing(diagram, "")


def _drawing(diagram: Diagram, style: str) -> str:
    layers = [layer.value for layer in LAYERS if any(box.layer == layer.value for box in diagram.boxes)]
    columns = {layer: [box for box in _ordered(diagram) if box.layer == layer] for layer in layers}
    rows = max((len(boxes) for boxes in columns.values()), default=0)
    width = 2 * MARGIN + len(layers) * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP // 2
    height = 2 * MARGIN + HEADER + rows * (BOX_HEIGHT + ROW_GAP)
    places = {
        box.id: (MARGIN + column * (BOX_WIDTH + COLUMN_GAP), MARGIN + HEADER + row * (BOX_HEIGHT + ROW_GAP))
        for column, layer in enumerate(layers)
        for row, box in enumerate(columns[layer])
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{text(diagram.title)}">',
        f"<title>{text(diagram.title)}</title>",
        style,
    ]
    for column, layer in enumerate(layers):
        x = MARGIN + column * (BOX_WIDTH + COLUMN_GAP)
        parts.append(f'<text class="layer" x="{x}" y="{MARGIN + 18}">{text(layer)}</text>')
    shared = {box.id for box in diagram.boxes if box.layer == LAYERS[0].value}
    parts += [_arrow(places[used], places[user], used, user, used in shared) for used, user in diagram.edges]
    parts += [_box(box, *places[box.id]) for box in diagram.boxes]
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def page(diagram: Diagram) -> str:
    """One self-contained page: the picture, and the components as a table; works from a file, without a network."""
    rows = [(text(box.layer), code(box.id), str(box.resources), code(box.source)) for box in diagram.boxes]
    body = (
        f"<h1>{text(diagram.title)}</h1>\n"
        '<p class="lead">Boxes are components, columns are layers in the order in which they are applied. '
        "Point at a box, or move to it with the tab key, to see what it uses and what uses it.</p>\n"
        f'<div class="scroll">{drawing(diagram)}</div>\n'
        + table(("Layer", "Component", "Resources", "Declared at"), rows, name="Components")
    )
    return document(diagram.title, body, style=STYLE, script=_SCRIPT)


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


def _box(box: Box, x: int, y: int) -> str:
    what = f"{box.id}: {box.resources} resources, declared at {box.source}"
    return (
        f'<g class="box" tabindex="0" data-id="{text(box.id)}"><title>{text(what)}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7"/>'
        f'<text class="kind" x="{x + 12}" y="{y + 17}">{text(_fit(box.kind, 22))}</text>'
        f'<text class="name" x="{x + 12}" y="{y + 34}">{text(_fit(box.label, 22))}</text>'
        f'<text class="count" x="{x + BOX_WIDTH - 12}" y="{y + 17}">{box.resources}</text></g>'
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
    quiet = " quiet" if shared else ""
    return f'<path class="edge{quiet}" data-from="{text(used)}" data-to="{text(user)}" d="{path}"/>'


def _fit(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


STYLE = (
    "text{font-family:system-ui,sans-serif;fill:#1b2733}"
    ".layer{font-size:15px;font-weight:600}.kind{font-size:11px;fill:#5a6b7b}.name{font-size:13px;font-weight:600}"
    ".count{font-size:11px;fill:#5a6b7b;text-anchor:end}.box rect{fill:#f2f6fa;stroke:#9fb3c8}"
    ".box:focus{outline:none}.box:focus rect,.box:hover rect{stroke:#0b69c7;stroke-width:2}"
    ".edge{fill:none;stroke:#8aa0b8;stroke-opacity:.8}.edge.quiet{stroke-opacity:.25}.edge.on{stroke:#0b69c7;stroke-width:2;stroke-opacity:1}"
    ".box.off{opacity:.3}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.kind,.count{fill:#9fb0c0}"
    ".box rect{fill:#18222c;stroke:#4c6176}.edge{stroke:#4c6176}.edge.on,.box:focus rect{stroke:#58a6ff}}"
)
_SCRIPT = (
    "for(const box of document.querySelectorAll('.box')){"
    "const show=on=>{const id=box.dataset.id,near=new Set([id]);"
    "for(const e of document.querySelectorAll('.edge')){"
    "const hit=e.dataset.from===id||e.dataset.to===id;e.classList.toggle('on',on&&hit);"
    "if(hit){near.add(e.dataset.from);near.add(e.dataset.to)}}"
    "for(const b of document.querySelectorAll('.box'))b.classList.toggle('off',on&&!near.has(b.dataset.id))};"
    "for(const[n,v]of[['mouseenter',1],['focus',1],['mouseleave',0],['blur',0]])"
    "box.addEventListener(n,()=>show(!!v))}"
)
