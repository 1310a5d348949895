"""What manages resources for the local engine: Pulumi's ResourceProvider verbs as a Python protocol.

All values that cross this border are plain data: secrets are laid open, nothing is unknown. What a change of inputs
means is not asked here: the facts about the types say it, for a plan and for both engines alike.
Source: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from mlops_iac.providers.facts import check_inputs, facts_of

Properties = Mapping[str, Any]

RECORDED: Final = "recorded:"
"""What the id of a resource starts with that exists in the state only, since no emulator has its API."""


class ProviderError(Exception):
    """A call was refused or failed; nothing was created or changed by it."""


class OutcomeUnknownError(ProviderError):
    """A call ended without an answer: it may have taken effect."""


class UnreachableError(ProviderError):
    """The provider cannot be asked now. Says nothing about whether a resource exists."""


class BusyError(UnreachableError):
    """A call was refused for now, as too many, and had no effect. ``after``: seconds that the server asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """An input that the provider would refuse."""

    property: str
    reason: str


@dataclass(frozen=True, slots=True)
class Created:
    """A resource that was created, or, where ``recorded`` gives the reason, only written down."""

    id: str
    outputs: Properties
    recorded: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A resource as it is. ``inputs`` has the properties that were asked about, with their actual values."""

    id: str
    inputs: Properties
    outputs: Properties


@dataclass(frozen=True, slots=True)
class Updated:
    """The outputs after an update; ``recorded`` as in ``Created``."""

    outputs: Properties
    recorded: str | None = None


class Provider(Protocol):
    """Manages every resource type of one package, with one configuration. Called from several threads.

    Every method may raise ``UnreachableError``, ``OutcomeUnknownError`` (a write whose answer was lost) or
    ``ProviderError`` (anything else); no other exception is expected.
    """

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """What is wrong with the inputs, before anything is called."""
        ...

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Create a resource."""
        ...

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """The resource as it is; None only when the provider says that it does not exist."""
        ...

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        """A resource that no state knows yet, by nothing but its id; None when the provider says that there is none.

        ``inputs`` of the answer are those of ``declared`` with their actual values, those that cannot be seen as they
        are declared; with nothing declared, all that the resource reports, with ``__defaults`` as Pulumi's providers
        give it, so that what the program leaves out is no difference. Raises ``ProviderError`` where the id has
        another form, and where the type cannot be read.
        """
        ...

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """Resources that an interrupted create of ``urn`` may have made: by name, or by our own mark."""
        ...

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """Change a resource in place; with empty ``old_inputs`` set everything that can be set."""
        ...

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Delete a resource; one that does not exist any more is fine."""
        ...

    def invoke(self, token: str, args: Properties) -> Properties:
        """Call a function such as ``aws:index/getCallerIdentity:getCallerIdentity``."""
        ...


ProviderFactory = Callable[[str, Properties], Provider]
"""Answers a package name (``aws``) and the inputs of its provider resource with what serves it."""


def check_by_facts(type: str, news: Properties) -> tuple[CheckFailure, ...]:
    """The shape check that the facts about ``type`` allow; nothing for a type that is not known."""
    if facts_of(type) is None:
        return ()
    return tuple(
        CheckFailure(".".join(map(str, problem.path)), problem.message) for problem in check_inputs(type, news)
    )


@dataclass(frozen=True, slots=True)
class RecordingProvider:
    """Writes resources of a package that the local target has nothing for into the state, and says so."""

    package: str
    reason: str = field(default="")

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        """The shape check."""
        return check_by_facts(type, news)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        """Record the inputs as outputs."""
        return Created(f"{RECORDED}{urn.rpartition('::')[2]}", dict(inputs), self._reason())

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """What was recorded."""
        return Found(id, inputs, outputs)

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        """Raises ``ProviderError``: there is nothing to read."""
        raise ProviderError(self._reason())

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        """Nothing: nothing was created."""
        return ()

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        """Record the new inputs."""
        return Updated({**old_outputs, **news}, self._reason())

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        """Nothing to do."""

    def invoke(self, token: str, args: Properties) -> Properties:
        """Raises ``ProviderError``: there is nothing to ask."""
        raise ProviderError(f"the local target has no provider for {token}")

    def _reason(self) -> str:
        return self.reason or f"the local target has no provider for {self.package}"
