"""Every bucket that is not itself a log bucket writes an access log.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9
"""

from __future__ import annotations

from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    neighbour,
    sample,
    sample_urn,
)

BUCKET = "aws:s3/bucket:Bucket"
LOGGING = "aws:s3/bucketLogging:BucketLogging"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A logging configuration points at the bucket, or the bucket is where logs go."""
    if any(stack.pointing_at(resource, LOGGING, "bucket")):
        return PASS
    if any(stack.pointing_at(resource, LOGGING, "targetBucket")):
        return NOT_APPLICABLE
    return fail("writes no access log")


POLICY = Policy(
    id="s3-access-logging",
    title="Buckets write access logs",
    why="Without the log nobody can say afterwards who read or took the data.",
    fix="set access_log: true, or add a BucketLogging resource that targets the log bucket",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(BUCKET,),
    controls={"fsbp": ("S3.9",), "hipaa": ("164.312(b)",), "gdpr": ("30",), "eu-ai-act": ("12",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-9",
    check=check,
    samples=(
        sample(Verdict.FAIL, BUCKET, {}),
        sample(Verdict.PASS, BUCKET, {}, neighbour(LOGGING, {}, sample_urn(BUCKET), "bucket")),
        sample(Verdict.NOT_APPLICABLE, BUCKET, {}, neighbour(LOGGING, {}, sample_urn(BUCKET), "targetBucket")),
    ),
)
