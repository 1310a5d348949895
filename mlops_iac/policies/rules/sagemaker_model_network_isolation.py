"""Models run without a way to the internet.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html
"""

from __future__ import annotations

from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    sample,
)

TOKEN = "aws:sagemaker/model:Model"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Network isolation is on."""
    if resource.inputs.get("enableNetworkIsolation") is True:
        return PASS
    return fail("can reach the internet from its container", "enableNetworkIsolation")


POLICY = Policy(
    id="sagemaker-model-network-isolation",
    title="Models run in isolation",
    why="Code in a model file could send requests, and the data in them, anywhere.",
    fix="set enableNetworkIsolation; this replaces the model",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={"fsbp": ("SageMaker.5",), "hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"enableNetworkIsolation": True}),
        sample(Verdict.FAIL, TOKEN, {"enableNetworkIsolation": False}),
        sample(Verdict.FAIL, TOKEN, {}),
    ),
)
