"""Retraining is judged before it counts, and cannot run away.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_15
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
    waits,
)
from mlops_iac.policies.training import PIPELINE

SCHEDULE_TYPE = "aws:scheduler/schedule:Schedule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
MACHINE = "aws:sfn/stateMachine:StateMachine"
ARN: Final = re.compile(r"^arn:aws[a-z-]*:sagemaker:[^:]*:[^:]*:pipeline/")
STARTS: Final = re.compile(r"sagemaker:(startPipelineExecution|createTrainingJob)", re.IGNORECASE)
DEPLOYS: Final = re.compile(r"sagemaker:(create|update)Endpoint\b", re.IGNORECASE)


def check(resource: ResourceView, stack: StackView) -> Result:
    """No event starts a pipeline by itself, a schedule only one that judges; a machine decides and deploys nothing."""
    if resource.type == MACHINE:
        return _machine(resource.inputs.text("definition"))
    input, path = ("arn", "arn") if resource.type == TARGET else ("target", "target.arn")
    pipelines = [p for p in stack.of_type(PIPELINE) if p.urn in resource.sources.get(input, ())]
    if not pipelines and not (resource.inputs.is_known(path) and ARN.match(resource.inputs.text(path))):
        return NOT_APPLICABLE
    if resource.type == TARGET:
        return fail("starts a pipeline at every event, however often it comes", path)
    if pipelines and all('"Condition"' in p.inputs.text("pipelineDefinition") for p in pipelines):
        return PASS
    return fail("starts a pipeline that is not known to judge what it trained", path)


def _machine(definition: str) -> Result:
    if not STARTS.search(definition):
        return NOT_APPLICABLE
    if DEPLOYS.search(definition):
        return fail("trains and deploys without anybody in between", "definition")
    return PASS if '"Choice"' in definition else fail("starts a training whatever happened before", "definition")


def _states(*resources: str, choice: bool = True) -> dict[str, Any]:
    states = {
        str(index): {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{name}"}
        for index, name in enumerate(resources)
    }
    return {"definition": json.dumps({"States": {**states, "Ask": {"Type": "Choice" if choice else "Pass"}}})}


_PIPELINE = neighbour(PIPELINE, {"pipelineDefinition": '{"Steps": [{"Type": "Condition"}]}'})
_BARE = neighbour(PIPELINE, {"pipelineDefinition": '{"Steps": []}'})


POLICY = Policy(
    id="gov-retraining-guarded",
    title="Retraining has a gate, a rate limit and no way into production",
    why="A model that retrains on its own answers can drift faster than anybody looks, and spend without end.",
    fix="start pipelines through a state machine that checks cooldown and concurrency; register, do not deploy",
    settings=("retraining.*.cooldown", "retraining.*.concurrency"),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(SCHEDULE_TYPE, TARGET, MACHINE),
    controls={"eu-ai-act": ("15(4)", "9"), "nist-ai-rmf": ("MANAGE-4.2",)},
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_15",
    check=check,
    samples=(
        passes(MACHINE, _states("sagemaker:startPipelineExecution")),
        fails(MACHINE, _states("sagemaker:startPipelineExecution", choice=False)),
        fails(MACHINE, _states("sagemaker:startPipelineExecution", "sagemaker:updateEndpoint")),
        skips(MACHINE, _states("sns:publish")),
        waits(MACHINE, {"definition": UNKNOWN}),
        passes(SCHEDULE_TYPE, {"scheduleExpression": "rate(7 days)"}, _PIPELINE, sources={"target": _PIPELINE.urn}),
        fails(SCHEDULE_TYPE, {"scheduleExpression": "rate(7 days)"}, _BARE, sources={"target": _BARE.urn}),
        fails(TARGET, {"arn": "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/train"}),
        skips(SCHEDULE_TYPE, {"target": {"arn": "arn:aws:states:eu-west-1:111122223333:stateMachine:guard"}}),
    ),
    spans=True,
)
