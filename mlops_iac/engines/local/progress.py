"""What a run of one stack has done so far, told to whoever watches."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.events import Event, EventKind, OnEvent, Outcome, Resolution
from mlops_iac.plan.model import Op
from mlops_iac.state.checkpoint import parse_urn


class Progress:
    """Collects outcomes and emits events; its methods may be called from several threads."""

    def __init__(self, on_event: OnEvent, monotonic: Callable[[], float]) -> None:
        self._on_event = on_event
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self.done: list[Outcome] = []
        self.failures: list[Diagnostic] = []
        self.skipped: dict[str, str] = {}
        self.same = 0
        self.late: set[str] = set()
        """URNs of what failed or was not tried, so that it is not what the graph declares."""

    def start(self) -> float:
        """The time at which a resource's work begins."""
        return self._monotonic()

    def emit(self, kind: EventKind, op: Op | None, urn: str, *, seconds: float = 0.0, message: str = "") -> None:
        """Tell about one resource."""
        parsed = parse_urn(urn)
        event = Event(kind, op, urn, parsed.type, parsed.name, seconds, message)
        with self._guard:
            self._on_event(event)

    def resolved(self, item: Resolution) -> None:
        """An operation of an earlier run is settled."""
        self.emit(EventKind.RESOLVED, None, item.urn, message=f"interrupted while {item.type}: {item.verdict}")

    def unchanged(self) -> None:
        """A resource is as it should be."""
        with self._guard:
            self.same += 1

    def finish(self, op: Op, urn: str, started: float, recorded: str | None) -> None:
        """A resource is done; ``recorded`` as in ``Outcome``."""
        parsed = parse_urn(urn)
        seconds = self._monotonic() - started
        with self._guard:
            self.done.append(Outcome(op, urn, parsed.type, parsed.name, seconds, recorded))
        kind = EventKind.DONE if recorded is None else EventKind.RECORDED
        self.emit(kind, op, urn, seconds=seconds, message=recorded or "")

    def advance(self, op: Op, urn: str, started: float, message: str) -> None:
        """A part of a resource's work is done."""
        self.emit(EventKind.PROGRESS, op, urn, seconds=self._monotonic() - started, message=message)

    def fail(self, op: Op, urn: str, started: float, diagnostic: Diagnostic) -> None:
        """A resource failed."""
        with self._guard:
            self.failures.append(diagnostic)
            self.late.add(urn)
        self.emit(EventKind.FAILED, op, urn, seconds=self._monotonic() - started, message=diagnostic.message)

    def skip(self, urn: str, op: Op, reason: str) -> None:
        """A resource is not tried."""
        with self._guard:
            self.late.add(urn)
            if op is Op.SAME:
                return
            self.skipped[urn] = reason
        self.emit(EventKind.SKIPPED, op, urn, message=reason)
