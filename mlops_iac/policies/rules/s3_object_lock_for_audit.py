"""Audit logs and released models cannot be changed or deleted before their time.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.buckets import BUCKET, TRAIL, data_role, receives_access_logs
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
    neighbour,
    passes,
    sample_urn,
    skips,
)

LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
LOCKED_ROLES: Final = frozenset({"audit-log", "released-model"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """A bucket that holds what a trail writes, or says that it holds such things, has a default retention."""
    trails = any(stack.pointing_at(resource, TRAIL, "s3BucketName"))
    if receives_access_logs(resource, stack) or not (trails or data_role(resource) in LOCKED_ROLES):
        return NOT_APPLICABLE
    if resource.inputs.has("objectLockConfiguration.rule.defaultRetention"):
        return PASS
    if any(lock.inputs.has("rule.defaultRetention") for lock in stack.pointing_at(resource, LOCK, "bucket")):
        return PASS
    return fail("lets audit records be deleted before their time")


_AUDIT = {"tags": {"data-role": "audit-log"}}


POLICY = Policy(
    id="s3-object-lock-for-audit",
    title="Audit logs and released models are locked",
    why="A log that an attacker or an administrator can delete proves nothing.",
    fix="create the bucket with objectLockEnabled and a default retention (security.audit.object_lock)",
    settings=("security.audit.object_lock",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(BUCKET,),
    controls={
        "aws-security-hub": ("S3.15",),
        "checkov": ("CKV_AWS_143",),
        "hipaa": ("164.316(b)(2)(i)",),
        "eu-ai-act": ("12", "18", "19"),
    },
    source_url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html",
    check=check,
    samples=(
        passes(
            BUCKET,
            _AUDIT,
            neighbour(
                LOCK, {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 365}}}, sample_urn(BUCKET), "bucket"
            ),
        ),
        fails(BUCKET, _AUDIT),
        fails(BUCKET, {}, neighbour(TRAIL, {}, sample_urn(BUCKET), "s3BucketName")),
        skips(BUCKET, {}),
    ),
)
