"""Every bucket blocks public access in all four ways.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html
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
    neighbour,
    sample,
    sample_urn,
    text_of,
)

BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ALL_ON = dict.fromkeys(FLAGS, True)


def check(resource: ResourceView, stack: StackView) -> Result:
    """A block has all four flags; a bucket has a block."""
    if resource.type == BUCKET:
        blocked = any(stack.pointing_at(resource, BLOCK, "bucket"))
        return PASS if blocked else fail("has no public access block")
    missing = [flag for flag in FLAGS if resource.inputs.get(flag) is not True]
    return fail(f"does not set {text_of(missing)}", missing[0]) if missing else PASS


POLICY = Policy(
    id="s3-block-public-access",
    title="Buckets block public access",
    why="One wrong ACL or bucket policy would publish training data; the block overrules both.",
    fix="add a BucketPublicAccessBlock for the bucket with all four flags true",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BLOCK, BUCKET),
    controls={
        "fsbp": ("S3.1", "S3.8"),
        "cis": ("2.1.4",),
        "hipaa": ("164.312(a)(1)",),
        "gdpr": ("25", "32(1)(b)"),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html",
    check=check,
    samples=(
        sample(Verdict.PASS, BLOCK, _ALL_ON),
        sample(Verdict.FAIL, BLOCK, {**_ALL_ON, "ignorePublicAcls": False}),
        sample(Verdict.FAIL, BUCKET, {"bucket": "data"}),
        sample(Verdict.PASS, BUCKET, {"bucket": "data"}, neighbour(BLOCK, _ALL_ON, sample_urn(BUCKET), "bucket")),
    ),
)
