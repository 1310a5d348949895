"""Compares a state with what the providers have, and takes their word for it where that is wanted."""

from __future__ import annotations

import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.events import Drift, Event, EventKind, StackResult
from mlops_iac.engines.local.calls import calls_a_provider, provider_of
from mlops_iac.engines.local.codes import RESOURCE_FAILED
from mlops_iac.engines.local.provider import RECORDED, ProviderError, ProviderFactory
from mlops_iac.engines.local.recovery import resolve_pending
from mlops_iac.engines.local.settings import DEFAULTS, Settings
from mlops_iac.engines.local.store import Ledger, Store
from mlops_iac.engines.local.values import marked_like, plain, with_secrets
from mlops_iac.engines.schedule import run_in_order
from mlops_iac.plan.compare import as_changes, differences, differences_to_read
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.edits import key_of
from mlops_iac.state.snapshot import ResourceState


def refresh_stack(
    project: str,
    stack: str,
    factory: ProviderFactory,
    store: Store,
    settings: Settings = DEFAULTS,
    *,
    keep: bool = True,
    urns: Collection[str] | None = None,
) -> StackResult:
    """Read every resource of a stack; the state then has the actual inputs and outputs, and lacks what is gone.

    A resource whose provider gives an error is left as it is and listed as a failure: only a plain "does not exist"
    drops one. Without ``keep`` nothing is written: the state stays, and so does what an interrupted run left. With
    ``urns`` only those are read. Raises ``DiagnosticsError`` when the state is damaged or cannot be written.
    """
    ledger = store.open(project, stack)
    try:
        resolved = resolve_pending(ledger, lambda resource: provider_of(resource, ledger, factory)) if keep else ()
        reader = _Reader(ledger, factory, settings, keep)
        subjects = {
            f"{item.urn} {item.id}": item
            for item in ledger.snapshot().resources
            if _is_read(item) and (urns is None or item.urn in urns)
        }
        outcome = run_in_order(
            dict.fromkeys(subjects, ()),
            lambda label: reader.read(subjects[label]),
            parallel=settings.parallel,
            cancelled=settings.cancelled,
        )
    except BaseException:
        with suppress(DiagnosticsError):
            ledger.close()
        raise
    return StackResult(
        project,
        stack,
        ledger.close(),
        same=reader.same,
        failures=tuple(sorted(reader.failures, key=lambda item: item.message)),
        resolved=resolved,
        drift=tuple(sorted(reader.drift, key=lambda item: item.urn)),
        stopped=outcome.stopped,
    )


class _Reader:
    """Reads resources on several threads and collects what differs."""

    def __init__(self, ledger: Ledger, factory: ProviderFactory, settings: Settings, keep: bool) -> None:
        self._ledger = ledger
        self._keep = keep
        self._factory = factory
        self._settings = settings
        self._guard = threading.Lock()
        self.same = 0
        self.failures: list[Diagnostic] = []
        self.drift: list[Drift] = []

    def read(self, resource: ResourceState) -> bool:
        """Compare one resource, and take what was found into the state where that is wanted."""
        name = parse_urn(resource.urn).name
        try:
            provider = provider_of(resource, self._ledger, self._factory)
            id = resource.id or ""
            found = provider.read(resource.urn, resource.type, id, plain(resource.inputs), plain(resource.outputs))
        except ProviderError as error:
            text = f"{resource.type} {name}: cannot be read: {error}"
            hint = "nothing is dropped from the state; run the command again when the provider answers"
            self._note(None, Diagnostic(RESOURCE_FAILED, text, hint), resource, EventKind.FAILED)
            return False
        if found is None:
            if self._keep:
                self._ledger.edit(drop=(key_of(resource),))
            self._note(Drift(resource.urn, resource.type, name, gone=True), None, resource, EventKind.DONE)
            return True
        inputs = marked_like(found.inputs, resource.inputs)
        changes = as_changes(differences(resource.inputs, inputs))
        outputs = with_secrets(found.outputs, resource)
        if self._keep and (changes or outputs != dict(resource.outputs)):
            self._ledger.edit(put=(replace(resource, inputs=inputs, outputs=outputs),))
        drift = None
        if changes:
            shown = as_changes(differences_to_read(resource.inputs, inputs))
            drift = Drift(resource.urn, resource.type, name, False, changes, inputs, shown)
        self._note(drift, None, resource, EventKind.DONE)
        return True

    def _note(self, drift: Drift | None, failure: Diagnostic | None, resource: ResourceState, kind: EventKind) -> None:
        message = "it is gone" if drift is not None and drift.gone else failure.message if failure else ""
        event = Event(kind, None, resource.urn, resource.type, parse_urn(resource.urn).name, message=message)
        with self._guard:
            if drift is not None:
                self.drift.append(drift)
            elif failure is not None:
                self.failures.append(failure)
            else:
                self.same += 1
            self._settings.on_event(event)


def _is_read(resource: ResourceState) -> bool:
    gone = resource.pending_replacement or (resource.id or "").startswith(RECORDED)
    return calls_a_provider(resource) and not gone
