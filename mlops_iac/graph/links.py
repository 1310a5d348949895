"""Which components use which: the graph seen from the configuration."""

from __future__ import annotations

from mlops_iac.diagnostics import ConfigPath
from mlops_iac.graph.nodes import Graph
from mlops_iac.graph.values import origins


def component_links(graph: Graph) -> frozenset[tuple[ConfigPath, ConfigPath]]:
    """Every (used, user) pair of components of which one reads an output of the other, across layers too."""
    exports = graph.exports()
    owner = {node.key: node.component for node in graph.nodes()}
    found = set()
    for node in graph.nodes():
        for value in node.inputs.values():
            for origin in origins(value, exports):
                used = owner[origin.node]
                if used != node.component:
                    found.add((used, node.component))
    return frozenset(found)
