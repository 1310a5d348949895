"""The state that a graph would leave behind: what to compare with when the baseline is another graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlops_iac.graph.evaluate import evaluate
from mlops_iac.graph.nodes import Graph, Node, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, references
from mlops_iac.plan.decision import as_secret, mark_secrets
from mlops_iac.plan.outputs import Placeholders
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.snapshot import ResourceState, Snapshot


def snapshot_of_graph(graph: Graph) -> dict[str, Snapshot]:
    """A state, by project, as if ``graph`` were deployed: what to compare with when the baseline is another
    graph.

    Outputs that only a cloud knows are stable placeholders, so a reference that does not change shows no
    change.
    """
    outputs: dict[str, Mapping[str, Any]] = {}
    index = {node.key: node for node in graph.nodes()}
    snapshots = {}
    for stack in graph.stacks:
        snapshots[stack.project], outputs[stack.layer.value] = _pretend(stack, index, outputs)
    return snapshots


def _pretend(
    stack: Stack, index: Mapping[NodeKey, Node], stack_outputs: Mapping[str, Mapping[str, Any]]
) -> tuple[Snapshot, dict[str, Any]]:
    states: dict[NodeKey, ResourceState] = {}

    def lookup(ref: Ref | StackOutput) -> Any:
        if isinstance(ref, StackOutput):
            return stack_outputs.get(ref.layer, {}).get(ref.name, f"${{{ref.layer}.{ref.name}}}")
        source = states[ref.node]
        if ref.path == ("urn",):
            return source.urn
        outputs = source.outputs
        if ref.path[0] == "id" or not isinstance(outputs, Placeholders):
            return source.id
        value = outputs.at(ref.path)
        secret = ref.path[0] in index[ref.node].options.additional_secret_outputs
        return as_secret(value) if secret else value

    for node in stack.nodes:
        inputs = {name: evaluate(value, lookup) for name, value in node.inputs.items()}
        states[node.key] = _pretend_state(stack, node, index, inputs, states)
    outputs = {name: evaluate(value, lookup) for name, value in stack.outputs.items()}
    return Snapshot(stack.project, stack.name, tuple(states.values()), outputs=outputs), outputs


def _pretend_state(
    stack: Stack,
    node: Node,
    index: Mapping[NodeKey, Node],
    inputs: Mapping[str, Any],
    states: Mapping[NodeKey, ResourceState],
) -> ResourceState:
    def urns(keys: Iterable[NodeKey]) -> tuple[str, ...]:
        return tuple(states[key].urn for key in keys)

    options = node.options
    provider = states[options.provider] if options.provider is not None else None
    facts = facts_of(node.type) if node.custom else None
    return ResourceState(
        urn=stack.urn(node, index),
        type=node.type,
        custom=node.custom,
        id=f"${{{node.type} {node.name}.id}}" if node.custom else None,
        inputs=mark_secrets(inputs, facts),
        outputs=Placeholders(node.type, node.name, inputs),
        parent=states[options.parent].urn if options.parent is not None else None,
        provider=f"{provider.urn}::{provider.id}" if provider is not None else None,
        dependencies=urns(node.dependencies()),
        property_dependencies={
            name: urns(sorted({ref.node for ref in references(value) if isinstance(ref, Ref)}))
            for name, value in node.inputs.items()
        },
        protect=options.protect,
        retain_on_delete=options.retain_on_delete,
        additional_secret_outputs=options.additional_secret_outputs,
    )
