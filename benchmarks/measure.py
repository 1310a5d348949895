"""Runs commands in fresh processes and says how long they took and how much memory they needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import gettempdir


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds on the clock, seconds of processor, peak memory in MB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the report. ``value`` must not be above ``limit``; None where it could not be taken."""

    what: str
    detail: str
    value: float | None
    limit: float
    unit: str = "x"

    @property
    def met(self) -> bool:
        """Whether the figure was taken and lies within its limit."""
        return self.value is not None and self.value <= self.limit

    def __str__(self) -> str:
        limit = f"limit {self.limit:g}{self.unit}"
        if self.value is None:
            return f" ---- {self.what} ({limit}): not taken, {self.detail}"
        mark = "  ok  " if self.met else " OVER "
        return f"{mark}  {self.what}: {self.value:.3g}{self.unit} ({limit})\n        {self.detail}"


Command = Callable[[], Cost]


def mlops_iac(*arguments: str | Path) -> list[str]:
    """The command line of this checkout, in the Python that runs the benchmarks."""
    return [sys.executable, "-m", "mlops_iac", *map(str, arguments)]


def run(command: Sequence[str], cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> Cost:
    """Run ``command`` once in a process of its own. Raises ``RuntimeError`` when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd or Path(__file__).parents[1],
        env={**surroundings(), **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} left with {process.returncode}:\n{errors.decode(errors='replace')}")
    factor = 1 if sys.platform == "darwin" else 1024
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * factor / 1e6)


def surroundings() -> dict[str, str]:
    """This process's environment, with byte code kept between runs as in any installation."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(gettempdir()) / "mlops-iac-benchmarks" / "bytecode")}


def in_turns(rounds: int, **commands: Command) -> dict[str, Cost]:
    """The medians of each command, after one run of each that does not count.

    They take turns, so that what else the machine does falls on all alike.
    """
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    for index in range(rounds + 1):
        for name, command in commands.items():
            cost = command()
            if index:
                taken[name].append(cost)
    return {
        name: Cost(*(median(getattr(cost, part) for cost in costs) for part in ("wall", "cpu", "memory")))
        for name, costs in taken.items()
    }


def told(cost: Cost) -> str:
    """A cost in words."""
    return f"{cost.wall:.2f} s ({cost.cpu:.2f} s of processor, {cost.memory:.0f} MB)"
