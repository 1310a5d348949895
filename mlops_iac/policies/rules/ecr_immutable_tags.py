"""An image tag means the same image for ever.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2
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

REPOSITORY = "aws:ecr/repository:Repository"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Tags are immutable."""
    if resource.inputs.at("imageTagMutability") == "IMMUTABLE":
        return PASS
    return fail("lets tags be moved to other images", "imageTagMutability")


POLICY = Policy(
    id="ecr-immutable-tags",
    title="Image tags are immutable",
    why="A tag that moves changes what runs without a change anybody reviewed.",
    fix="set imageTagMutability: IMMUTABLE",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(REPOSITORY,),
    controls={"aws-fsbp": ("ECR.2",), "checkov": ("CKV_AWS_51",), "eu-ai-act": ("12",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
    check=check,
    remediate=lambda *_: {"imageTagMutability": "IMMUTABLE"},
    samples=(
        passes(REPOSITORY, {"imageTagMutability": "IMMUTABLE"}),
        fails(REPOSITORY, {"imageTagMutability": "MUTABLE"}),
        fails(REPOSITORY, {}),
        waits(REPOSITORY, {"imageTagMutability": UNKNOWN}),
        ELSEWHERE,
    ),
)
