"""The plan phase: compares a resource graph with a state, and says what an apply would do.

``plan_graph`` asks ``decision.diff_node`` about every resource, in dependency order and with what is known of the
outputs before anything is applied, so that the offline plan and ``pulumi preview`` agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, contains_unknown, evaluate, one_secret
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Node, Stack, layer_of
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value, references
from mlops_iac.plan.decision import Decision, Facts, diff_node, mark_secrets
from mlops_iac.plan.dependents import deleted_along
from mlops_iac.plan.model import Change, Op, Plan, StackPlan
from mlops_iac.plan.outputs import planned_output
from mlops_iac.plan.paths import parse_property
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.checkpoint import STACK_REFERENCE, STACK_TYPE
from mlops_iac.state.snapshot import ResourceState, Snapshot

Outputs = Mapping[str, Mapping[str, Any]]
"""Stack outputs by layer and name, evaluated."""

_PROVIDERS: Final = "pulumi:providers:"
_ENGINE_TYPES: Final = frozenset({STACK_TYPE, STACK_REFERENCE})
"""Resources that Pulumi's engine and SDK put into a state by themselves: no program declares them."""


def plan_graph(
    graph: Graph,
    baseline: Mapping[str, Snapshot],
    text: str,
    facts: Facts = facts_of,
    only: Collection[Layer] = LAYERS,
) -> Plan:
    """Compare a system with the snapshots of its stacks by project; ``text`` says in words what those are.

    A stack of the baseline that the graph no longer has is planned for deletion, last layer first. Layers that are not
    among ``only`` are not planned: what they export is what the baseline says.
    """
    outputs: dict[str, Mapping[str, Any]] = {}
    plans = []
    for stack in graph.stacks:
        if stack.layer not in only:
            deployed = baseline.get(stack.project)
            outputs[stack.layer.value] = deployed.outputs if deployed is not None else {}
            continue
        plan = plan_stack(stack, baseline.get(stack.project), outputs, facts)
        outputs[stack.layer.value] = plan.outputs
        plans.append(plan)
    kept = {stack.project for stack in graph.stacks}
    gone = [
        snapshot
        for project, snapshot in sorted(baseline.items())
        if project not in kept and (layer_of(project) or LAYERS[-1]) in only
    ]
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


@dataclass(frozen=True, slots=True)
class _Planned:
    """A node that has been decided, with what answers references to it."""

    node: Node
    urn: str
    decision: Decision
    old: ResourceState | None
    changed: frozenset[str]

    def known_as(self, urns: Collection[str]) -> bool:
        """Whether one of the URNs is its own, now or in the state: a renamed resource is the same one."""
        return self.urn in urns or (self.old is not None and self.old.urn in urns)

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
    along: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """By URN in the state: what a resource that is still to be planned goes along with, and why."""

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
        goes_with, forced = self.along.pop(old.urn, (None, ())) if old is not None else (None, ())
        if goes_with is not None:
            wanted = mark_secrets(inputs, self.facts(node.type) if node.custom else None)
            decision = Decision(Op.REPLACE, wanted, decision.diff, forced, True, decision.shown)
        takes_along = self._take_along(urn, old, decision) if goes_with is None else ()
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
            shown=decision.shown,
            replace_reasons=decision.replace_reasons,
            delete_before_replace=decision.delete_before_replace,
            protect=_protects(node, old, decision, forced=goes_with is not None),
            retain=node.options.retain_on_delete if old is None else old.retain_on_delete,
            old_urn=old.urn if old is not None and old.urn != urn else None,
            goes_with=goes_with,
            takes_along=takes_along,
            component=node.component,
            source=node.source,
            set_by_policy=node.set_by_policy,
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

    def _take_along(self, urn: str, old: ResourceState | None, decision: Decision) -> tuple[str, ...]:
        """Note what has to be deleted before ``old`` is, and answer it in the order of deletion."""
        if old is None or self.snapshot is None or not (decision.op is Op.REPLACE and decision.delete_before_replace):
            return ()
        found = deleted_along(old.urn, self.snapshot.resources, self.matched, self.facts)
        doomed = {name: reasons for name, reasons in found.items() if name not in self.along}
        self.along.update({name: (urn, reasons) for name, reasons in doomed.items()})
        return tuple(reversed(doomed))

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
            return one_secret(value)
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
        return all(self.planned[ref.node].known_as(before) for ref in references(value) if isinstance(ref, Ref))

    def _moved_away(self, provider: _Planned, old: ResourceState) -> bool:
        """Whether the resource's provider is another one than before, in a way that replaces what it
        manages."""
        before = old.provider.rpartition("::")[0] if old.provider is not None else provider.urn
        if before != provider.urn and provider.known_as((before,)):
            # Pulumi takes a provider that is known by an alias for the same one, also where it is replaced.
            return False
        if provider.decision.op is Op.REPLACE:
            return True
        if before == provider.urn:
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


def _protects(node: Node, old: ResourceState | None, decision: Decision, *, forced: bool) -> bool:
    """Whether protection stands against the change. To take it away and replace in one run is allowed, as in
    Pulumi; but not what a replacement of something else would take along."""
    if old is None or decision.op is not Op.REPLACE:
        return node.options.protect
    return old.protect and (forced or node.options.protect)


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


def _layer_of(snapshot: Snapshot) -> str:
    return snapshot.project.rpartition("-")[2]


def _layer_rank(snapshot: Snapshot) -> int:
    names = [layer.value for layer in LAYERS]
    layer = _layer_of(snapshot)
    return names.index(layer) if layer in names else len(names)
