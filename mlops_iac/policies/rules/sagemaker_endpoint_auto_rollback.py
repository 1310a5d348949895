"""A bad version of a model goes back by itself.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

from __future__ import annotations

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
    SystemView,
    fail,
    fails,
    passes,
    skips,
)
from mlops_iac.policies.serving import ENDPOINT

CONFIG = "deploymentConfig"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Outside dev, updates are blue/green or rolling and watched by an alarm."""
    if stack.system.environment == "dev":
        return NOT_APPLICABLE
    if not any(
        resource.inputs.has(f"{CONFIG}.{policy}") for policy in ("blueGreenUpdatePolicy", "rollingUpdatePolicy")
    ):
        return fail("replaces its model all at once", CONFIG)
    alarms = f"{CONFIG}.autoRollbackConfiguration.alarms"
    return PASS if resource.inputs.has(alarms) else fail("does not go back when its alarms fire", alarms)


_POLICY = {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": "CANARY", "waitIntervalInSeconds": 600}}}
_ALARMS = {"autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]}}
_PROD = SystemView(environment="prod")


POLICY = Policy(
    id="sagemaker-endpoint-auto-rollback",
    title="Endpoints roll back on alarms",
    why="A new version that fails or answers wrongly is otherwise served until somebody wakes up.",
    fix="set deploymentConfig with a blue/green or rolling policy and at least one alarm (rollout.rollback_on)",
    settings=("endpoints.*.rollout.rollback_on", "endpoints.*.rollout.strategy"),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT,),
    controls={"eu-ai-act": ("15(4)", "14(4)(e)"), "nist-ai-rmf": ("MANAGE-2.4",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html",
    check=check,
    samples=(
        passes(ENDPOINT, {CONFIG: {**_POLICY, **_ALARMS}}, system=_PROD),
        passes(ENDPOINT, {CONFIG: UNKNOWN}, system=_PROD),
        fails(ENDPOINT, {CONFIG: _POLICY}, system=_PROD),
        fails(ENDPOINT, {}, system=_PROD),
        skips(ENDPOINT, {}),
    ),
)
