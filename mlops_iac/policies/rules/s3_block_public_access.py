"""Every bucket blocks public access in all four ways.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-8
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET
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
    sample_urn,
    text_of,
    waits,
)

BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def check(resource: ResourceView, stack: StackView) -> Result:
    """A block has all four flags; a bucket has a block."""
    if resource.type == BUCKET:
        blocked = any(stack.pointing_at(resource, BLOCK, "bucket"))
        return PASS if blocked else fail("has no public access block")
    missing = [flag for flag in FLAGS if not resource.inputs.flag(flag)]
    return fail(f"does not set {text_of(missing)}", missing[0]) if missing else PASS


_ALL_ON = dict.fromkeys(FLAGS, True)


POLICY = Policy(
    id="s3-block-public-access",
    title="Buckets block public access",
    why="One wrong ACL or bucket policy would publish training data; the block overrules both.",
    fix="add a BucketPublicAccessBlock for the bucket with all four flags true",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BLOCK, BUCKET),
    controls={
        "aws-fsbp": ("S3.8", "S3.1"),
        "checkov": ("CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "CKV2_AWS_6"),
        "cdk-nag": ("AwsSolutions-S2",),
        "hipaa": ("164.312(a)(1)",),
        "gdpr": ("25", "32(1)(b)"),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-8",
    check=check,
    remediate=lambda resource, _: _ALL_ON if resource.type == BLOCK else {},
    samples=(
        passes(BLOCK, _ALL_ON),
        fails(BLOCK, {**_ALL_ON, "ignorePublicAcls": False}),
        waits(BLOCK, {**_ALL_ON, "ignorePublicAcls": UNKNOWN}),
        fails(BUCKET, {"bucket": "data"}),
        passes(BUCKET, {"bucket": "data"}, neighbour(BLOCK, _ALL_ON, sample_urn(BUCKET), "bucket")),
        passes(BUCKET, {"bucket": "data"}, neighbour(BLOCK, {**_ALL_ON, "bucket": "data"})),
        ELSEWHERE,
    ),
)
