"""Bucket policies name who may read.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET, BUCKET_POLICY
from mlops_iac.policies.documents import documents, open_to_all
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


def check(resource: ResourceView, stack: StackView) -> Result:
    """No statement allows everybody without a limiting condition."""
    for path, found in documents(resource, "policy"):
        if any(open_to_all(statement) for statement in found):
            return fail("allows everybody", path)
        return PASS
    return NOT_APPLICABLE


def _policy(principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}
    return {"policy": {"Statement": [statement | ({"Condition": condition} if condition else {})]}}


POLICY = Policy(
    id="s3-policy-no-open-principal",
    title="Bucket policies are not open to everybody",
    why="A statement for everybody publishes the data, or publishes it on the day somebody removes the access block.",
    fix="name the principals, or add a condition on aws:PrincipalOrgID, aws:SourceVpce or aws:SourceAccount",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET_POLICY, BUCKET),
    controls={
        "aws-fsbp": ("S3.6",),
        "checkov": ("CKV_AWS_70",),
        "cdk-nag": ("AwsSolutions-S5",),
        "hipaa": ("164.312(a)(1)",),
        "gdpr": ("32(1)(b)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status",
    check=check,
    samples=(
        passes(BUCKET_POLICY, _policy({"AWS": "111122223333"})),
        passes(BUCKET_POLICY, _policy("*", {"StringEquals": {"aws:PrincipalOrgID": "o-example"}})),
        fails(BUCKET_POLICY, _policy("*")),
        fails(BUCKET_POLICY, _policy({"AWS": ["111122223333", "*"]})),
        fails(BUCKET_POLICY, _policy("*", {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-example"}})),
        waits(BUCKET_POLICY, {"policy": UNKNOWN}),
        skips(BUCKET, {}),
    ),
)
