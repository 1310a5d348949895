"""What rendering needs to know of an engine's results: shapes only, so that no engine is imported here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.plan.model import Op, PropertyChange


class Step(Protocol):
    """One event of an apply: ``kind`` is started, progress, done, recorded, failed, skipped or resolved."""

    @property
    def kind(self) -> str: ...
    @property
    def op(self) -> Op | None: ...
    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def message(self) -> str: ...


class Done(Protocol):
    """An operation that was carried out; ``recorded`` says why it only touched the state."""

    @property
    def op(self) -> Op: ...
    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def recorded(self) -> str | None: ...


class Drifted(Protocol):
    """A resource that is not as its state says."""

    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def gone(self) -> bool: ...
    @property
    def to_read(self) -> tuple[PropertyChange, ...]: ...


class StackDone(Protocol):
    """What a run did to one stack."""

    @property
    def project(self) -> str: ...
    @property
    def stack(self) -> str: ...
    @property
    def done(self) -> Sequence[Done]: ...
    @property
    def same(self) -> int: ...
    @property
    def failures(self) -> Sequence[Diagnostic]: ...
    @property
    def skipped(self) -> Mapping[str, str]: ...
    @property
    def drift(self) -> Sequence[Drifted]: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...
    @property
    def stopped(self) -> bool: ...


class RunDone(Protocol):
    """What a run did, stack by stack."""

    @property
    def stacks(self) -> Sequence[StackDone]: ...
    @property
    def notes(self) -> Sequence[Diagnostic]: ...
    @property
    def ok(self) -> bool: ...
    def summary(self) -> Mapping[Op, int]:
        """How many resources each operation touched."""


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rpartition("::")[2]


def short_type(token: str) -> str:
    """A type token without its repetition: ``aws:s3/bucket:Bucket`` reads ``aws:s3:Bucket``."""
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    head, slash, tail = module.partition("/")
    repeats = slash and tail.lower() == kind.lower()
    return f"{package}:{head}:{kind}" if repeats else token
