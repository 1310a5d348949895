"""Step Functions state machines of the standard type: transitions between states, each state counted once a run.

Source: https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if resource.inputs.text("type", "STANDARD") != "STANDARD":
        yield Gap("express runs", "no assumption says how long they take")
        return
    states = len(json.loads(resource.inputs.text("definition", "{}")).get("States", {}))
    runs = context.assumed(resource, "workflow_runs")
    yield context.charge(
        "transitions",
        "step-functions",
        "standard-state-transitions",
        runs * states / 1e6,
        basis=f"{runs:,.10g} runs assumed x {states} states",
    )


RULES = (Rule(("aws:sfn/stateMachine:StateMachine",), "https://aws.amazon.com/step-functions/pricing/", _price),)
