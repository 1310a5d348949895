"""Buckets record who read what.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9
"""

from __future__ import annotations

from mlops_iac.policies.buckets import BUCKET, LOGGING, receives_access_logs
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


def check(resource: ResourceView, stack: StackView) -> Result:
    """A logging configuration points at the bucket, or the bucket is where logs go."""
    if any(stack.pointing_at(resource, LOGGING, "bucket")) or resource.inputs.has("logging.targetBucket"):
        return PASS
    return NOT_APPLICABLE if receives_access_logs(resource, stack) else fail("writes no access log")


POLICY = Policy(
    id="s3-access-logging",
    title="Buckets write access logs",
    why="Without the log nobody can say afterwards who read or took the data.",
    fix="set access_log: true, or add a BucketLogging resource that targets the log bucket",
    settings=("buckets.*.access_log",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(BUCKET,),
    controls={
        "aws-fsbp": ("S3.9",),
        "checkov": ("CKV_AWS_18",),
        "cdk-nag": ("AwsSolutions-S1",),
        "aws-guard": ("s3-bucket-logging-enabled",),
        "hipaa": ("164.312(b)",),
        "gdpr": ("30",),
        "eu-ai-act": ("12",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9",
    check=check,
    samples=(
        passes(BUCKET, {}, neighbour(LOGGING, {}, sample_urn(BUCKET), "bucket")),
        fails(BUCKET, {}),
        skips(BUCKET, {}, neighbour(LOGGING, {}, sample_urn(BUCKET), "targetBucket")),
    ),
)
