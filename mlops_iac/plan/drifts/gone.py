"""A resource was deleted behind the state's back."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason


def _judge(drifted: Drifted) -> Iterator[Reason]:
    if drifted.observed.gone:
        yield Reason(Danger.DANGEROUS, "it does not exist any more; what it held, or guarded, is gone too")


RULE = DriftRule("gone", "A resource does not exist any more.", _judge)
