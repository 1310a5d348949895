"""An image tag means the same image for ever.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2
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

TOKEN = "aws:ecr/repository:Repository"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Tags are immutable."""
    if resource.inputs.get("imageTagMutability") == "IMMUTABLE":
        return PASS
    return fail("lets tags be moved to other images", "imageTagMutability")


POLICY = Policy(
    id="ecr-immutable-tags",
    title="Image tags are immutable",
    why="A tag that moves changes what runs without a change anybody reviewed.",
    fix="set imageTagMutability: IMMUTABLE",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={"fsbp": ("ECR.2",), "eu-ai-act": ("12",), "ml-governance": ("lineage",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-2",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"imageTagMutability": "IMMUTABLE"}),
        sample(Verdict.FAIL, TOKEN, {"imageTagMutability": "MUTABLE"}),
        sample(Verdict.FAIL, TOKEN, {}),
    ),
)
