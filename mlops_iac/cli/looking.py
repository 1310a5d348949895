"""What ``drift``, ``up --plan`` and ``plan check`` share: what a look at the target found, judged."""

from __future__ import annotations

from mlops_iac.engines.events import RunResult
from mlops_iac.pipeline import Run
from mlops_iac.plan.drift import DriftFinding, Observed, judge_drift, observed_of


def observed(result: RunResult) -> dict[str, list[Observed]]:
    """What an engine found, stack by stack, beside what its state says."""
    found: dict[str, list[Observed]] = {}
    for stack in result.stacks:
        known = {resource.urn: resource.inputs for resource in stack.snapshot.resources}
        found[stack.project] = [
            observed_of(drift.urn, drift.gone, known.get(drift.urn, {}), drift.actual, drift.diff, drift.shown)
            for drift in stack.drift
        ]
    return found


def judged(result: RunResult, run: Run) -> tuple[DriftFinding, ...]:
    """Every drift that an engine found in a compiled run's system; the worst first."""
    if run.graph is None or run.system is None or run.composition is None:
        raise ValueError("the compile phase made no graph")
    return judge_drift(observed(result), run.graph, run.system, run.composition)
