"""A person approves what a high-risk system runs, and it can be stopped.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_14
"""

from __future__ import annotations

from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
)
from mlops_iac.policies.serving import ENDPOINT

GROUP = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
MACHINE = "aws:sfn/stateMachine:StateMachine"
REVIEW = "aws:sagemaker/flowDefinition:FlowDefinition"
STOP = "deploymentConfig.autoRollbackConfiguration.alarms"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Outside dev, somebody approves versions for the environment, and alarms bring an earlier version back."""
    if not stack.system.high_risk or stack.system.environment == "dev":
        return NOT_APPLICABLE
    if not stack.once(_approved):
        return fail("serves a high-risk system whose versions nobody approves")
    return PASS if resource.inputs.has(STOP) else fail("has no way back to the version before", STOP)


def _approved(stack: StackView) -> bool:
    tag = f"approval:{stack.system.environment}"
    groups = [group.tags.get(tag) for group in stack.of_type(GROUP)]
    machines = (m.inputs.text("definition") for m in stack.of_type(MACHINE) if m.inputs.is_known("definition"))
    return (
        stack.system.approval in ("one_person", "two_person")
        or any(who not in (None, "automatic") for who in groups)
        or any(stack.of_type(REVIEW))
        or any(".waitForTaskToken" in definition for definition in machines)
    )


_STOPPED = {"deploymentConfig": {"autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]}}}
_HIGH = SystemView(risk_class="high", environment="prod")
_GROUP = neighbour(GROUP, {"tags": {"approval:prod": "two_person"}})


POLICY = Policy(
    id="gov-human-oversight-for-high-risk",
    title="High-risk systems have human approval and a way back",
    why="Somebody has to be able to say no before a decision system changes, and to stop it afterwards.",
    fix="set the model's approval for the stage to one_person or two_person, and rollout.rollback_on of the endpoint",
    settings=("models.*.approval", "endpoints.*.rollout.rollback_on"),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT,),
    controls={"eu-ai-act": ("14",), "gdpr": ("22",), "nist-ai-rmf": ("MANAGE-2.4",)},
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_14",
    check=check,
    samples=(
        passes(ENDPOINT, _STOPPED, _GROUP, system=_HIGH),
        passes(
            ENDPOINT,
            _STOPPED,
            neighbour(MACHINE, {"definition": '{"Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}'}),
            system=_HIGH,
        ),
        fails(ENDPOINT, _STOPPED, system=_HIGH),
        fails(ENDPOINT, _STOPPED, neighbour(GROUP, {"tags": {"approval:prod": "automatic"}}), system=_HIGH),
        fails(ENDPOINT, {}, _GROUP, system=_HIGH),
        skips(ENDPOINT, {}),
    ),
    spans=True,
)
