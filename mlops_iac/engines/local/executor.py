"""Carries a stack's plan out: creates, updates and replaces by dependency, then deletes in reverse.

Each resource is decided again with its real inputs by the same ``diff_node`` that made the preview. The rules are
those of Pulumi's engine: https://www.pulumi.com/docs/iac/concepts/how-pulumi-works/#creation-and-deletion-order
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import EventKind, Resolution, StackResult
from mlops_iac.engines.local.calls import Calls, calls_a_provider, provider_of
from mlops_iac.engines.local.declared import Declared, StackOutputs, provider_id
from mlops_iac.engines.local.deletion import delete_unwanted
from mlops_iac.engines.local.failures import Failed, Wording
from mlops_iac.engines.local.progress import Progress
from mlops_iac.engines.local.provider import ProviderFactory
from mlops_iac.engines.local.recovery import resolve_pending
from mlops_iac.engines.local.settings import DEFAULTS, Settings
from mlops_iac.engines.local.store import Ledger, Store
from mlops_iac.engines.local.values import with_secrets
from mlops_iac.engines.schedule import run_in_order
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.graph.ordering import waits
from mlops_iac.graph.values import StackOutput, references
from mlops_iac.plan.decision import Decision
from mlops_iac.plan.dependents import deleted_along
from mlops_iac.plan.diff import plan_stack
from mlops_iac.plan.model import Change, Op, PropertyChange
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.edits import key_of, needed_urns
from mlops_iac.state.snapshot import ResourceState


def apply_stack(
    stack: Stack,
    stack_outputs: StackOutputs,
    factory: ProviderFactory,
    store: Store,
    settings: Settings = DEFAULTS,
) -> StackResult:
    """Bring what is deployed to what ``stack`` declares; a stack without nodes deletes everything.

    ``stack_outputs`` are those of the layers before it. A failing resource stops only what depends on it. Raises
    ``DiagnosticsError`` before any change when the state is damaged, an interrupted operation cannot be settled,
    a protected resource would be deleted or replaced, something would be done that was not reviewed, or another layer
    does not export what is read from it; and at any time when the state cannot be written.
    """
    ledger = store.open(stack.project, stack.name)
    progress = Progress(settings.on_event, settings.monotonic)
    try:
        resolved = resolve_pending(ledger, lambda resource: provider_of(resource, ledger, factory))
        for item in resolved:
            progress.resolved(item)
        run = _Run(stack, stack_outputs, factory, store.clock, ledger, progress, settings)
        stopped = run.carry_out()
    except BaseException:
        with suppress(DiagnosticsError):
            ledger.close()
        raise
    return _result(stack, ledger, progress, resolved, stopped=stopped)


def _result(
    stack: Stack, ledger: Ledger, progress: Progress, resolved: tuple[Resolution, ...], *, stopped: bool
) -> StackResult:
    return StackResult(
        stack.project,
        stack.name,
        ledger.close(),
        tuple(progress.done),
        progress.same,
        tuple(progress.failures),
        dict(sorted(progress.skipped.items())),
        resolved,
        stopped=stopped,
    )


class _Run:
    """One apply of one stack, planned when it is made."""

    def __init__(
        self,
        stack: Stack,
        stack_outputs: StackOutputs,
        factory: ProviderFactory,
        clock: Callable[[], str],
        ledger: Ledger,
        progress: Progress,
        settings: Settings,
    ) -> None:
        state = ledger.snapshot()
        plan = plan_stack(stack, state, stack_outputs)
        self._stack = stack
        self._before = state.resources
        self._ledger = ledger
        self._progress = progress
        self._settings = settings
        self._urns = {node.key: change.urn for node, change in zip(stack.nodes, plan.changes, strict=False)}
        self._nodes = {self._urns[node.key]: node for node in stack.nodes}
        self._changes = {change.urn: change for change in plan.changes}
        self._needs = self._waits()
        wording = Wording(self._nodes)
        self._wording = wording
        self._calls = Calls(ledger, factory, wording)
        self._declared = Declared(stack, self._urns, stack_outputs, ledger, clock, wording)
        self._renaming = threading.Lock()
        self._deleting_first = threading.Lock()
        live = state.live()
        refused = [change.urn for change in plan.changes if change.protect and change.op in (Op.DELETE, Op.REPLACE)]
        refused += [
            urn
            for change in plan.changes
            for urn in change.takes_along
            if live[urn].protect and urn not in self._changes
        ]
        if refused:
            raise DiagnosticsError(wording.protected(urn) for urn in refused)
        missing = [*_not_exported(stack, stack_outputs)]
        if missing:
            raise DiagnosticsError(
                wording.missing(self._urns[node.key], name, output) for node, name, output in missing
            )
        if settings.reviewed is not None:
            objections = settings.reviewed.objections(plan.changes)
            if objections:
                raise DiagnosticsError(wording.not_planned(urn, text) for urn, text in objections.items())

    def carry_out(self) -> bool:
        """Apply, delete, and set the stack's outputs; answers whether the run was stopped."""
        outcome = run_in_order(
            self._needs,
            self._step,
            parallel=self._settings.parallel,
            cancelled=self._settings.cancelled,
        )
        for urn, cause in outcome.skipped.items():
            self._progress.skip(urn, self._changes[urn].op, f"it depends on {parse_urn(cause).name}, which failed")
        if outcome.stopped:
            return True
        undeclared = {change.urn for change in self._changes.values() if change.op is Op.DELETE}
        resources = self._ledger.snapshot().resources
        if delete_unwanted(self._before, resources, undeclared, self._calls, self._progress, self._settings):
            return True
        if self._stack.nodes or not self._progress.failures:
            # What is left of a layer that could not be destroyed keeps its outputs.
            self._ledger.set_outputs(self._declared.outputs(self._ledger.snapshot().outputs))
        return False

    def _waits(self) -> dict[str, set[str]]:
        """The URNs that each declared resource waits for; what is deleted along with another waits for that one."""
        needs = {self._urns[key]: {self._urns[other] for other in others} for key, others in waits(self._stack).items()}
        for urn, others in needs.items():
            root = self._changes[urn].goes_with
            if root is not None:
                others.add(root)
        return needs

    def _step(self, urn: str) -> bool:
        change = self._changes[urn]
        started = self._progress.start()
        try:
            self._bring_about(self._nodes[urn], change, started)
        except Failed as failed:
            self._progress.fail(change.op, urn, started, failed.diagnostic)
            return False
        return True

    def _bring_about(self, node: Node, change: Change, started: float) -> None:
        urn = change.urn
        old = self._renamed(change)
        decision = self._declared.decide(node, old, change)
        self._refuse_unreviewed(urn, decision.op, decision.diff)
        wanted = self._declared.state(node, decision.inputs, old)
        if decision.op is Op.REPLACE and not _is_gone(old) and _protects(node, old):
            raise Failed(self._wording.protected(urn))
        if not calls_a_provider(wanted):
            self._settle(wanted, decision, old)
            return
        if decision.op is Op.SAME:
            self._keep(replace(wanted, outputs=with_secrets(wanted.outputs, wanted)), old)
            self._progress.unchanged()
            return
        self._calls.check(wanted, old)
        refused = self._settings.refusal(urn, wanted.inputs)
        if refused is not None:
            raise Failed(refused)
        self._progress.emit(EventKind.STARTED, decision.op, urn)
        if decision.op is Op.UPDATE:
            assert old is not None
            recorded = self._calls.update(wanted, old)
        else:
            if old is not None and decision.delete_before_replace:
                self._delete_first(urn, old)
                old = None
            recorded = self._calls.create(self._declared.state(node, decision.inputs, None), old)
        self._progress.finish(decision.op, urn, started, recorded)

    def _renamed(self, change: Change) -> ResourceState | None:
        """The state to go on from; where an alias matched, everything that names the old URN names the new one."""
        if change.old_urn is None:
            return self._ledger.live(change.urn)
        with self._renaming:
            old = self._ledger.live(change.old_urn)
            if old is None:
                return self._ledger.live(change.urn)
            users = [item for item in self._ledger.snapshot().resources if change.old_urn in needed_urns(item)]
            renamed = [_rename(item, change.old_urn, change.urn) for item in users]
            moved = replace(old, urn=change.urn)
            self._ledger.edit(put=(moved, *renamed), drop=(key_of(old),))
            return moved

    def _settle(self, wanted: ResourceState, decision: Decision, old: ResourceState | None) -> None:
        """Components and provider resources exist in the state only."""
        if not wanted.custom:
            self._keep(replace(wanted, outputs={}), old)
            return
        keeps = old is not None and decision.op is not Op.REPLACE
        id = wanted.id if keeps else provider_id(wanted.urn, wanted.inputs)
        state = replace(wanted, id=id, outputs=wanted.inputs)
        if old is not None and decision.op is Op.REPLACE and old.id != id and not _is_gone(old):
            self._ledger.edit(put=(replace(old, delete=True), state))
        else:
            self._keep(state, old)

    def _keep(self, state: ResourceState, old: ResourceState | None) -> None:
        """Put ``state`` unless it says what ``old`` said."""
        if old is None or replace(state, modified=old.modified, created=old.created) != old:
            self._ledger.edit(put=(state,))

    def _delete_first(self, urn: str, old: ResourceState) -> None:
        """Delete ``old`` and, before it, what cannot outlive it."""
        with self._deleting_first:
            if not _is_gone(old):
                resources = self._ledger.snapshot().resources
                for other in reversed(deleted_along(urn, resources, self._passed(urn), facts_of)):
                    self._remove_for_now(other)
                self._calls.remove(old, replacing=True)

    def _remove_for_now(self, urn: str) -> None:
        state = self._ledger.live(urn)
        if state is None or _is_gone(state):
            return
        if state.protect:
            raise Failed(self._wording.protected(urn))
        self._refuse_unreviewed(urn, Op.REPLACE if urn in self._nodes else Op.DELETE)
        self._calls.remove(state, replacing=True)

    def _refuse_unreviewed(self, urn: str, op: Op, diff: tuple[PropertyChange, ...] = ()) -> None:
        reviewed = self._settings.reviewed
        objection = reviewed.objection(urn, op, diff) if reviewed is not None else None
        if objection is not None:
            raise Failed(self._wording.not_planned(urn, objection))

    def _passed(self, urn: str) -> set[str]:
        """URNs, as the state has them, of the declared resources that do not wait for ``urn``."""
        waiting = {urn}
        for other, needed in self._needs.items():
            if not waiting.isdisjoint(needed):
                waiting.add(other)
        return {self._changes[other].old_urn or other for other in self._needs if other not in waiting}


def _not_exported(stack: Stack, exported: StackOutputs) -> Iterator[tuple[Node, str, StackOutput]]:
    """Inputs that read what another layer does not export: node, name of the input, output."""
    for node in stack.nodes:
        for name, value in node.inputs.items():
            for ref in references(value):
                if isinstance(ref, StackOutput) and ref.name not in exported.get(ref.layer, {}):
                    yield node, name, ref


def _is_gone(old: ResourceState | None) -> bool:
    return old is None or old.pending_replacement


def _protects(node: Node, old: ResourceState | None) -> bool:
    """To take the protection away and replace in one run is allowed, as in Pulumi."""
    return node.options.protect and old is not None and old.protect


def _rename(item: ResourceState, old: str, new: str) -> ResourceState:
    def renamed(urns: Iterable[str]) -> tuple[str, ...]:
        return tuple(new if urn == old else urn for urn in urns)

    provider = item.provider
    if provider is not None and provider.rpartition("::")[0] == old:
        provider = f"{new}::{provider.rpartition('::')[2]}"
    return replace(
        item,
        parent=new if item.parent == old else item.parent,
        provider=provider,
        dependencies=renamed(item.dependencies),
        property_dependencies={name: renamed(urns) for name, urns in item.property_dependencies.items()},
    )
