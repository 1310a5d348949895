"""How often a training pipeline runs in a month, read from what starts it.

A state machine that calls ``startPipelineExecution`` is started by schedules, whose runs are certain, and by event
rules, whose runs are not: those count in the ceiling only, as often as the machine's cooldown lets them, and as long
as its spending cap does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlops_iac.cost.rule import Context
from mlops_iac.cost.schedules import runs_per_month
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.inputs import UnknownInputError
from mlops_iac.policies.policy import ResourceView

_MACHINE = "aws:sfn/stateMachine:StateMachine"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of a pipeline in a month, how they came about, and the monthly spending above which none starts."""

    floor: float
    ceiling: float
    basis: str
    cap_usd: float | None = None


def pipeline_runs(pipeline: ResourceView, context: Context) -> Runs:
    """The runs of a pipeline: what the system assumes for it, else what its triggers make, else the assumed number."""
    own = context.own_assumption(pipeline, "training_runs")
    if own is not None:
        return Runs(own, own, f"{own:,.10g} runs, assumed for this pipeline")
    scheduled, eventful, found = 0.0, 0.0, False
    cap: float | None = None
    for machine, states in _starters(pipeline, context):
        found = True
        scheduled += sum(_scheduled(machine, context))
        text = json.dumps(states)
        if any(context.stack.pointing_at(machine, "aws:cloudwatch/eventTarget:EventTarget", "arn")):
            cooldown = re.search(r"\$toMillis\([^)]*\) - ([0-9]+)", text)
            eventful += HOURS * 3_600_000 / (int(cooldown[1]) if cooldown else _DAY_MS)
        limit = re.search(r"\$states\.input\.spent < ([0-9.]+)", text)
        cap = float(limit[1]) if limit else cap
    if not found:
        assumed = context.assumed(pipeline, "training_runs")
        return Runs(assumed, assumed, f"{assumed:,.10g} runs, assumed")
    most = max(scheduled, eventful)
    basis = f"{scheduled:.1f} scheduled runs"
    if eventful:
        basis += f", at most {most:.1f} with events and cooldown"
    return Runs(scheduled, most, basis, cap)


def limited(runs: Runs, usd_per_run: float) -> Runs:
    """The runs that a spending cap leaves: a run starts as long as the month's spending is below it."""
    if runs.cap_usd is None or usd_per_run <= 0:
        return runs
    most = runs.cap_usd // usd_per_run + 1
    if most >= runs.ceiling:
        return runs
    basis = f"{runs.basis}, {most:.0f} within the cap of {runs.cap_usd:,.10g} USD"
    return Runs(min(runs.floor, most), most, basis, runs.cap_usd)


def _starters(pipeline: ResourceView, context: Context) -> Iterator[tuple[ResourceView, Any]]:
    name = pipeline.inputs.text("pipelineName")
    for machine in context.stack.of_type(_MACHINE):
        try:
            states = json.loads(machine.inputs.text("definition", "{}")).get("States", {})
        except (UnknownInputError, ValueError):
            continue
        for state in states.values():
            arguments = state.get("Arguments", state.get("Parameters", {}))
            starts = str(state.get("Resource", "")).endswith("sagemaker:startPipelineExecution")
            if starts and arguments.get("PipelineName") == name:
                yield machine, states
                break


def _scheduled(machine: ResourceView, context: Context) -> Iterator[float]:
    for schedule in context.stack.pointing_at(machine, "aws:scheduler/schedule:Schedule", "target"):
        yield runs_per_month(schedule.inputs.text("scheduleExpression")) or 0.0
