"""Finds out what became of the operations that an interrupted run had begun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.events import Resolution
from mlops_iac.engines.local.codes import UNRESOLVED
from mlops_iac.engines.local.provider import Provider, ProviderError
from mlops_iac.engines.local.store import Ledger
from mlops_iac.engines.local.values import plain, with_secrets
from mlops_iac.state.edits import key_of
from mlops_iac.state.snapshot import PendingOperation, ResourceState

ProviderOf = Callable[[ResourceState], Provider]


def resolve_pending(ledger: Ledger, provider_of: ProviderOf) -> tuple[Resolution, ...]:
    """Ask the provider about every pending operation and settle it in the state.

    A create that took effect is adopted, and everything that can be set on it is set again; one that did not is
    dropped. An update leaves the actual values behind, so that the next diff sees what is still to do.
    Raises ``DiagnosticsError`` when a provider cannot say: the operation then stays pending.
    """
    return tuple(
        Resolution(operation.type, operation.resource.urn, _resolve(ledger, ticket, operation, provider_of))
        for ticket, operation in sorted(ledger.pending().items())
    )


def _resolve(ledger: Ledger, ticket: int, operation: PendingOperation, provider_of: ProviderOf) -> str:
    resource = operation.resource
    try:
        if operation.type in ("creating", "importing"):
            return _created(ledger, ticket, resource, provider_of(resource))
        return _changed(ledger, ticket, operation, provider_of)
    except ProviderError as error:
        raise DiagnosticsError(
            [
                Diagnostic(
                    UNRESOLVED,
                    f"an earlier run was interrupted while {operation.type} {resource.urn}, "
                    f"and what became of it cannot be found out: {error}",
                    "make the provider reachable and run the command again; the state still holds the operation",
                )
            ]
        ) from error


def _created(ledger: Ledger, ticket: int, resource: ResourceState, provider: Provider) -> str:
    copies = ledger.copies(resource.urn)
    # What was deleted for this very create may have had the same id: a queue's is made of its name.
    known = {copy.id for copy in copies if not copy.pending_replacement}
    inputs = plain(resource.inputs)
    found = [item for item in provider.find(resource.urn, resource.type, inputs) if item.id not in known]
    if not found:
        ledger.end(ticket)
        return "it did not take effect"
    item = found[0]
    updated = provider.update(resource.urn, resource.type, item.id, {}, item.outputs, inputs)
    adopted = replace(resource, id=item.id, outputs=with_secrets(updated.outputs, resource))
    live = ledger.live(resource.urn)
    old = () if live is None or live.pending_replacement else (replace(live, delete=True),)
    ledger.end(ticket, put=(*old, adopted))
    return f"it took effect: {item.id} is adopted"


def _changed(ledger: Ledger, ticket: int, operation: PendingOperation, provider_of: ProviderOf) -> str:
    copies = [copy for copy in ledger.copies(operation.resource.urn) if copy.id == operation.resource.id]
    if not copies:
        ledger.end(ticket)
        return "the resource is no longer in the state"
    current = copies[0]
    provider = provider_of(current)
    found = provider.read(current.urn, current.type, current.id or "", plain(current.inputs), plain(current.outputs))
    if found is None:
        if current.delete:
            ledger.end(ticket, drop=(key_of(current),))
        else:
            # Others in the state may name it still: it stays, as what has to be made anew before they are dealt with.
            ledger.end(ticket, put=(replace(current, pending_replacement=True),))
        return "the resource does not exist any more"
    inputs = _observed(current.inputs, found.inputs, operation)
    ledger.end(ticket, put=(replace(current, inputs=inputs, outputs=with_secrets(found.outputs, current)),))
    return "the resource exists; what is still to do is done now"


def _observed(
    old: Mapping[str, object], actual: Mapping[str, object], operation: PendingOperation
) -> Mapping[str, object]:
    """The inputs to go on from: actual values where they were to change, so that the next diff sees them."""
    if operation.type != "updating":
        return old
    wanted = operation.resource.inputs
    moved = {name for name in {*old, *wanted} if plain(old.get(name)) != plain(wanted.get(name))}
    kept = {name: value for name, value in old.items() if name not in moved}
    return {**kept, **{name: actual[name] for name in moved if name in actual and actual[name] is not None}}
