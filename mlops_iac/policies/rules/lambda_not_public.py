"""Nobody outside may call a function.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-1
"""

from __future__ import annotations

from typing import Final

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

PERMISSION = "aws:lambda/permission:Permission"
LIMITS: Final = ("sourceArn", "sourceAccount", "principalOrgId")


def check(resource: ResourceView, stack: StackView) -> Result:
    """The principal is not ``*``, and a service principal has a source."""
    principal = resource.inputs.text("principal")
    limited = any(resource.inputs.has(name) for name in LIMITS)
    if principal == "*" and not resource.inputs.has("principalOrgId"):
        return fail("lets everybody call the function", "principal")
    if principal.endswith(".amazonaws.com") and not limited:
        return fail(f"lets {principal} call the function for any account", "sourceArn")
    return PASS


POLICY = Policy(
    id="lambda-not-public",
    title="Functions cannot be called by everybody",
    why="A permission for a service without a source lets every account's use of that service call the function.",
    fix="name the principal, and add sourceArn or sourceAccount for a service",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(PERMISSION,),
    controls={"aws-fsbp": ("Lambda.1",), "checkov": ("CKV_AWS_301", "CKV_AWS_364"), "hipaa": ("164.312(a)(1)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-1",
    check=check,
    samples=(
        passes(PERMISSION, {"principal": "sns.amazonaws.com", "sourceArn": UNKNOWN}),
        fails(PERMISSION, {"principal": "sns.amazonaws.com"}),
        fails(PERMISSION, {"principal": "*"}),
        waits(PERMISSION, {"principal": UNKNOWN}),
        ELSEWHERE,
    ),
)
