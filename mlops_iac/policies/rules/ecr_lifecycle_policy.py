"""Image repositories get rid of old images, but not of those in use.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-3
"""

from __future__ import annotations

import json
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import parsed
from mlops_iac.policies.inputs import Inputs
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
    neighbour,
    passes,
    waits,
    worst,
)

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A repository has a policy; a policy does not expire tagged images by age alone."""
    if resource.type == REPOSITORY:
        named = any(stack.pointing_at(resource, LIFECYCLE_POLICY, "repository"))
        return PASS if named else fail("keeps every image for ever")
    return worst(parsed(resource.inputs.at("policy"), "policy").each("rules"), _keeps_deployed)


def _keeps_deployed(rule: Inputs) -> Result:
    by_age = rule.at("selection.countType") == "sinceImagePushed"
    if by_age and rule.at("selection.tagStatus") != "untagged":
        return fail("expires tagged images by age, though one may be deployed", "policy")
    return PASS


def _policy(status: str, count: str) -> dict[str, Any]:
    selection = {"tagStatus": status, "countType": count, "countNumber": 30}
    return {"policy": json.dumps({"rules": [{"rulePriority": 1, "selection": selection}]})}


POLICY = Policy(
    id="ecr-lifecycle-policy",
    title="Image repositories have a lifecycle policy",
    why="Training images are gigabytes each, and every push adds one.",
    fix="add a LifecyclePolicy that expires untagged images and keeps a number of tagged ones",
    settings=("images.*.keep_tagged", "images.*.keep_untagged"),
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.ADVISORY,
    applies_to=(REPOSITORY, LIFECYCLE_POLICY),
    controls={"aws-fsbp": ("ECR.3",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-3",
    check=check,
    samples=(
        passes(REPOSITORY, {"name": "r"}, neighbour(LIFECYCLE_POLICY, {"repository": "r"})),
        fails(REPOSITORY, {"name": "r"}),
        passes(LIFECYCLE_POLICY, _policy("untagged", "sinceImagePushed")),
        fails(LIFECYCLE_POLICY, _policy("any", "sinceImagePushed")),
        waits(LIFECYCLE_POLICY, {"policy": UNKNOWN}),
        ELSEWHERE,
    ),
)
