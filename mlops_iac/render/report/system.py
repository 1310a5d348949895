"""The system drawn by layer, with what changes marked, and the same as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlops_iac.diagnostics import format_path
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.plan.impact import changes_by_component
from mlops_iac.plan.model import Op
from mlops_iac.render import diagram
from mlops_iac.render.html import section, table
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.model import Report, Words
from mlops_iac.render.report.parts import OPS, component_link
from mlops_iac.render.spending import amount_of


def system_section(report: Report) -> Html:
    """The drawing, its legend, and every component in a table."""
    drawn = diagram.diagram_of(report.graph)
    ops: dict[str, list[Op]] = {}
    layers: dict[str, str] = {}
    for stack in report.plan.stacks:
        for change in stack.changes:
            layers.setdefault(change.urn, stack.layer)
    kept = {box.id for box in drawn.boxes}
    gone: dict[str, str] = {}
    for change, path in changes_by_component(report.plan):
        if change.custom and change.op in OPS and path not in ((), ("cloud",)):
            ops.setdefault(format_path(path), []).append(change.op)
            if format_path(path) not in kept:
                gone.setdefault(format_path(path), layers[change.urn])
    boxes = [_marked(box, ops.get(box.id, [])) for box in drawn.boxes]
    for id, layer in gone.items():
        kind, _, name = id.partition(".")
        lost = diagram.Box(id, name or kind, kind, layer, len(ops[id]), "", gone=True)
        boxes.append(_marked(lost, ops[id]))
    keys = (
        element("li", f"{sign} {report.words.ops[op]}", class_=f"key {mood}")
        for op, (sign, mood) in OPS.items()
        if op in report.words.ops
    )
    legend = element("ul", keys, class_="legend", aria_label="What the colours mean")
    picture = diagram.drawing(diagram.Diagram(drawn.title, tuple(boxes), drawn.edges))
    return section(
        "system",
        "System",
        picture,
        legend,
        element("details", element("summary", "Every component as a list"), _components(report, ops)),
        note="Columns are layers in the order in which they are applied; a line leads from a component to those that "
        "use it. Open a box for its settings and resources.",
    )


def _marked(box: diagram.Box, ops: Sequence[Op]) -> diagram.Box:
    if not ops:
        return box
    worst = max(ops, key=list(OPS).index)
    tally = " ".join(f"{sign}{ops.count(op)}" for op, (sign, _) in OPS.items() if op in ops)
    return diagram.Box(box.id, box.label, box.kind, box.layer, box.resources, box.source, _mark(worst), tally, box.gone)


def _mark(op: Op) -> diagram.Mark | None:
    marks: Mapping[Op, diagram.Mark] = {
        Op.CREATE: "create",
        Op.UPDATE: "update",
        Op.REPLACE: "replace",
        Op.DELETE: "delete",
    }
    return marks.get(op)


def _components(report: Report, ops: Mapping[str, Sequence[Op]]) -> Html:
    order = {layer.value: index for index, layer in enumerate(LAYERS)}
    rows = [
        (
            element("span", component_link(each.component), id=diagram.anchor(each.component)),
            element("span", each.layer),
            str(len(each.resources)),
            element("span", _tally(ops.get(each.component, ()), report.words)),
            *((amount_of(each.floor, each.gaps), amount_of(each.ceiling, each.gaps)) if report.cost else ()),
        )
        for each in sorted(report.explanations, key=lambda each: (order.get(each.layer, 0), each.component))
    ]
    head: tuple[str, ...] = ("Component", "Layer", "Resources", report.words.changes)
    head += ("USD a month from", "to") if report.cost else ()
    return table(head, rows, name="Components", numbers=[2, 4, 5])


def _tally(ops: Sequence[Op], words: Words) -> str:
    return ", ".join(f"{ops.count(op)} {words.ops[op]}" for op in OPS if op in ops)
