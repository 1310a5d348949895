"""What has to wait for what inside one layer."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.graph.values import NodeKey


def waits(stack: Stack) -> dict[NodeKey, set[NodeKey]]:
    """The nodes that each node directly waits for. To wait for a component is to wait for everything inside it,
    unless one stands inside it oneself."""
    nodes = {node.key: node for node in stack.nodes}
    children: dict[NodeKey, list[NodeKey]] = {}
    for node in stack.nodes:
        if node.options.parent is not None:
            children.setdefault(node.options.parent, []).append(node.key)
    found = {}
    for node in stack.nodes:
        needed = set(node.dependencies())
        above = _ancestors(node, nodes)
        for key in node.options.depends_on:
            if key not in above:
                needed |= _descendants(key, children)
        found[node.key] = {key for key in needed if key in nodes and key != node.key}
    return found


def _ancestors(node: Node, nodes: Mapping[NodeKey, Node]) -> set[NodeKey]:
    found = set()
    parent = node.options.parent
    while parent is not None:
        found.add(parent)
        parent = nodes[parent].options.parent
    return found


def _descendants(key: NodeKey, children: Mapping[NodeKey, list[NodeKey]]) -> set[NodeKey]:
    found: set[NodeKey] = set()
    stack = [key]
    while stack:
        for child in children.get(stack.pop(), ()):
            found.add(child)
            stack.append(child)
    return found
