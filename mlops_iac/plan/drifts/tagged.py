"""Tags were added or changed: cost and backup tools do so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason

_OURS: Final = ("ml-system", "environment", "owner", "data-class", "risk-class", "managed-by")
"""Tags by which policies, budgets and roles find what is the system's."""


def _judge(drifted: Drifted) -> Iterator[Reason]:
    if not drifted.only("tags", "tagsAll", "metadata.labels", "metadata.annotations"):
        return
    old, new = drifted.old.get("tags") or {}, drifted.new.get("tags") or {}
    lost = [tag for tag in _OURS if old.get(tag) != new.get(tag)]
    if lost:
        yield Reason(Danger.UNCLEAR, f"tags that budgets and roles go by differ: {', '.join(lost)}")
    else:
        yield Reason(Danger.HARMLESS, "only tags or labels differ that nothing of the system reads")


RULE = DriftRule("tagged", "Only tags or labels differ.", _judge)
