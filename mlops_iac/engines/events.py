"""What an apply tells while it runs, and what it answers at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.plan.model import Diffed, Op, PropertyChange
from mlops_iac.policies.policy import Finding
from mlops_iac.state.snapshot import OperationType, Snapshot


class EventKind(StrEnum):
    """What happened to a resource."""

    STARTED = "started"
    PROGRESS = "progress"
    DONE = "done"
    RECORDED = "recorded"
    FAILED = "failed"
    SKIPPED = "skipped"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Event:
    """One step of one resource. ``seconds`` is set when it is over; ``message`` says why, where that is not plain."""

    kind: EventKind
    op: Op | None
    urn: str
    type: str
    name: str
    seconds: float = 0.0
    message: str = ""


OnEvent = Callable[[Event], None]
"""Receives events, one at a time and in order; must not raise."""


@dataclass(frozen=True, slots=True)
class OwnPreview:
    """What an engine's own preview says beyond a plan: where it would do otherwise, and ``decided``, the verdicts that
    it could give and the offline check could not.

    ``plans`` is what the engine means to do in each layer, in its own form, to be handed back in ``Reviewed``; empty
    where that was not asked, where the preview failed, and for an engine that needs none.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    decided: tuple[Finding, ...] = ()
    plans: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An operation that was carried out. ``recorded`` gives the reason why it only touched the state."""

    op: Op
    urn: str
    type: str
    name: str
    seconds: float
    recorded: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of an operation that an earlier run had begun and not ended."""

    type: OperationType
    urn: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Drift(Diffed):
    """A resource that is not as the state says; ``gone`` when it does not exist any more.

    ``actual`` are the inputs that it really has, as far as its provider tells.
    """

    urn: str
    type: str
    name: str
    gone: bool = False
    diff: tuple[PropertyChange, ...] = ()
    actual: Mapping[str, Any] = field(default_factory=dict)
    shown: tuple[PropertyChange, ...] | None = None


@dataclass(frozen=True, slots=True)
class StackResult:
    """What a run did to one stack. ``failures`` has one diagnostic per failed resource; ``skipped`` maps the
    URN of each resource that was not tried to the reason."""

    project: str
    stack: str
    snapshot: Snapshot
    done: tuple[Outcome, ...] = ()
    same: int = 0
    failures: tuple[Diagnostic, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    resolved: tuple[Resolution, ...] = ()
    drift: tuple[Drift, ...] = ()
    stopped: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything was carried out."""
        return not (self.failures or self.skipped or self.stopped)

    @property
    def recorded(self) -> tuple[Outcome, ...]:
        """The operations that only touched the state."""
        return tuple(outcome for outcome in self.done if outcome.recorded is not None)

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs."""
        return self.snapshot.outputs


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did, stack by stack in the order of the work."""

    stacks: tuple[StackResult, ...]
    notes: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything was carried out."""
        return all(stack.ok for stack in self.stacks)

    @property
    def stopped(self) -> bool:
        """Whether a signal ended the run early."""
        return any(stack.stopped for stack in self.stacks)

    @property
    def failures(self) -> tuple[Diagnostic, ...]:
        """Every failure, in the order of the stacks."""
        return tuple(item for stack in self.stacks for item in stack.failures)

    def summary(self) -> dict[Op, int]:
        """How many resources each operation touched."""
        counts = dict.fromkeys(Op, 0)
        for stack in self.stacks:
            counts[Op.SAME] += stack.same
            for outcome in stack.done:
                counts[outcome.op] += 1
        return counts
