"""Finds every drift rule: the files of this package, and rules that packages advertise by entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from mlops_iac.plan.drift import DriftRule

ENTRY_POINT_GROUP = "mlops_iac.drifts"


@cache
def rules() -> tuple[DriftRule, ...]:
    """Every rule, sorted by id; two with the same id are refused, naming both modules."""
    found: dict[str, tuple[str, DriftRule]] = {}
    for module, rule in _rules():
        if rule.id in found:
            raise TypeError(f"drift rule {rule.id!r} is in both {found[rule.id][0]} and {module}")
        found[rule.id] = (module, rule)
    return tuple(rule for _, (_, rule) in sorted(found.items()))


def _rules() -> Iterator[tuple[str, DriftRule]]:
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        rule = getattr(module, "RULE", None)
        if not isinstance(rule, DriftRule):
            raise TypeError(f"{module.__name__} has no RULE")
        yield module.__name__, rule
    for point in entry_points(group=ENTRY_POINT_GROUP):
        rule = point.load()
        if not isinstance(rule, DriftRule):
            raise TypeError(f"entry point {point.name!r} of group {ENTRY_POINT_GROUP} is not a DriftRule")
        yield point.value, rule
