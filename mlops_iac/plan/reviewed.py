"""What an apply may do when a plan was reviewed: the operations of that plan, and less, but nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.plan.model import Change, Op, PropertyChange
from mlops_iac.plan.paths import PropertyPath, parse_property

NOT_PLANNED: Final = "MI6016"
"""An apply came to an operation that the reviewed plan does not have, and did not carry it out."""

_ALLOWED: Final[Mapping[str, frozenset[Op]]] = {
    Op.CREATE: frozenset({Op.CREATE}),
    Op.UPDATE: frozenset({Op.UPDATE}),
    # What was unknown may turn out not to force a replacement after all.
    Op.REPLACE: frozenset({Op.REPLACE, Op.UPDATE}),
    Op.DELETE: frozenset({Op.DELETE}),
    Op.SAME: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The changes of a plan by URN, in the form of the preview document. ``source`` names the plan in messages.

    ``engine_plans`` are those that an engine made for itself, by layer.
    """

    source: str
    operations: Mapping[str, Mapping[str, Any]]
    engine_plans: Mapping[str, Any] = field(default_factory=dict)

    def objection(self, urn: str, op: Op, diff: Iterable[PropertyChange] = ()) -> str | None:
        """Why ``op`` with these property changes is not what was reviewed; None when it is, or is less."""
        if op is Op.SAME:
            return None
        planned = self.operations.get(urn)
        if planned is None:
            return f"{self.source} does not have it at all, and it would be: {op}"
        if op not in _ALLOWED[planned["op"]]:
            return f"{self.source} says {planned['op']}, and it would be: {op}"
        if op is Op.CREATE or op is Op.DELETE:
            return None
        listed = [(parse_property(item["path"]), item) for item in planned.get("diffByIndex", planned["diff"])]
        for change in diff:
            if not any(_covers(path, item, change) for path, item in listed):
                return f"{self.source} does not have this change of {change.path}"
        return None

    def objections(self, changes: Iterable[Change]) -> dict[str, str]:
        """The objections to a whole plan, by URN."""
        found = {change.urn: self.objection(change.urn, change.op, change.diff) for change in changes}
        return {urn: text for urn, text in found.items() if text is not None}


def _covers(path: PropertyPath, planned: Mapping[str, Any], change: PropertyChange) -> bool:
    actual = parse_property(change.path)
    if actual == path:
        return _fits(planned.get("new"), change.new)
    return actual[: len(path)] == path and _open(planned.get("new"))


def _open(planned: Any) -> bool:
    """Whether a planned value was not known as a whole, so that what it turned out to be may be compared by parts."""
    if isinstance(planned, Mapping):
        return planned.get("$unknown") is True or planned.get("$secret") is True or any(map(_open, planned.values()))
    return isinstance(planned, list) and any(map(_open, planned))


def _fits(planned: Any, actual: Any) -> bool:
    if isinstance(planned, Mapping):
        if planned.get("$unknown") is True:
            return True
        if planned.get("$secret") is True:
            return isinstance(actual, SecretValue)
    if isinstance(actual, SecretValue):
        # The value that was reviewed, which turned out to hold the text of a secret.
        return _fits(planned, actual.value)
    if isinstance(planned, Mapping):
        if not isinstance(actual, Mapping) or planned.keys() != actual.keys():
            return False
        return all(_fits(value, actual[key]) for key, value in planned.items())
    if isinstance(planned, list):
        if not isinstance(actual, list | tuple) or len(planned) != len(actual):
            return False
        return all(map(_fits, planned, actual))
    return actual is not UNKNOWN and planned == actual
