"""Models run without a way to the internet.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-5
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
from mlops_iac.policies.serving import MODEL


def check(resource: ResourceView, stack: StackView) -> Result:
    """Network isolation is on."""
    if resource.inputs.flag("enableNetworkIsolation"):
        return PASS
    return fail("can reach the network from its container", "enableNetworkIsolation")


POLICY = Policy(
    id="sagemaker-model-network-isolation",
    title="Models run in isolation",
    why="Code in a model file could send requests, and the data in them, anywhere.",
    fix="set enableNetworkIsolation; this replaces the model",
    settings=("security.network_isolation",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(MODEL,),
    controls={
        "aws-fsbp": ("SageMaker.5",),
        "checkov": ("CKV_AWS_370",),
        "hipaa": ("164.312(e)(1)",),
        "gdpr": ("32(1)(b)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-5",
    check=check,
    samples=(
        passes(MODEL, {"enableNetworkIsolation": True}),
        fails(MODEL, {"enableNetworkIsolation": False}),
        fails(MODEL, {}),
        waits(MODEL, {"enableNetworkIsolation": UNKNOWN}),
        ELSEWHERE,
    ),
)
