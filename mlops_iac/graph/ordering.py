"""What has to wait for what inside one layer."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.graph.values import NodeKey


def waits(stack: Stack) -> dict[NodeKey, set[NodeKey]]:
    """The nodes that each node directly waits for. To wait for a component is to wait for everything inside it,
    unless one stands inside it oneself."""
    nodes = {node.key: node for node in stack.nodes}
    children = _children(stack)
    found = {}
    for node in stack.nodes:
        needed = set(node.dependencies())
        above = _ancestors(node, nodes)
        for key in node.options.depends_on:
            if key not in above:
                needed |= _descendants(key, children)
        found[node.key] = {key for key in needed if key in nodes and key != node.key}
    return found


def depended_on(stack: Stack) -> dict[NodeKey, set[NodeKey]]:
    """The resources that each node's ``depends_on`` stands for, as Pulumi's SDKs resolve it: a component stands for
    the resources inside it."""
    custom = {node.key for node in stack.nodes if node.custom}
    children = _children(stack)
    return {
        node.key: {
            found for key in node.options.depends_on for found in (key, *_descendants(key, children)) if found in custom
        }
        for node in stack.nodes
    }


def _children(stack: Stack) -> dict[NodeKey, list[NodeKey]]:
    children: dict[NodeKey, list[NodeKey]] = {}
    for node in stack.nodes:
        if node.options.parent is not None:
            children.setdefault(node.options.parent, []).append(node.key)
    return children


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
