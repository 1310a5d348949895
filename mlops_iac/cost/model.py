"""What an estimate is made of: amounts with their prices, lines for resources, and what is not known.

Everything is USD for one month of 730 hours. The floor is what the configuration cannot go below with the assumed use:
the fewest instances, the scheduled runs. The ceiling is the most that it allows: the most instances all month, every
run at its longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlops_iac.cost.table import Price
from mlops_iac.diagnostics import ConfigPath, Location


class Stage(StrEnum):
    """What part of the life of a model a resource serves."""

    DATA = "data"
    TRAINING = "training"
    SERVING = "serving"
    MONITORING = "monitoring"
    NETWORK = "network"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity in the unit of its price."""

    quantity: float
    price: Price

    @property
    def usd(self) -> float:
        """What it costs."""
        return self.quantity * self.price.usd


@dataclass(frozen=True, slots=True)
class Charge:
    """One thing that a resource is billed for. ``basis`` says how the quantities came about."""

    what: str
    floor: Amount
    ceiling: Amount
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a resource is billed for, and that cannot be priced; ``reason`` completes "not known: ..."."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Free:
    """Why a resource costs nothing by itself."""

    reason: str


Entry = Charge | Gap | Free


@dataclass(frozen=True, slots=True)
class Line:
    """What one resource costs. ``free`` says why where it costs nothing by itself."""

    urn: str
    type: str
    name: str
    stage: Stage
    component: ConfigPath = ()
    location: Location | None = None
    charges: tuple[Charge, ...] = ()
    gaps: tuple[Gap, ...] = ()
    free: str = ""

    @property
    def key(self) -> str:
        """The URN without the stack's name, so that the same resource is found in another environment."""
        return "::".join(self.urn.split("::")[1:])

    @property
    def floor(self) -> float:
        """The least that its known charges come to."""
        return sum(charge.floor.usd for charge in self.charges)

    @property
    def ceiling(self) -> float:
        """The most that its known charges come to."""
        return sum(charge.ceiling.usd for charge in self.charges)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a system costs in a month, resource by resource, in the order of the graph.

    ``assumptions`` are the numbers of ``usage:`` that the charges were computed with, as far as they hold for every
    component.
    """

    system: str
    environment: str
    region: str
    lines: tuple[Line, ...]
    assumptions: Mapping[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> float:
        """The least that everything known comes to."""
        return sum(line.floor for line in self.lines)

    @property
    def ceiling(self) -> float:
        """The most that everything known comes to."""
        return sum(line.ceiling for line in self.lines)

    @property
    def unknown(self) -> tuple[tuple[Line, Gap], ...]:
        """Everything that is billed and could not be priced."""
        return tuple((line, gap) for line in self.lines for gap in line.gaps)

    def largest(self, most: int = 3) -> tuple[Line, ...]:
        """The lines with the highest floors."""
        return tuple(sorted(self.lines, key=lambda line: (-line.floor, line.key))[:most])

    def stages(self) -> Iterator[tuple[Stage, tuple[Line, ...]]]:
        """The lines of each stage that has any, in the order of ``Stage``."""
        for stage in Stage:
            lines = tuple(line for line in self.lines if line.stage is stage)
            if lines:
                yield stage, lines
