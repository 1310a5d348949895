"""Nobody is given one of the very broad managed policies.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-18
"""

from __future__ import annotations

from typing import Final

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
    passes,
    skips,
    waits,
)

ATTACHMENTS: Final = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
)
ROLE = "aws:iam/role:Role"
BROAD: Final = (
    "/AdministratorAccess",
    "/AmazonS3FullAccess",
    "/AmazonSageMakerFullAccess",
    "/IAMFullAccess",
    "/PowerUserAccess",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """None of the broad policies is attached."""
    path = "managedPolicyArns" if resource.type == ROLE else "policyArn"
    if not resource.inputs.has(path):
        return NOT_APPLICABLE
    for arn in resource.inputs.list(path):
        if str(arn).endswith(BROAD):
            return fail(f"attaches {str(arn).rpartition('/')[2]}", path)
    return PASS


_AWS = "arn:aws:iam::aws:policy"


POLICY = Policy(
    id="iam-no-managed-admin-attachment",
    title="Roles do not have administrator policies attached",
    why="The managed policies of this kind allow far more than an ML workload needs, and grow without notice.",
    fix="attach a policy of your own that names actions and resources",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(*ATTACHMENTS, ROLE),
    controls={
        "checkov": ("CKV_AWS_274", "CKV2_AWS_56", "CKV2_AWS_68"),
        "cdk-nag": ("AwsSolutions-IAM4",),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-18",
    check=check,
    samples=(
        passes(ATTACHMENTS[0], {"policyArn": f"{_AWS}/AmazonEKSClusterPolicy"}),
        fails(ATTACHMENTS[0], {"policyArn": f"{_AWS}/AdministratorAccess"}),
        fails(ROLE, {"managedPolicyArns": [f"{_AWS}/AmazonSageMakerFullAccess"]}),
        waits(ATTACHMENTS[0], {"policyArn": UNKNOWN}),
        skips(ROLE, {}),
    ),
)
