"""EventBridge Scheduler: each run of a schedule.

Source: https://aws.amazon.com/eventbridge/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.schedules import runs_per_month
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    expression = resource.inputs.text("scheduleExpression")
    runs = runs_per_month(expression)
    if runs is None:
        yield Gap("runs", f"the schedule {expression!r} is not understood")
        return
    yield context.charge("runs", "eventbridge", "scheduler-invocations", runs / 1e6, basis=f"{runs:.1f} runs")


RULES = (Rule(("aws:scheduler/schedule:Schedule",), "https://aws.amazon.com/eventbridge/pricing/", _price),)
