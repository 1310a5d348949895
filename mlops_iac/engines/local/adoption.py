"""Takes what exists already into a stack's state: reads it by its id, and thinks the state that would come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.local.calls import provider_of
from mlops_iac.engines.local.declared import Declared, StackOutputs, provider_id
from mlops_iac.engines.local.failures import Wording
from mlops_iac.engines.local.provider import Found, ProviderError, ProviderFactory
from mlops_iac.engines.local.values import marked_like, plain, with_secrets
from mlops_iac.graph.evaluate import contains_unknown
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.plan.adoption import ALREADY_MANAGED, NOT_FOUND, NOT_READY, Adopted, Wanted, with_ancestors
from mlops_iac.plan.diff import plan_stack
from mlops_iac.plan.model import Change, Op
from mlops_iac.state.edits import End, Working, needed_urns
from mlops_iac.state.snapshot import ResourceState, Snapshot


@dataclass(frozen=True, slots=True)
class StackAdoption:
    """What an adoption puts into one stack's state, and what the stack then exports."""

    put: tuple[ResourceState, ...]
    outputs: Mapping[str, Any]
    resources: tuple[Adopted, ...]
    known: tuple[Wanted, ...]
    failures: tuple[Diagnostic, ...]


def adopt_stack(
    stack: Stack,
    snapshot: Snapshot,
    stack_outputs: StackOutputs,
    wanted: Mapping[str, Wanted],
    factory: ProviderFactory,
    clock: Callable[[], str],
) -> StackAdoption:
    """Read the ``wanted`` resources (by URN) of a stack whose state is ``snapshot``. Writes nothing."""
    return _Adopter(stack, snapshot, stack_outputs, wanted, factory, clock).result()


class _Adopter:
    def __init__(
        self,
        stack: Stack,
        snapshot: Snapshot,
        stack_outputs: StackOutputs,
        wanted: Mapping[str, Wanted],
        factory: ProviderFactory,
        clock: Callable[[], str],
    ) -> None:
        self._stack = stack
        self._outputs = stack_outputs
        self._wanted = wanted
        self._factory = factory
        self._working = Working(snapshot)
        plan = plan_stack(stack, snapshot, stack_outputs)
        self._urns = {node.key: change.urn for node, change in zip(stack.nodes, plan.changes, strict=False)}
        self._changes: dict[str, Change] = {change.urn: change for change in plan.changes}
        nodes = {self._urns[node.key]: node for node in stack.nodes}
        self._declared = Declared(stack, self._urns, stack_outputs, self._working, clock, Wording(nodes))
        self._put: dict[str, ResourceState] = {}
        self._known: list[Wanted] = []
        self._failures = list(_unsettled(snapshot, wanted.values()))
        if not self._failures:
            self._take_all()

    def result(self) -> StackAdoption:
        """What came of it; where something failed, nothing is put."""
        if self._failures:
            return StackAdoption((), {}, (), tuple(self._known), tuple(self._failures))
        snapshot = self._working.snapshot()
        outputs = self._declared.outputs(snapshot.outputs)
        after = plan_stack(self._stack, replace(snapshot, outputs=outputs), self._outputs)
        adopted = tuple(
            _adopted(self._wanted[change.urn], self._put[change.urn], change)
            for change in after.changes
            if change.urn in self._wanted and change.urn in self._put
        )
        return StackAdoption(tuple(self._put.values()), outputs, adopted, tuple(self._known), ())

    def _take_all(self) -> None:
        needed = with_ancestors(self._stack, [item.node for item in self._wanted.values()])
        for node in self._stack.nodes:
            urn = self._urns[node.key]
            wanted = self._wanted.get(urn)
            if node.key not in needed:
                continue
            if self._changes[urn].old_urn is not None:
                text = f"{node.name} was renamed and that was not applied yet"
                self._fail(urn, NOT_READY, text, "apply the rename first: `mlops-iac up`")
            elif (live := self._working.live(urn)) is not None:
                if wanted is not None:
                    self._already(wanted, live)
            elif wanted is not None:
                self._read(node, wanted)
            else:
                self._belonging(node)

    def _already(self, wanted: Wanted, live: ResourceState) -> None:
        if wanted.id in (live.id, live.import_id):
            self._known.append(wanted)
            return
        text = f"it is in the state already, as {live.id}"
        hint = f"`mlops-iac state delete {self._stack.layer} {wanted.node.name}` takes it out and leaves it running"
        self._failures.append(wanted.diagnostic(ALREADY_MANAGED, text, hint))

    def _belonging(self, node: Node) -> None:
        """A component or a provider: it exists in the state only."""
        inputs = self._declared.expected(node)
        unknown = sorted(name for name, value in inputs.items() if contains_unknown(value))
        if unknown and node.custom:
            for item in self._wanted.values():
                text = f"its provider {node.name} needs {', '.join(unknown)}, which is not known yet"
                hint = "adopt or apply first what that comes from"
                self._failures.append(item.diagnostic(NOT_READY, text, hint))
            return
        state = self._declared.state(node, {name: value for name, value in inputs.items() if name not in unknown}, None)
        if node.custom:
            state = replace(state, id=provider_id(state.urn, state.inputs), outputs=state.inputs)
        self._keep(state)

    def _read(self, node: Node, wanted: Wanted) -> None:
        expected = self._declared.expected(node)
        known = {name: value for name, value in expected.items() if not contains_unknown(value)}
        state = self._declared.state(node, known, None)
        if state.provider is None and node.options.provider is not None:
            return
        try:
            found = self._find(state, wanted.id, expected.keys() - known.keys())
        except ProviderError as error:
            hint = "nothing was recorded; `mlops-iac import --template` shows what an id looks like"
            self._failures.append(wanted.diagnostic(NOT_FOUND, f"{wanted.id}: {error}", hint))
            return
        if found is None:
            text = f"there is none with the id {wanted.id}"
            self._failures.append(wanted.diagnostic(NOT_FOUND, text, "nothing was recorded; correct the id"))
            return
        taken = [item for item in self._working.resources() if (item.type, item.id) == (state.type, found.id)]
        if taken:
            text = f"{found.id} is in the state already, as {taken[0].urn}"
            self._failures.append(wanted.diagnostic(ALREADY_MANAGED, text, "one thing is one resource"))
            return
        inputs = marked_like(found.inputs, known)
        read = replace(state, id=found.id, inputs=inputs, import_id=wanted.id)
        self._keep(replace(read, outputs=with_secrets(found.outputs, read)))

    def _find(self, state: ResourceState, id: str, unknown: set[str]) -> Found | None:
        provider = provider_of(state, self._working, self._factory)
        found = provider.adopt(state.urn, state.type, id, plain(state.inputs))
        if found is None or not unknown:
            return found
        # What it is to be is not known there, so what it is now is taken as it is reported.
        all_of_it = provider.adopt(state.urn, state.type, id, {})
        told = {name: value for name, value in all_of_it.inputs.items() if name in unknown} if all_of_it else {}
        return replace(found, inputs={**found.inputs, **told})

    def _keep(self, state: ResourceState) -> None:
        """Put a state, without what it names and the state does not hold."""
        held = {urn for urn in needed_urns(state) if self._working.live(urn) is not None}
        by_property = {
            name: tuple(urn for urn in urns if urn in held) for name, urns in state.property_dependencies.items()
        }
        kept = replace(
            state,
            dependencies=tuple(urn for urn in state.dependencies if urn in held),
            property_dependencies={name: urns for name, urns in by_property.items() if urns},
        )
        self._put[kept.urn] = kept
        self._working.apply(End(self._working.next_ticket(), (kept,)))

    def _fail(self, urn: str, code: str, text: str, hint: str) -> None:
        asked = [self._wanted[urn]] if urn in self._wanted else list(self._wanted.values())[:1]
        self._failures += [item.diagnostic(code, text, hint) for item in asked]


def _adopted(wanted: Wanted, state: ResourceState, change: Change) -> Adopted:
    replaced = change.replace_reasons if change.op is Op.REPLACE else ()
    return Adopted(wanted, state.id or "", change.to_read, replaced)


def _unsettled(snapshot: Snapshot, wanted: Iterable[Wanted]) -> Iterator[Diagnostic]:
    if snapshot.pending:
        text = f"an earlier run of {snapshot.project} was interrupted, and what became of it is not settled"
        hint = "`mlops-iac refresh` settles it; then import again"
        yield from (item.diagnostic(NOT_READY, text, hint) for item in list(wanted)[:1])
