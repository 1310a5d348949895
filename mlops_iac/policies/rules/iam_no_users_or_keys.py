"""People and programs use roles, not users with lasting keys.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.policy import (
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
)

USERS: Final = (
    "aws:iam/user:User",
    "aws:iam/accessKey:AccessKey",
    "aws:iam/userLoginProfile:UserLoginProfile",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """The resource should not be there, unless a key was made inactive."""
    if resource.inputs.at("status") == "Inactive":
        return PASS
    return fail("gives lasting credentials")


POLICY = Policy(
    id="iam-no-users-or-keys",
    title="No IAM users, access keys or console logins",
    why="A lasting key leaks sooner or later, and works from everywhere until somebody notices.",
    fix="use roles, IAM Identity Center or EKS Pod Identity",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.ADVISORY,
    applies_to=USERS,
    controls={
        "aws-fsbp": ("IAM.2", "IAM.3"),
        "checkov": ("CKV_AWS_273",),
        "aws-guard": ("access-keys-rotated", "mfa-enabled-for-iam-console-access"),
        "hipaa": ("164.312(d)",),
    },
    source_url="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles",
    check=check,
    samples=(
        passes(USERS[1], {"user": "build", "status": "Inactive"}),
        fails(USERS[0], {"name": "build"}),
        fails(USERS[1], {"user": "build"}),
        skips("aws:iam/role:Role", {}),
    ),
)
