"""Carries single operations out: each provider call stands between two records of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.declared import Known
from mlops_iac.engines.local.failures import Failed, Wording
from mlops_iac.engines.local.provider import OutcomeUnknownError, Properties, Provider, ProviderError, ProviderFactory
from mlops_iac.engines.local.store import Ledger
from mlops_iac.engines.local.values import plain, with_secrets
from mlops_iac.state.checkpoint import PROVIDER_PREFIX
from mlops_iac.state.edits import key_of
from mlops_iac.state.snapshot import OperationType, PendingOperation, ResourceState


def package_of(type: str) -> str:
    """The package that a type token is of: ``aws``."""
    return type.partition(":")[0]


def provider_of(resource: ResourceState, ledger: Known, factory: ProviderFactory) -> Provider:
    """What serves ``resource``: the factory's answer for the provider resource that the state names."""
    package = package_of(resource.type)
    if resource.provider is None:
        return factory(package, {})
    urn, _, id = resource.provider.rpartition("::")
    inputs: Properties = next((copy.inputs for copy in ledger.copies(urn) if copy.id == id), {})
    return factory(package, plain(inputs))


def calls_a_provider(resource: ResourceState) -> bool:
    """Whether anything but the state knows the resource: components and provider resources exist there only."""
    return resource.custom and not resource.type.startswith(PROVIDER_PREFIX)


class Calls:
    """Makes the calls of one run. Every method raises ``Failed`` where the provider refuses or does not answer."""

    def __init__(self, ledger: Ledger, factory: ProviderFactory, wording: Wording) -> None:
        self._ledger = ledger
        self._factory = factory
        self._wording = wording

    def check(self, wanted: ResourceState, old: ResourceState | None) -> None:
        """Ask whether the provider would take the inputs."""
        olds = plain(old.inputs) if old is not None else {}
        failures = self._serving(wanted).check(wanted.urn, wanted.type, plain(wanted.inputs), olds)
        if failures:
            raise Failed(self._wording.refused(wanted.urn, "; ".join(failure.reason for failure in failures)))

    def create(self, wanted: ResourceState, old: ResourceState | None) -> str | None:
        """Create ``wanted``; ``old`` is then a copy to delete. Answers why it was only recorded, if it was."""
        ticket = self._begin("creating", wanted)
        with self._calling(wanted.urn, "create", ticket):
            created = self._serving(wanted).create(wanted.urn, wanted.type, plain(wanted.inputs))
        state = replace(wanted, id=created.id, outputs=with_secrets(created.outputs, wanted))
        left = () if old is None else (replace(old, delete=True),)
        self._ledger.end(ticket, put=(*left, state))
        return created.recorded

    def update(self, wanted: ResourceState, old: ResourceState) -> str | None:
        """Change ``old`` in place. Answers why that was only recorded, if it was."""
        ticket = self._begin("updating", wanted)
        with self._calling(wanted.urn, "update", ticket):
            updated = self._serving(wanted).update(
                wanted.urn, wanted.type, old.id or "", plain(old.inputs), plain(old.outputs), plain(wanted.inputs)
            )
        self._ledger.end(ticket, put=(replace(wanted, outputs=with_secrets(updated.outputs, wanted)),))
        return updated.recorded

    def remove(self, state: ResourceState, *, replacing: bool = False) -> None:
        """Delete a resource. ``replacing``: the state keeps it until its successor exists."""
        put = (replace(state, pending_replacement=True),) if replacing else ()
        drop = () if replacing else (key_of(state),)
        gone = state.pending_replacement or state.retain_on_delete or state.external
        if gone or not calls_a_provider(state):
            self._ledger.edit(put=put, drop=drop)
            return
        ticket = self._begin("deleting", state)
        with self._calling(state.urn, "delete", ticket):
            provider = self._serving(state)
            provider.delete(state.urn, state.type, state.id or "", plain(state.inputs), plain(state.outputs))
        self._ledger.end(ticket, put=put, drop=drop)

    def _serving(self, resource: ResourceState) -> Provider:
        return provider_of(resource, self._ledger, self._factory)

    def _begin(self, type: OperationType, state: ResourceState) -> int:
        return self._ledger.begin(PendingOperation(type, state))

    @contextmanager
    def _calling(self, urn: str, verb: str, ticket: int) -> Iterator[None]:
        """Turn a provider's refusal into a failure of this resource; what is not known stays pending."""
        try:
            yield
        except OutcomeUnknownError as error:
            raise Failed(self._wording.unanswered(urn, verb, error)) from error
        except ProviderError as error:
            self._ledger.end(ticket)
            raise Failed(self._wording.failed(urn, verb, error)) from error
        except DiagnosticsError:
            raise
        except Exception as error:
            raise Failed(self._wording.broken(urn, verb, error)) from error
