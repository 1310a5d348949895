"""Shows the compiled graph to policies: inputs evaluated as far as they are known before anything is deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from mlops_iac.graph.evaluate import UNKNOWN, evaluate
from mlops_iac.graph.nodes import Graph, Node
from mlops_iac.graph.values import (
    Join,
    NodeKey,
    Ref,
    StackOutput,
    ToBase64,
    ToJson,
    Value,
    origins,
)
from mlops_iac.policies.policy import Limits, ResourceView, StackView, SystemView, view
from mlops_iac.spec.system import System

_PLAIN: Final = (str, bool, int, float, type(None))


def view_graph(graph: Graph, system: System, today: str = "") -> StackView:
    """Every resource of every layer, components left out."""
    nodes = {node.key: node for node in graph.nodes()}
    exports = graph.exports()
    urns = {node.key: stack.urn(node, nodes) for stack in graph.stacks for node in stack.nodes}
    scope = _Scope(nodes, exports, urns)
    return StackView(tuple(scope.view(node) for node in graph.nodes() if node.custom), view_system(system, today))


def view_system(system: System, today: str = "") -> SystemView:
    """The intent that policies may read."""
    core = system.core
    longest = core.policies.max_log_retention
    declared: dict[str, dict[str, Any]] = {}
    for instance in system.instances:
        declared.setdefault(instance.kind, {})[instance.name] = msgspec.to_builtins(instance.spec, enc_hook=str)
    return SystemView(
        name=core.system.name,
        environment=core.env.name,
        risk_class=core.system.risk_class,
        region=core.cloud.region,
        account=core.cloud.account,
        owner=core.system.owner,
        purpose=core.system.purpose,
        regulations=tuple(core.system.regulations),
        approval=core.env.approval,
        limits=Limits(
            regions=tuple(core.policies.allowed_regions) or (core.cloud.region,),
            registries=tuple(core.policies.allowed_registries),
            accounts=tuple(core.policies.allowed_accounts),
            instance_types=tuple(core.policies.allowed_instance_types),
            gpu_nodes=core.policies.max_gpu_nodes,
            endpoint_instances=core.policies.max_endpoint_instances,
            training_hours=core.policies.max_training_time.seconds // 3600,
            log_days=core.policies.min_log_retention.seconds // 86400,
            most_log_days=longest.seconds // 86400 if longest else None,
            tags=tuple(core.policies.required_tags),
        ),
        declared=declared,
        today=today,
    )


class _Sources(Mapping[str, frozenset[str]]):
    """The URNs that each input comes from, found when somebody asks: most inputs nobody asks about."""

    __slots__ = ("_find", "_found", "_inputs")

    def __init__(self, inputs: Mapping[str, Value], find: Callable[[Value], frozenset[str]]) -> None:
        self._inputs = inputs
        self._find = find
        self._found: dict[str, frozenset[str]] = {}

    def __getitem__(self, name: str) -> frozenset[str]:
        urns = self._found.get(name)
        if urns is None:
            urns = self._found[name] = self._find(self._inputs[name])
        if not urns:
            raise KeyError(name)
        return urns

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._inputs if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Scope:
    """Resolves references of one graph; a resource's outputs are known where they repeat one of its inputs."""

    def __init__(
        self,
        nodes: Mapping[NodeKey, Node],
        exports: Mapping[tuple[str, str], Value],
        urns: Mapping[NodeKey, str],
    ) -> None:
        self._nodes = nodes
        self._exports = exports
        self._urns = urns

    def view(self, node: Node) -> ResourceView:
        return view(
            self._urns[node.key],
            node.type,
            node.name,
            {name: self._evaluate(value) for name, value in node.inputs.items()},
            sources=_Sources(node.inputs, self._sources),
            protect=node.options.protect,
            retain_on_delete=node.options.retain_on_delete,
            component=node.component,
            location=node.source,
        )

    def _evaluate(self, value: Value) -> Any:
        # Plain values first and abstract types last: asking whether something is a Mapping costs more than the rest.
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, dict):
            return {key: self._evaluate(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._evaluate(item) for item in value]
        if isinstance(value, (Join, ToJson, ToBase64)):
            return evaluate(value, self._readable)
        if isinstance(value, Mapping):
            return {key: self._evaluate(item) for key, item in value.items()}
        return evaluate(value, self._known)

    def _known(self, reference: Ref | StackOutput) -> Any:
        target = self._target(reference)
        if not isinstance(target, Ref):
            return UNKNOWN if target is None else self._evaluate(target)
        given = self._nodes[target.node].inputs.get(str(target.path[0])) if len(target.path) == 1 else None
        return UNKNOWN if given is None else self._evaluate(given)

    def _readable(self, reference: Ref | StackOutput) -> Any:
        known = self._known(reference)
        if known is not UNKNOWN:
            return known
        target = self._target(reference)
        if isinstance(target, Ref):
            return f"unknown:{target.node.name}.{'.'.join(map(str, target.path))}"
        return "unknown:output"

    def _target(self, reference: Ref | StackOutput) -> Value:
        if isinstance(reference, StackOutput):
            value = self._exports.get((reference.layer, reference.name))
            return self._target(value) if isinstance(value, Ref | StackOutput) else value
        return reference

    def _sources(self, value: Value) -> frozenset[str]:
        if isinstance(value, _PLAIN):
            return frozenset()
        return frozenset(self._urns[origin.node] for origin in origins(value, self._exports))
