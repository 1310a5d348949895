"""Carries a stack's plan out: creates, updates and replaces by dependency, then deletes in reverse.

Each resource is decided again with its real inputs by the same ``diff_node`` that made the preview. The rules are
those of Pulumi's engine: https://www.pulumi.com/docs/iac/concepts/how-pulumi-works/#creation-and-deletion-order
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.events import Event, EventKind, OnEvent, Outcome, Resolution, StackResult
from mlops_iac.engines.local.codes import (
    MISSING_OUTPUT,
    OUTCOME_UNKNOWN,
    PROTECTED,
    REFUSED_INPUTS,
    RESOURCE_FAILED,
)
from mlops_iac.engines.local.dependents import deleted_along
from mlops_iac.engines.local.provider import (
    RECORDED,
    OutcomeUnknownError,
    Properties,
    Provider,
    ProviderError,
    ProviderFactory,
)
from mlops_iac.engines.local.recovery import resolve_pending
from mlops_iac.engines.local.schedule import run_in_order
from mlops_iac.engines.local.store import Ledger, Store
from mlops_iac.engines.local.values import plain, with_secrets
from mlops_iac.graph.evaluate import UNKNOWN, compact_json, contains_unknown, evaluate, property_at
from mlops_iac.graph.nodes import Node, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, references
from mlops_iac.plan.decision import PROVIDER_REPLACED, Decision, diff_node
from mlops_iac.plan.diff import plan_stack
from mlops_iac.plan.model import Change, Op
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.checkpoint import PROVIDER_PREFIX, parse_urn
from mlops_iac.state.edits import key_of, needed_urns
from mlops_iac.state.snapshot import OperationType, PendingOperation, ResourceState

PROVIDER_IDS: Final = uuid.UUID("5a7d9d0e-7f0b-4b0e-9f7e-0d6c1f3b2a11")
"""Name space of the ids that provider resources get."""

StackOutputs = Mapping[str, Mapping[str, Any]]
"""Real stack outputs by layer and name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. ``cancelled`` turns true when a signal asks for the end."""

    parallel: int = 8
    on_event: OnEvent = lambda event: None
    cancelled: Callable[[], bool] = lambda: False
    monotonic: Callable[[], float] = time.monotonic


DEFAULTS: Final = Settings()


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
    or a protected resource would be deleted or replaced; and at any time when the state cannot be written.
    """
    ledger = store.open(stack.project, stack.name)
    try:
        run = _Run(stack, stack_outputs, factory, store.clock, ledger, settings)
        run.carry_out()
    except BaseException:
        with suppress(DiagnosticsError):
            ledger.close()
        raise
    return run.result(ledger.close())


def provider_of(resource: ResourceState, ledger: Ledger, factory: ProviderFactory) -> Provider:
    """What serves ``resource``: the factory's answer for the provider resource that the state names."""
    package = package_of(resource.type)
    if resource.provider is None:
        return factory(package, {})
    urn, _, id = resource.provider.rpartition("::")
    inputs: Properties = next((copy.inputs for copy in ledger.copies(urn) if copy.id == id), {})
    return factory(package, plain(inputs))


def package_of(type: str) -> str:
    """The package that a type token is of: ``aws``."""
    return type.partition(":")[0]


class _Failed(Exception):  # noqa: N818
    """One resource failed; carries its diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


class _Run:
    """One apply of one stack. Methods that threads share take ``_guard``."""

    def __init__(
        self,
        stack: Stack,
        stack_outputs: StackOutputs,
        factory: ProviderFactory,
        clock: Callable[[], str],
        ledger: Ledger,
        settings: Settings,
    ) -> None:
        self._stack = stack
        self._stack_outputs = stack_outputs
        self._factory = factory
        self._clock = clock
        self._ledger = ledger
        self._settings = settings
        self._guard = threading.Lock()
        self._deleting_first = threading.Lock()
        self._urns: dict[NodeKey, str] = {}
        self._nodes: dict[str, Node] = {}
        self._changes: dict[str, Change] = {}
        self._along: dict[str, tuple[str, ...]] = {}
        self._gone_along: set[str] = set()
        self._done: list[Outcome] = []
        self._same = 0
        self._failures: list[Diagnostic] = []
        self._late: set[str] = set()
        self._skipped: dict[str, str] = {}
        self._resolved: tuple[Resolution, ...] = ()
        self._stopped = False

    def carry_out(self) -> None:
        """Settle what is pending, apply, delete, and set the stack's outputs."""
        self._resolved = resolve_pending(self._ledger, self._serving)
        for item in self._resolved:
            message = f"interrupted while {item.type}: {item.verdict}"
            self._emit(EventKind.RESOLVED, None, item.urn, parse_urn(item.urn).type, message=message)
        self._plan()
        self._apply()
        self._delete()
        if not self._stopped:
            self._set_outputs()

    def result(self, snapshot: Any) -> StackResult:
        """What was done."""
        return StackResult(
            self._stack.project,
            self._stack.name,
            snapshot,
            tuple(self._done),
            self._same,
            tuple(self._failures),
            dict(sorted(self._skipped.items())),
            self._resolved,
            stopped=self._stopped,
        )

    def _plan(self) -> None:
        state = self._ledger.snapshot()
        plan = plan_stack(self._stack, state, self._stack_outputs)
        declared = [change for change in plan.changes if change.op is not Op.DELETE]
        for node, change in zip(self._stack.nodes, declared, strict=True):
            self._urns[node.key] = change.urn
            self._nodes[change.urn] = node
        self._changes = {change.urn: change for change in plan.changes}
        self._along = deleted_along(declared, state.resources, self._needs(), facts_of)
        live = state.live()
        also = [live[urn] for urns in self._along.values() for urn in urns]
        refused = [change.urn for change in plan.changes if change.protect and change.op in (Op.DELETE, Op.REPLACE)]
        refused += [resource.urn for resource in also if resource.protect and resource.urn not in refused]
        if refused:
            raise DiagnosticsError(self._protected(urn) for urn in refused)

    def _needs(self) -> dict[str, set[str]]:
        """The URNs that each declared resource waits for. To wait for a component is to wait for its children."""
        children: dict[NodeKey, list[NodeKey]] = {}
        for node in self._stack.nodes:
            if node.options.parent is not None:
                children.setdefault(node.options.parent, []).append(node.key)
        needs = {}
        for node in self._stack.nodes:
            waits = set(node.dependencies())
            above = self._ancestors(node)
            for key in node.options.depends_on:
                if key not in above:
                    waits |= _descendants(key, children)
            needs[self._urns[node.key]] = {self._urns[key] for key in waits if key in self._urns and key != node.key}
        return needs

    def _ancestors(self, node: Node) -> set[NodeKey]:
        found = set()
        parent = node.options.parent
        while parent is not None:
            found.add(parent)
            parent = self._nodes[self._urns[parent]].options.parent
        return found

    def _apply(self) -> None:
        outcome = run_in_order(
            self._needs(),
            self._step,
            parallel=self._settings.parallel,
            cancelled=self._settings.cancelled,
        )
        self._stopped = outcome.stopped
        for urn, cause in outcome.skipped.items():
            self._skip(urn, self._changes[urn].op, f"it depends on {parse_urn(cause).name}, which failed")

    def _step(self, urn: str) -> bool:
        node = self._nodes[urn]
        change = self._changes[urn]
        started = self._settings.monotonic()
        try:
            outcome = self._bring_about(node, urn, change, started)
        except _Failed as failed:
            self._fail(change.op, urn, started, failed.diagnostic)
            return False
        if outcome is not None:
            self._report(outcome)
        return True

    def _bring_about(self, node: Node, urn: str, change: Change, started: float) -> Outcome | None:
        """Carry out what ``node`` needs; None when nothing was to do or it is a component."""
        old = self._renamed(change)
        inputs = self._inputs(node, urn, old, change)
        decision = self._decide(node, inputs, old, change)
        if not node.custom or node.type.startswith(PROVIDER_PREFIX):
            self._settle_without_calls(node, urn, decision, old)
            return None
        if decision.op is Op.SAME:
            assert old is not None
            self._keep(self._state(node, urn, old.id, decision.inputs, old.outputs, old), old)
            with self._guard:
                self._same += 1
            return None
        if decision.op is Op.REPLACE and (node.options.protect or (old is not None and old.protect)):
            raise _Failed(self._protected(urn))
        provider = self._provider(node)
        self._check(provider, node, urn, decision, old)
        op = Op.REPLACE if urn in self._gone_along else decision.op
        self._emit(EventKind.STARTED, op, urn, node.type)
        if decision.op is Op.UPDATE:
            assert old is not None
            recorded = self._update(provider, node, urn, decision, old)
        else:
            if decision.op is Op.REPLACE and decision.delete_before_replace and old is not None:
                self._delete_first(urn, old)
                old = None
            recorded = self._create(provider, node, urn, decision, old)
        return Outcome(op, urn, node.type, node.name, self._settings.monotonic() - started, recorded)

    def _renamed(self, change: Change) -> ResourceState | None:
        """The state to go on from; where an alias matched, everything that names the old URN names the new one."""
        if change.old_urn is None:
            return self._ledger.live(change.urn)
        with self._guard:
            old = self._ledger.live(change.old_urn)
            if old is None:
                return self._ledger.live(change.urn)
            users = [item for item in self._ledger.snapshot().resources if change.old_urn in needed_urns(item)]
            renamed = [_rename(item, change.old_urn, change.urn) for item in users]
            moved = replace(old, urn=change.urn)
            self._ledger.edit(put=(moved, *renamed), drop=(key_of(old),))
            return moved

    def _inputs(self, node: Node, urn: str, old: ResourceState | None, change: Change) -> dict[str, Any]:
        """The node's inputs with real outputs. Raises ``_Failed`` when one of them does not exist."""
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
                raise _Failed(self._missing(node, name, missing[0]))
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

    def _decide(self, node: Node, inputs: Mapping[str, Any], old: ResourceState | None, change: Change) -> Decision:
        provider = node.options.provider
        provider_state = self._ledger.live(self._urns[provider]) if provider is not None else None
        return diff_node(
            node,
            inputs,
            old,
            facts_of(node.type) if node.custom else None,
            provider_inputs=provider_state.inputs if provider_state is not None else None,
            provider_replaced=PROVIDER_REPLACED in change.replace_reasons and old is not None,
        )

    def _settle_without_calls(self, node: Node, urn: str, decision: Decision, old: ResourceState | None) -> None:
        """Components and provider resources exist in the state only."""
        id = None
        if node.custom:
            keep = old is not None and decision.op in (Op.SAME, Op.UPDATE)
            id = old.id if keep and old is not None else _provider_id(urn, decision.inputs)
        state = self._state(node, urn, id, decision.inputs, decision.inputs if node.custom else {}, old)
        if decision.op is Op.REPLACE and old is not None and old.id != id:
            self._ledger.edit(put=(replace(old, delete=True), state))
        else:
            self._keep(state, old)

    def _keep(self, state: ResourceState, old: ResourceState | None) -> None:
        """Put ``state`` unless it says what ``old`` said."""
        if old is None or replace(state, modified=old.modified, created=old.created) != old:
            self._ledger.edit(put=(state,))

    def _provider(self, node: Node) -> Provider:
        key = node.options.provider
        state = self._ledger.live(self._urns[key]) if key is not None else None
        return self._factory(package_of(node.type), plain(state.inputs) if state is not None else {})

    def _serving(self, resource: ResourceState) -> Provider:
        return provider_of(resource, self._ledger, self._factory)

    def _check(self, provider: Provider, node: Node, urn: str, decision: Decision, old: ResourceState | None) -> None:
        olds = plain(old.inputs) if old is not None else {}
        failures = provider.check(urn, node.type, plain(decision.inputs), olds)
        if failures:
            text = "; ".join(failure.reason for failure in failures)
            hint = "correct the configuration of the component"
            raise _Failed(self._diagnostic(REFUSED_INPUTS, urn, f"{node.type} {node.name}: {text}", hint))

    def _create(
        self, provider: Provider, node: Node, urn: str, decision: Decision, old: ResourceState | None
    ) -> str | None:
        draft = self._state(node, urn, None, decision.inputs, {}, None)
        ticket = self._begin("creating", draft)
        with self._calling(urn, "create", ticket):
            created = provider.create(urn, node.type, plain(decision.inputs))
        state = replace(draft, id=created.id, outputs=with_secrets(created.outputs, draft))
        left = () if old is None else (replace(old, delete=True),)
        self._ledger.end(ticket, put=(*left, state))
        return created.recorded

    def _update(self, provider: Provider, node: Node, urn: str, decision: Decision, old: ResourceState) -> str | None:
        state = self._state(node, urn, old.id, decision.inputs, old.outputs, old)
        ticket = self._begin("updating", state)
        with self._calling(urn, "update", ticket):
            updated = provider.update(
                urn, node.type, old.id or "", plain(old.inputs), plain(old.outputs), plain(decision.inputs)
            )
        self._ledger.end(ticket, put=(replace(state, outputs=with_secrets(updated.outputs, state)),))
        return updated.recorded

    def _delete_first(self, urn: str, old: ResourceState) -> None:
        with self._deleting_first:
            for other in self._along.get(urn, ()):
                state = self._ledger.live(other)
                if state is not None:
                    self._remove(state)
                    self._gone_along.add(other)
            self._remove(old)

    def _remove(self, state: ResourceState) -> None:
        """Delete one resource from provider and state. Raises ``_Failed``."""
        calls = state.custom and not state.type.startswith(PROVIDER_PREFIX) and not state.retain_on_delete
        if not calls or state.external:
            self._ledger.edit(drop=(key_of(state),))
            return
        provider = self._serving(state)
        ticket = self._begin("deleting", state)
        with self._calling(state.urn, "delete", ticket):
            provider.delete(state.urn, state.type, state.id or "", plain(state.inputs), plain(state.outputs))
        self._ledger.end(ticket, drop=(key_of(state),))

    def _begin(self, type: OperationType, state: ResourceState) -> int:
        return self._ledger.begin(PendingOperation(type, state))

    @contextmanager
    def _calling(self, urn: str, verb: str, ticket: int) -> Iterator[None]:
        """Turn a provider's refusal into a failure of this resource; what is not known stays pending."""
        name = f"{parse_urn(urn).type} {parse_urn(urn).name}"
        try:
            yield
        except OutcomeUnknownError as error:
            hint = "run the command again: it first finds out what happened"
            text = f"{name}: the {verb} ended without an answer: {error}"
            raise _Failed(self._diagnostic(OUTCOME_UNKNOWN, urn, text, hint)) from error
        except ProviderError as error:
            self._ledger.end(ticket)
            hint = "correct the cause and run the command again; finished resources are kept"
            raise _Failed(self._diagnostic(RESOURCE_FAILED, urn, f"{name}: {verb} failed: {error}", hint)) from error
        except DiagnosticsError:
            raise
        except Exception as error:
            hint = "this is a fault of the local engine; please report it with the configuration"
            text = f"{name}: {verb} broke off: {type(error).__name__}: {error}"
            raise _Failed(self._diagnostic(OUTCOME_UNKNOWN, urn, text, hint)) from error

    def _delete(self) -> None:
        """Delete what is not declared any more and the old copies of what was replaced, users first."""
        resources = self._ledger.snapshot().resources
        wanted = {
            _label(item): item
            for item in reversed(resources)
            if item.delete or (item.urn in self._changes and self._changes[item.urn].op is Op.DELETE)
        }
        held = self._held(resources)
        users: dict[str, set[str]] = {label: set() for label in wanted}
        by_urn: dict[str, list[str]] = {}
        for label, item in wanted.items():
            by_urn.setdefault(item.urn, []).append(label)
        for label, item in wanted.items():
            for urn in needed_urns(item):
                for other in by_urn.get(urn, ()):
                    users[other].add(label)
        blocked = {label for label, item in wanted.items() if item.urn in held}
        for label in blocked:
            self._skip(wanted[label].urn, Op.DELETE, "something that was not brought up to date may still use it")
        if self._stopped:
            return
        outcome = run_in_order(
            {label: needed for label, needed in users.items() if label not in blocked},
            lambda label: self._delete_step(wanted[label]),
            parallel=self._settings.parallel,
            cancelled=self._settings.cancelled,
        )
        self._stopped = outcome.stopped
        for label, cause in outcome.skipped.items():
            reason = f"{wanted[cause].urn.rpartition('::')[2]}, which uses it, could not be deleted"
            self._skip(wanted[label].urn, Op.DELETE, reason)

    def _held(self, resources: Iterable[ResourceState]) -> set[str]:
        """URNs that resources which failed or were skipped may still use, through any number of others."""
        held: set[str] = set()
        for item in reversed(tuple(resources)):
            if item.urn in self._late or item.urn in held:
                held |= needed_urns(item)
        return held

    def _delete_step(self, state: ResourceState) -> bool:
        started = self._settings.monotonic()
        silent = not state.custom or state.type.startswith(PROVIDER_PREFIX)
        if not silent:
            self._emit(EventKind.STARTED, Op.DELETE, state.urn, state.type)
        try:
            self._remove(state)
        except _Failed as failed:
            self._fail(Op.DELETE, state.urn, started, failed.diagnostic)
            return False
        seconds = self._settings.monotonic() - started
        if state.delete:
            message = "the replaced copy is deleted"
            self._emit(EventKind.PROGRESS, Op.REPLACE, state.urn, state.type, seconds=seconds, message=message)
        elif not silent:
            recorded = "it was only recorded" if (state.id or "").startswith(RECORDED) else None
            name = parse_urn(state.urn).name
            self._report(Outcome(Op.DELETE, state.urn, state.type, name, seconds, recorded))
        return True

    def _set_outputs(self) -> None:
        """Evaluate the stack's outputs; one that needs a resource that failed keeps its former value."""
        former = self._ledger.snapshot().outputs
        outputs = {}
        for name, value in self._stack.outputs.items():
            evaluated = evaluate(value, self._lookup)
            if not contains_unknown(evaluated):
                outputs[name] = evaluated
            elif name in former:
                outputs[name] = former[name]
        self._ledger.set_outputs(outputs)

    def _state(
        self,
        node: Node,
        urn: str,
        id: str | None,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        old: ResourceState | None,
    ) -> ResourceState:
        options = node.options
        provider = self._ledger.live(self._urns[options.provider]) if options.provider is not None else None
        by_property = {
            name: tuple(sorted({self._urns[ref.node] for ref in references(value) if isinstance(ref, Ref)}))
            for name, value in node.inputs.items()
        }
        used = {urn for urns in by_property.values() for urn in urns}
        used |= {self._urns[key] for key in options.depends_on}
        now = self._clock()
        return ResourceState(
            urn=urn,
            type=node.type,
            custom=node.custom,
            id=id,
            inputs=inputs,
            outputs=outputs,
            parent=self._urns[options.parent] if options.parent is not None else None,
            provider=f"{provider.urn}::{provider.id}" if provider is not None else None,
            dependencies=tuple(sorted(used)),
            property_dependencies={name: urns for name, urns in by_property.items() if urns},
            protect=options.protect,
            retain_on_delete=options.retain_on_delete,
            additional_secret_outputs=options.additional_secret_outputs,
            created=old.created if old is not None else now,
            modified=now,
        )

    def _emit(
        self, kind: EventKind, op: Op | None, urn: str, type: str, *, seconds: float = 0.0, message: str = ""
    ) -> None:
        event = Event(kind, op, urn, type, parse_urn(urn).name, seconds, message)
        with self._guard:
            self._settings.on_event(event)

    def _report(self, outcome: Outcome) -> None:
        with self._guard:
            self._done.append(outcome)
        kind = EventKind.DONE if outcome.recorded is None else EventKind.RECORDED
        message = outcome.recorded or ""
        self._emit(kind, outcome.op, outcome.urn, outcome.type, seconds=outcome.seconds, message=message)

    def _fail(self, op: Op, urn: str, started: float, diagnostic: Diagnostic) -> None:
        with self._guard:
            self._failures.append(diagnostic)
            self._late.add(urn)
        seconds = self._settings.monotonic() - started
        self._emit(EventKind.FAILED, op, urn, parse_urn(urn).type, seconds=seconds, message=diagnostic.message)

    def _skip(self, urn: str, op: Op, reason: str) -> None:
        self._late.add(urn)
        if op is Op.SAME:
            return
        self._skipped[urn] = reason
        self._emit(EventKind.SKIPPED, op, urn, parse_urn(urn).type, message=reason)

    def _diagnostic(self, code: str, urn: str, message: str, hint: str) -> Diagnostic:
        node = self._nodes.get(urn)
        if node is None:
            return Diagnostic(code, message, hint)
        return Diagnostic(code, message, hint, node.source, node.component)

    def _protected(self, urn: str) -> Diagnostic:
        parsed = parse_urn(urn)
        text = f"{parsed.type} {parsed.name} is protected, and this run would delete or replace it"
        return self._diagnostic(PROTECTED, urn, text, "take the protection away first, in a run of its own")

    def _missing(self, node: Node, name: str, ref: Ref | StackOutput) -> Diagnostic:
        if isinstance(ref, StackOutput):
            source = f"output {ref.name!r} of the {ref.layer} layer"
            hint = f"deploy the {ref.layer} layer first"
        else:
            source = f"output {'.'.join(map(str, ref.path))!r} of {ref.node.type} {ref.node.name}"
            hint = "the resource does not have it on the local target; please report it with the configuration"
        text = f"{node.type} {node.name}: input {name!r} needs {source}, which is not there"
        return self._diagnostic(MISSING_OUTPUT, self._urns[node.key], text, hint)


def _descendants(key: NodeKey, children: Mapping[NodeKey, list[NodeKey]]) -> set[NodeKey]:
    found: set[NodeKey] = set()
    stack = [key]
    while stack:
        for child in children.get(stack.pop(), ()):
            found.add(child)
            stack.append(child)
    return found


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


def _provider_id(urn: str, inputs: Properties) -> str:
    return str(uuid.uuid5(PROVIDER_IDS, f"{urn} {compact_json(plain(inputs))}"))


def _label(state: ResourceState) -> str:
    return f"{state.urn} {state.id if state.delete else ''}"
