"""Training runs in the VPC without a way to the internet.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
    waits,
)
from mlops_iac.policies.serving import TRAINING_JOB


def check(resource: ResourceView, stack: StackView) -> Result:
    """Isolation is on and a VPC is set."""
    if not resource.inputs.has("vpcConfig"):
        return fail("runs outside the VPC", "vpcConfig")
    isolated = resource.inputs.flag("enableNetworkIsolation")
    return PASS if isolated else fail("can reach the network while it trains", "enableNetworkIsolation")


_VPC = {"vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}}


POLICY = Policy(
    id="sagemaker-training-isolated",
    title="Training jobs run in isolation",
    why="Training code pulls in hundreds of packages and sees all the data.",
    fix="set enableNetworkIsolation and vpcConfig",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TRAINING_JOB,),
    controls={"hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    check=check,
    samples=(
        passes(TRAINING_JOB, {**_VPC, "enableNetworkIsolation": True}),
        fails(TRAINING_JOB, _VPC),
        fails(TRAINING_JOB, {"enableNetworkIsolation": True}),
        waits(TRAINING_JOB, {**_VPC, "enableNetworkIsolation": UNKNOWN}),
        ELSEWHERE,
    ),
)
