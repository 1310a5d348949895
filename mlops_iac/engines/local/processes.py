"""Processes that outlive the run that started them: how they are known again, and ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from mlops_iac.engines.lock import process_start

STOP_SECONDS: Final = 20
"""How long a process may take to end by itself."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process; ``started`` tells it from a later one with the same pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The one that has ``pid`` now."""
        return cls(pid, process_start(pid) or 0)

    @property
    def runs(self) -> bool:
        """Whether it still does. Collects the exit status of a child of ours, so that it leaves no zombie."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return process_start(self.pid) == self.started

    def end(self) -> bool:
        """End it, and wait until it is gone; answers whether it ran."""
        if process_start(self.pid) != self.started:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self.runs:
                if time.monotonic() > deadline:
                    os.kill(self.pid, signal.SIGKILL)
                    deadline = time.monotonic() + STOP_SECONDS
                time.sleep(0.02)
        return True
