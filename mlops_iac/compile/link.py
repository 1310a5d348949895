"""Turns references that cross layers into stack outputs, so that each layer is a Pulumi project of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from mlops_iac.graph.nodes import Node
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value, rewrite


@dataclass(frozen=True, slots=True)
class Linked:
    """Nodes whose references stay within their layer, and what each layer exports, sorted by name."""

    nodes: tuple[Node, ...]
    exports: Mapping[str, Mapping[str, Value]]


def link(nodes: Mapping[NodeKey, Node], exports: Mapping[str, Mapping[str, Value]]) -> Linked:
    """Replace every cross-layer ``Ref`` by the ``StackOutput`` that exports it.

    A component output that is exactly that reference gives the output its name; another reference is exported
    under the component's path, the resource's suffix and the property.
    """
    found: dict[str, dict[str, Value]] = {layer: dict(values) for layer, values in exports.items()}
    names: dict[Ref, str] = {}
    for layer, values in exports.items():
        for name, value in values.items():
            # A component may hand on what it got from another layer; only that layer's own stack can export it.
            if isinstance(value, Ref) and value.node.layer == layer:
                names.setdefault(value, name)

    def output_of(layer: str, ref: Ref) -> Value:
        if ref.node.layer == layer:
            return ref
        if ref not in names:
            names[ref] = _output_name(nodes[ref.node], ref)
            found[ref.node.layer][names[ref]] = ref
        return StackOutput(ref.node.layer, names[ref])

    linked = []
    for node in nodes.values():
        layer = node.key.layer
        inputs = {name: rewrite(value, partial(output_of, layer)) for name, value in node.inputs.items()}
        within = tuple(key for key in node.options.depends_on if key.layer == layer)
        linked.append(replace(node, inputs=inputs, options=replace(node.options, depends_on=within)))
    for exporting, values in exports.items():
        local = partial(output_of, exporting)
        found[exporting].update({name: rewrite(value, local) for name, value in values.items()})
    return Linked(tuple(linked), {layer: dict(sorted(values.items())) for layer, values in found.items()})


def _output_name(node: Node, ref: Ref) -> str:
    """Of the oldest name of the component: a rename must not take away what another layer reads."""
    owner, _, suffix = (*node.options.aliases, node.name)[0].partition(".")
    component = (*node.component[:-1], owner) if node.options.aliases else node.component
    return ".".join(str(part) for part in (*component, suffix, *ref.path) if part != "")
