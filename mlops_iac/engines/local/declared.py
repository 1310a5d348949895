"""What a stack declares, evaluated with what is deployed by now."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from mlops_iac.engines.local.failures import Failed, Wording
from mlops_iac.engines.local.provider import RECORDED
from mlops_iac.engines.local.values import plain
from mlops_iac.graph.evaluate import UNKNOWN, compact_json, contains_unknown, evaluate, property_at
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.graph.ordering import depended_on
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, references
from mlops_iac.plan.decision import PROVIDER_REPLACED, Decision, diff_node
from mlops_iac.plan.model import Change, Op
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.snapshot import ResourceState

StackOutputs = Mapping[str, Mapping[str, Any]]
"""Real stack outputs by layer and name."""
PROVIDER_IDS: Final = uuid.UUID("5a7d9d0e-7f0b-4b0e-9f7e-0d6c1f3b2a11")
"""Name space of the ids that provider resources get."""


class Known(Protocol):
    """The resources of a stack as they now are: a ledger, or a state that is only thought of."""

    def live(self, urn: str) -> ResourceState | None:
        """The resource with that URN that is in use."""
        ...

    def copies(self, urn: str) -> tuple[ResourceState, ...]:
        """Every resource with that URN, old copies too."""
        ...


def provider_id(urn: str, inputs: Mapping[str, Any]) -> str:
    """The id of a provider resource, which exists in the state only."""
    return str(uuid.uuid5(PROVIDER_IDS, f"{urn} {compact_json(plain(inputs))}"))


class Declared:
    """The declared side of a run: inputs, decisions and states to be. ``urns`` are those of the stack's nodes."""

    def __init__(
        self,
        stack: Stack,
        urns: Mapping[NodeKey, str],
        stack_outputs: StackOutputs,
        ledger: Known,
        clock: Callable[[], str],
        wording: Wording,
    ) -> None:
        self._stack = stack
        self._urns = urns
        self._depended_on = depended_on(stack)
        self._stack_outputs = stack_outputs
        self._ledger = ledger
        self._clock = clock
        self._wording = wording

    def decide(self, node: Node, old: ResourceState | None, change: Change) -> Decision:
        """What to do, now that the inputs are known. Raises ``Failed`` when one of them does not exist."""
        provider = self._provider(node)
        return diff_node(
            node,
            self._inputs(node, old, change),
            old,
            facts_of(node.type) if node.custom else None,
            provider_inputs=provider.inputs if provider is not None else None,
            provider_replaced=PROVIDER_REPLACED in change.replace_reasons and not _is_served_as_before(old, provider),
        )

    def state(self, node: Node, inputs: Mapping[str, Any], old: ResourceState | None) -> ResourceState:
        """The state of ``node`` with those inputs; id, outputs and birth are those of ``old``, where there is one."""
        options = node.options
        provider = self._provider(node)
        by_property = {
            name: tuple(sorted({self._urns[ref.node] for ref in references(value) if isinstance(ref, Ref)}))
            for name, value in node.inputs.items()
        }
        used = {urn for urns in by_property.values() for urn in urns}
        used |= {self._urns[key] for key in self._depended_on[node.key]}
        now = self._clock()
        return ResourceState(
            urn=self._urns[node.key],
            type=node.type,
            custom=node.custom,
            id=old.id if old is not None else None,
            inputs=inputs,
            outputs=old.outputs if old is not None else {},
            parent=self._urns[options.parent] if options.parent is not None else None,
            provider=_reference(provider) if provider is not None else None,
            dependencies=tuple(sorted(used)),
            property_dependencies={name: urns for name, urns in by_property.items() if urns},
            protect=options.protect,
            retain_on_delete=options.retain_on_delete,
            additional_secret_outputs=options.additional_secret_outputs,
            ignore_changes=options.ignore_changes,
            replace_on_changes=options.replace_on_changes,
            created=old.created if old is not None else now,
            modified=now,
        )

    def expected(self, node: Node) -> dict[str, Any]:
        """The inputs as far as they are known by now."""
        return {name: evaluate(value, self._lookup) for name, value in node.inputs.items()}

    def outputs(self, former: Mapping[str, Any]) -> dict[str, Any]:
        """The stack's outputs; one that needs a resource that failed keeps its former value."""
        found = {}
        for name, value in self._stack.outputs.items():
            evaluated = evaluate(value, self._lookup)
            if not contains_unknown(evaluated):
                found[name] = evaluated
            elif name in former:
                found[name] = former[name]
        return found

    def _provider(self, node: Node) -> ResourceState | None:
        key = node.options.provider
        return self._ledger.live(self._urns[key]) if key is not None else None

    def _inputs(self, node: Node, old: ResourceState | None, change: Change) -> dict[str, Any]:
        missing: list[Ref | StackOutput] = []

        def lookup(ref: Ref | StackOutput) -> Any:
            value = self._lookup(ref)
            if value is UNKNOWN:
                missing.append(ref)
            return value

        inputs = {}
        for name, value in node.inputs.items():
            evaluated = evaluate(value, lookup)
            if contains_unknown(evaluated) and change.op is Op.SAME and old is not None and name in old.inputs:
                evaluated = old.inputs[name]
                missing.clear()
            inputs[name] = evaluated
            if missing:
                raise Failed(self._wording.missing(self._urns[node.key], name, missing[0]))
        return inputs

    def _lookup(self, ref: Ref | StackOutput) -> Any:
        if isinstance(ref, StackOutput):
            return self._stack_outputs.get(ref.layer, {}).get(ref.name, UNKNOWN)
        urn = self._urns[ref.node]
        if ref.path == ("urn",):
            return urn
        state = self._ledger.live(urn)
        if state is None:
            return UNKNOWN
        if ref.path == ("id",):
            return UNKNOWN if state.id is None else state.id
        value = property_at(state.outputs, ref.path)
        if value is UNKNOWN:
            value = property_at(state.inputs, ref.path)
        if value is UNKNOWN and (state.id or "").startswith(RECORDED):
            return f"{state.id}.{'.'.join(map(str, ref.path))}"
        return value


def _is_served_as_before(old: ResourceState | None, provider: ResourceState | None) -> bool:
    """Whether the provider was kept after all: a preview replaces one whose settings it does not know yet."""
    return old is None or (provider is not None and old.provider == _reference(provider))


def _reference(provider: ResourceState) -> str:
    return f"{provider.urn}::{provider.id}"
