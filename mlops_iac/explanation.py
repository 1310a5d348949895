"""Traces between configuration and resources: which lines made a resource, and what a line makes."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_iac.compose.composition import Composition, Origin
from mlops_iac.compose.provenance import paths_at
from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.graph.nodes import Graph, Node
from mlops_iac.graph.values import NodeKey, origins


@dataclass(frozen=True, slots=True)
class Setting:
    """One configured value below a component: its path, the value, and who set it."""

    path: str
    value: object
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One component: the settings that shape it, the resources that it becomes, and who uses those.

    ``resources`` are (URN, type, name); ``used_by`` are configuration paths of other components.
    """

    component: str
    layer: str
    settings: tuple[Setting, ...]
    resources: tuple[tuple[str, str, str], ...]
    uses: tuple[str, ...]
    used_by: tuple[str, ...]


def explain_component(graph: Graph, composition: Composition, path: ConfigPath) -> list[Explanation]:
    """Every component at, above or below ``path``; for a path above none, such as ``system``, all that it shapes."""
    components = sorted({node.component for node in graph.nodes()})
    chosen = [c for c in components if c[: len(path)] == path or path[: len(c)] == c]
    return [_explain(graph, composition, component) for component in chosen]


def explain_line(graph: Graph, composition: Composition, file: str, line: int) -> list[Explanation]:
    """Every component that a line of a file sets a value of."""
    found: dict[str, Explanation] = {}
    for path in paths_at(composition, file, line):
        for explanation in explain_component(graph, composition, path):
            found.setdefault(explanation.component, explanation)
    return list(found.values())


def explain_resource(graph: Graph, composition: Composition, what: str) -> list[Explanation]:
    """The components of every resource with that URN, type token or logical name."""
    index = {node.key: node for node in graph.nodes()}
    components = {
        node.component
        for stack in graph.stacks
        for node in stack.nodes
        if what in (node.name, node.type, node.type.rsplit(":", 1)[-1], stack.urn(node, index))
    }
    return [_explain(graph, composition, component) for component in sorted(components)]


def _explain(graph: Graph, composition: Composition, component: ConfigPath) -> Explanation:
    index = {node.key: node for node in graph.nodes()}
    layers = [
        (stack.layer.value, stack) for stack in graph.stacks if any(n.component == component for n in stack.nodes)
    ]
    resources = tuple(
        (stack.urn(node, index), node.type, node.name)
        for _, stack in layers
        for node in stack.nodes
        if node.component == component and node.custom
    )
    uses, used_by = _neighbours(graph, index, component)
    settings = tuple(
        Setting(format_path(path), _value_at(composition, path), composition.origin_of(path))
        for path in sorted(composition.origins, key=format_path)
        if path[: len(component)] == component and not isinstance(_value_at(composition, path), dict)
    )
    return Explanation(format_path(component), layers[0][0], settings, resources, uses, used_by)


def _neighbours(
    graph: Graph, index: dict[NodeKey, Node], component: ConfigPath
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    exports = graph.exports()
    uses: set[str] = set()
    used_by: set[str] = set()
    for node in graph.nodes():
        for value in node.inputs.values():
            for origin in origins(value, exports):
                other = index[origin.node].component
                if node.component == component and other != component:
                    uses.add(format_path(other))
                elif other == component and node.component != component:
                    used_by.add(format_path(node.component))
    return tuple(sorted(uses)), tuple(sorted(used_by))


def _value_at(composition: Composition, path: ConfigPath) -> object:
    current: object = composition.data
    for part in path:
        if isinstance(current, dict):
            current = current.get(part)
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = current[part]
        else:
            return None
    return current
