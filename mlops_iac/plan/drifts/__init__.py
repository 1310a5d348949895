"""Finds every drift rule: the files of this package, and rules that packages advertise by entry point."""

from __future__ import annotations

from functools import cache

from mlops_iac.plan.drift import DriftRule
from mlops_iac.plan.rule_files import find_rules

ENTRY_POINT_GROUP = "mlops_iac.drifts"


@cache
def rules() -> tuple[DriftRule, ...]:
    """Every rule, sorted by id; two with the same id are refused, naming both modules."""
    return find_rules(__name__, __path__, DriftRule, ENTRY_POINT_GROUP)
