"""The difference between two estimates: which resources cost more, less, or are new or gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlops_iac.cost.model import Estimate, Line

Kind = Literal["added", "removed", "changed", "same"]
_CENT = 0.005
"""Less than this is no difference: an estimate is read in cents."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """What one resource cost, and what it will cost."""

    old: Line | None
    new: Line | None

    @property
    def line(self) -> Line:
        """The line as it will be, or as it was where it goes."""
        line = self.new or self.old
        if line is None:
            raise ValueError("a change has an old or a new line")
        return line

    @property
    def floor(self) -> float:
        """How much the floor rises."""
        return (self.new.floor if self.new else 0.0) - (self.old.floor if self.old else 0.0)

    @property
    def ceiling(self) -> float:
        """How much the ceiling rises."""
        return (self.new.ceiling if self.new else 0.0) - (self.old.ceiling if self.old else 0.0)

    @property
    def kind(self) -> Kind:
        """What happens to the resource's cost."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        moved = abs(self.floor) >= _CENT or abs(self.ceiling) >= _CENT or self.old.gaps != self.new.gaps
        return "changed" if moved else "same"


@dataclass(frozen=True, slots=True)
class Difference:
    """Two estimates and what differs between them."""

    old: Estimate
    new: Estimate
    changes: tuple[LineChange, ...]

    @property
    def floor(self) -> float:
        """How much the floor rises."""
        return self.new.floor - self.old.floor

    @property
    def ceiling(self) -> float:
        """How much the ceiling rises."""
        return self.new.ceiling - self.old.ceiling


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """The artifact of the cost phase. ``difference`` is None where nothing is deployed to compare with."""

    estimate: Estimate
    difference: Difference | None = None


def compare(old: Estimate, new: Estimate) -> Difference:
    """What differs, the largest change of a ceiling first; free resources that come or go are left out."""
    before = {line.key: line for line in old.lines}
    after = {line.key: line for line in new.lines}
    changes = [LineChange(before.get(key), after.get(key)) for key in dict.fromkeys((*after, *before))]
    moved = [change for change in changes if change.kind != "same" and (change.line.charges or change.line.gaps)]
    moved.sort(key=lambda change: (-abs(change.ceiling), -abs(change.floor), change.line.key))
    return Difference(old, new, tuple(moved))
