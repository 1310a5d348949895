"""The plan phase: compares a resource graph with a state, and says what an apply would do.

``diff_node`` decides for one resource and is what the local engine asks, too; ``plan_graph`` decides for a
whole system before anything is applied. The rules are those of Pulumi's engine and its providers, so that
the offline plan and ``pulumi preview`` agree:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, contains_unknown, evaluate
from mlops_iac.graph.nodes import LAYERS, Graph, Node, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value, references
from mlops_iac.plan.compare import Difference, differences
from mlops_iac.plan.model import Change, Kind, Op, Plan, PropertyChange, StackPlan
from mlops_iac.plan.outputs import Placeholders, planned_output
from mlops_iac.plan.paths import PropertyPath, format_property, parse_property, restore, touches
from mlops_iac.providers.facts import Replaces, TypeFacts, facts_of
from mlops_iac.state.snapshot import ResourceState, Snapshot

Facts = Callable[[str], TypeFacts | None]
"""Answers a type token with what is known of the type."""

Outputs = Mapping[str, Mapping[str, Any]]
"""Stack outputs by layer and name, evaluated."""

PROVIDER_REPLACED: Final = "provider"
"""The replace reason of a resource whose provider is replaced."""

_PROVIDERS: Final = "pulumi:providers:"
_ENGINE_TYPES: Final = frozenset({"pulumi:pulumi:Stack", "pulumi:pulumi:StackReference"})
"""Resources that Pulumi's engine and SDK put into a state by themselves: no program declares them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one resource. ``inputs`` are those to apply: ignored changes taken back, secrets
    marked."""

    op: Op
    inputs: Mapping[str, Any]
    diff: tuple[PropertyChange, ...] = ()
    replace_reasons: tuple[str, ...] = ()
    delete_before_replace: bool = False


def diff_node(
    node: Node,
    new_inputs: Mapping[str, Any],
    old: ResourceState | None,
    facts: TypeFacts | None,
    *,
    provider_inputs: Mapping[str, Any] | None = None,
    provider_replaced: bool = False,
    settled: Collection[str] = (),
) -> Decision:
    """Decide what happens to ``node``, whose evaluated inputs are ``new_inputs`` and whose state is ``old``.

    ``provider_inputs`` are the evaluated inputs of the node's explicit provider; a ``provider_replaced`` one
    replaces the resource. ``settled`` names the inputs whose unknown parts cannot have moved, since what
    they come from does not change: those parts count as equal.
    """
    inputs = _mark_secrets(new_inputs, facts)
    if old is None:
        return Decision(Op.CREATE, inputs)
    for pattern in node.options.ignore_changes:
        inputs = restore(inputs, old.inputs, parse_property(pattern))
    found = [
        difference
        for difference in differences(old.inputs, inputs)
        if not (difference.path[0] in settled and contains_unknown(difference.new))
    ]
    if not found and not provider_replaced:
        return Decision(Op.SAME, inputs)
    diff = tuple(_judge(node, difference, inputs, facts, provider_inputs or {}) for difference in found)
    reasons = tuple(change.path for change in diff if change.replaces)
    if provider_replaced:
        reasons = (PROVIDER_REPLACED, *reasons)
    if not reasons:
        return Decision(Op.UPDATE, inputs, diff)
    first = node.options.delete_before_replace or (facts is not None and facts.deletes_first(old.inputs, inputs))
    return Decision(Op.REPLACE, inputs, diff, reasons, first)


def plan_graph(graph: Graph, baseline: Mapping[str, Snapshot], text: str, facts: Facts = facts_of) -> Plan:
    """Compare a whole system with the snapshots of its stacks by project; ``text`` says in words what those
    are.

    A stack of the baseline that the graph no longer has is planned for deletion, last layer first.
    """
    outputs: dict[str, Mapping[str, Any]] = {}
    plans = []
    for stack in graph.stacks:
        plan = plan_stack(stack, baseline.get(stack.project), outputs, facts)
        outputs[stack.layer.value] = plan.outputs
        plans.append(plan)
    kept = {stack.project for stack in graph.stacks}
    gone = [snapshot for project, snapshot in sorted(baseline.items()) if project not in kept]
    for snapshot in sorted(gone, key=_layer_rank, reverse=True):
        deletes = tuple(_deletes(snapshot, frozenset()))
        if deletes:
            plans.append(StackPlan(_layer_of(snapshot), snapshot.project, snapshot.stack, deletes))
    return Plan(graph.system, graph.environment, text, tuple(plans))


def plan_stack(stack: Stack, snapshot: Snapshot | None, stack_outputs: Outputs, facts: Facts = facts_of) -> StackPlan:
    """Compare one layer with its state; ``stack_outputs`` are the planned outputs of earlier layers.

    Old copies that an interrupted replacement left behind are not part of the plan: deleting them carries out
    what an earlier plan had shown.
    """
    planner = _Planner(stack, snapshot, stack_outputs, facts)
    changes = [planner.plan(node) for node in stack.nodes]
    if snapshot is not None:
        changes.extend(_deletes(snapshot, frozenset(planner.matched)))
    return StackPlan(stack.layer.value, stack.project, stack.name, tuple(changes), planner.outputs())


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


@dataclass(frozen=True, slots=True)
class _Planned:
    """A node that has been decided, with what answers references to it."""

    node: Node
    urn: str
    decision: Decision
    old: ResourceState | None
    changed: frozenset[str]

    def moves(self) -> bool:
        """Whether its outputs may come out different from the state's."""
        return self.decision.op is not Op.SAME


@dataclass(slots=True)
class _Planner:
    """The decisions made so far in one stack; nodes are given in dependency order."""

    stack: Stack
    snapshot: Snapshot | None
    stack_outputs: Outputs
    facts: Facts
    live: dict[str, ResourceState] = field(init=False)
    planned: dict[NodeKey, _Planned] = field(default_factory=dict)
    qualified: dict[NodeKey, str] = field(default_factory=dict)
    former: dict[NodeKey, tuple[str, ...]] = field(default_factory=dict)
    matched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.live = self.snapshot.live() if self.snapshot is not None else {}

    def plan(self, node: Node) -> Change:
        """Decide ``node`` and remember the decision."""
        urn = self._urn(node)
        old = self._match(node, urn)
        inputs, settled = self._evaluate(node, old)
        provider = self.planned.get(node.options.provider) if node.options.provider is not None else None
        decision = diff_node(
            node,
            inputs,
            old,
            self.facts(node.type) if node.custom else None,
            provider_inputs=provider.decision.inputs if provider is not None else None,
            provider_replaced=provider is not None and old is not None and self._moved_away(provider, old),
            settled=settled,
        )
        changed = frozenset(str(parse_property(change.path)[0]) for change in decision.diff)
        self.planned[node.key] = _Planned(node, urn, decision, old, changed)
        parent = self.planned.get(node.options.parent) if node.options.parent is not None else None
        return Change(
            op=decision.op,
            urn=urn,
            type=node.type,
            name=node.name,
            custom=node.custom,
            parent=parent.urn if parent is not None else None,
            old=old.inputs if old is not None else None,
            new=decision.inputs,
            diff=decision.diff,
            replace_reasons=decision.replace_reasons,
            delete_before_replace=decision.delete_before_replace,
            protect=node.options.protect if old is None else old.protect,
            retain=node.options.retain_on_delete if old is None else old.retain_on_delete,
            old_urn=old.urn if old is not None and old.urn != urn else None,
            component=node.component,
            source=node.source,
        )

    def outputs(self) -> dict[str, Any]:
        """The stack's planned outputs; one that cannot have moved falls back to what is deployed."""
        deployed = self.snapshot.outputs if self.snapshot is not None else {}
        found = {}
        for name, value in self.stack.outputs.items():
            planned = evaluate(value, self._lookup)
            if contains_unknown(planned) and name in deployed and not self._may_move(value):
                planned = deployed[name]
            found[name] = planned
        return found

    def _evaluate(self, node: Node, old: ResourceState | None) -> tuple[dict[str, Any], set[str]]:
        inputs = {name: evaluate(value, self._lookup) for name, value in node.inputs.items()}
        if old is None:
            return inputs, set()
        settled = {
            name
            for name, value in inputs.items()
            if contains_unknown(value) and self._cannot_have_moved(node.inputs[name], name, old)
        }
        return inputs, settled

    def _lookup(self, ref: Ref | StackOutput) -> Any:
        if isinstance(ref, StackOutput):
            return self.stack_outputs.get(ref.layer, {}).get(ref.name, UNKNOWN)
        source = self.planned.get(ref.node)
        if source is None:
            return UNKNOWN
        if ref.path == ("urn",):
            return source.urn
        decision = source.decision
        value = planned_output(decision.op, decision.inputs, source.changed, source.old, ref.path)
        if ref.path[0] in source.node.options.additional_secret_outputs and value is not UNKNOWN:
            return value if isinstance(value, SecretValue) else SecretValue(value)
        return value

    def _may_move(self, value: Value) -> bool:
        return any(
            isinstance(ref, StackOutput) or ref.node not in self.planned or self.planned[ref.node].moves()
            for ref in references(value)
        )

    def _cannot_have_moved(self, value: Value, name: str, old: ResourceState) -> bool:
        """Whether the unknown parts of an input come from unchanged resources that it came from before, too.

        A state that lacks an output (a provider may leave one out) must not turn into a change.
        """
        if self._may_move(value):
            return False
        before = old.property_dependencies.get(name, ())
        return all(self.planned[ref.node].urn in before for ref in references(value) if isinstance(ref, Ref))

    def _moved_away(self, provider: _Planned, old: ResourceState) -> bool:
        """Whether the resource's provider is another one than before, in a way that replaces what it
        manages."""
        if provider.decision.op is Op.REPLACE:
            return True
        before = old.provider.rpartition("::")[0] if old.provider is not None else provider.urn
        if before in (provider.urn, provider.old.urn if provider.old is not None else None):
            return False
        former, node = self.live.get(before), provider.node
        if former is None or former.type != node.type:
            return True
        return diff_node(node, provider.decision.inputs, former, self.facts(node.type)).op is Op.REPLACE

    def _urn(self, node: Node) -> str:
        return self._compose(self._qualified_type(node), node.name)

    def _compose(self, qualified: str, name: str) -> str:
        return f"urn:pulumi:{self.stack.name}::{self.stack.project}::{qualified}::{name}"

    def _qualified_type(self, node: Node) -> str:
        parent = node.options.parent
        found = node.type if parent is None else f"{self.qualified[parent]}${node.type}"
        self.qualified[node.key] = found
        return found

    def _match(self, node: Node, urn: str) -> ResourceState | None:
        former = self._former_urns(node)
        self.former[node.key] = former
        for candidate in (urn, *former):
            if candidate in self.live and candidate not in self.matched:
                self.matched.add(candidate)
                return self.live[candidate]
        return None

    def _former_urns(self, node: Node) -> tuple[str, ...]:
        """Every URN that ``node`` may have had: its aliases, and what its parents' aliases imply.

        An alias is a URN, or a former name under the same parent. A child whose name starts with its parent's
        name had the parent's former name in front, as Pulumi's SDKs hold.
        """
        parent = node.options.parent
        names = (node.name, *(alias for alias in node.options.aliases if not alias.startswith("urn:")))
        found = [alias for alias in node.options.aliases if alias.startswith("urn:")]
        found += [self._compose(self.qualified[node.key], name) for name in names[1:]]
        for urn in self.former.get(parent, ()) if parent is not None else ():
            _, _, qualified, former_name = urn.split("::", 3)
            for name in names:
                tail = name.removeprefix(parent.name) if parent is not None else name
                renamed = former_name + tail if tail != name else name
                found.append(self._compose(f"{qualified}${node.type}", renamed))
        return tuple(found)


def _judge(
    node: Node,
    difference: Difference,
    inputs: Mapping[str, Any],
    facts: TypeFacts | None,
    provider_inputs: Mapping[str, Any],
) -> PropertyChange:
    """One difference as a property change: does it replace the resource, and is it secret?"""
    path, kind, old, new = difference
    verdict = Replaces.NEVER
    if facts is not None:
        verdicts = {facts.replaced_by(leaf) for leaf in (*_leaves(old, path), *_leaves(new, path))}
        verdict = next((v for v in (Replaces.ALWAYS, Replaces.MAYBE) if v in verdicts), Replaces.NEVER)
        if facts.is_secret(path):
            old, new = _secret(old), _secret(new)
    verdict = _condition(node.type, difference, inputs, provider_inputs) or verdict
    if any(touches(parse_property(pattern), path) for pattern in node.options.replace_on_changes):
        verdict = Replaces.ALWAYS
    return PropertyChange(format_property(path), kind, old, new, verdict is Replaces.ALWAYS, verdict is Replaces.MAYBE)


def _leaves(value: Any, path: PropertyPath) -> Iterator[PropertyPath]:
    """The paths of the single values inside ``value``: an object that appears as a whole may hold one that
    replaces."""
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    empty = True
    for key, member in members:
        empty = False
        yield from _leaves(member, (*path, key))
    if empty:
        yield path


def _condition(
    type: str, difference: Difference, inputs: Mapping[str, Any], provider_inputs: Mapping[str, Any]
) -> Replaces | None:
    """The verdict where it depends on more than the property: a switch of the provider, or being unknown.

    Sources: `forceNewProperties` and `DiffConfig` in
    https://github.com/pulumi/pulumi-kubernetes/tree/master/provider/pkg/provider, and
    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support (the
    provider's region moves every resource).
    """
    path = difference.path
    switch = {
        "kubernetes:core/v1:ConfigMap": "enableConfigMapMutable",
        "kubernetes:core/v1:Secret": "enableSecretMutable",
    }.get(type)
    if switch is not None and path[0] in ("binaryData", "data", "stringData"):
        editable = provider_inputs.get(switch) in (True, "true") and inputs.get("immutable") is not True
        return Replaces.NEVER if editable else Replaces.ALWAYS
    if type in ("pulumi:providers:aws", "pulumi:providers:aws-native") and path == ("region",):
        return Replaces.ALWAYS
    if type == "pulumi:providers:kubernetes" and path[0] in ("kubeconfig", "context", "cluster"):
        if inputs.get("clusterIdentifier"):
            return Replaces.NEVER
        # Another kubeconfig may mean another cluster; while it is unknown the provider assumes that it does.
        return Replaces.ALWAYS if contains_unknown(difference.new) else Replaces.MAYBE
    if type == "pulumi:providers:kubernetes" and path == ("clusterIdentifier",):
        # Saying for the first time which cluster it is moves nothing.
        return Replaces.ALWAYS if difference.kind is Kind.UPDATE else Replaces.NEVER
    return None


def _mark_secrets(inputs: Mapping[str, Any], facts: TypeFacts | None) -> Mapping[str, Any]:
    """``inputs`` with the properties that the type declares secret marked so, as Pulumi's SDKs mark them."""
    names = [name for name in facts.secrets if inputs.get(name) is not None] if facts is not None else []
    return {**inputs, **{name: _secret(inputs[name]) for name in names}} if names else inputs


def _secret(value: Any) -> Any:
    return value if value is None or value is UNKNOWN or isinstance(value, SecretValue) else SecretValue(value)


def _deletes(snapshot: Snapshot, kept: frozenset[str]) -> Iterator[Change]:
    """A delete for every live resource that is not in ``kept``, users before what they use."""
    for resource in reversed(snapshot.resources):
        if resource.delete or resource.urn in kept or resource.external or _belongs_to_engine(resource):
            continue
        yield Change(
            op=Op.DELETE,
            urn=resource.urn,
            type=resource.type,
            name=resource.urn.rpartition("::")[2],
            custom=resource.custom,
            parent=resource.parent,
            old=resource.inputs,
            protect=resource.protect,
            retain=resource.retain_on_delete,
        )


def _belongs_to_engine(resource: ResourceState) -> bool:
    name = resource.urn.rpartition("::")[2]
    default_provider = resource.type.startswith(_PROVIDERS) and name.startswith("default")
    return resource.type in _ENGINE_TYPES or default_provider


def _pretend(stack: Stack, index: Mapping[NodeKey, Node], stack_outputs: Outputs) -> tuple[Snapshot, dict[str, Any]]:
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
        return _secret(value) if secret else value

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
        inputs=_mark_secrets(inputs, facts),
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


def _layer_of(snapshot: Snapshot) -> str:
    return snapshot.project.rpartition("-")[2]


def _layer_rank(snapshot: Snapshot) -> int:
    names = [layer.value for layer in LAYERS]
    layer = _layer_of(snapshot)
    return names.index(layer) if layer in names else len(names)
