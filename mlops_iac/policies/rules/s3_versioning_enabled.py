"""Buckets with data keep earlier versions of it.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-14
"""

from __future__ import annotations

from mlops_iac.policies.buckets import BUCKET, LOGGING, PASSING_ROLES, VERSIONING, data_role, receives_access_logs
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
    """Versioning is on, unless the bucket only receives access logs or says that its contents can be made again."""
    if data_role(resource) in PASSING_ROLES or receives_access_logs(resource, stack):
        return NOT_APPLICABLE
    if resource.inputs.flag("versioning.enabled"):
        return PASS
    for versioning in stack.pointing_at(resource, VERSIONING, "bucket"):
        if versioning.inputs.at("versioningConfiguration.status") == "Enabled":
            return PASS
    return fail("does not keep earlier versions of its objects")


_ON = {"versioningConfiguration": {"status": "Enabled"}}
_OFF = {"versioningConfiguration": {"status": "Suspended"}}


POLICY = Policy(
    id="s3-versioning-enabled",
    title="Buckets with data are versioned",
    why="A model can be explained only while the data it was trained on still exists.",
    fix="add a BucketVersioning with status Enabled, or tag the bucket data-role: scratch",
    settings=("buckets.*.versioning",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET,),
    controls={
        "aws-security-hub": ("S3.14",),
        "checkov": ("CKV_AWS_21",),
        "cdk-nag": ("HIPAA.Security-S3BucketVersioningEnabled",),
        "hipaa": ("164.312(c)(1)",),
        "eu-ai-act": ("10", "12"),
        "nist-ai-rmf": ("MEASURE-2.1",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-14",
    check=check,
    samples=(
        passes(BUCKET, {}, neighbour(VERSIONING, _ON, sample_urn(BUCKET), "bucket")),
        passes(BUCKET, {"versioning": {"enabled": True}}),
        fails(BUCKET, {}, neighbour(VERSIONING, _OFF, sample_urn(BUCKET), "bucket")),
        fails(BUCKET, {}),
        skips(BUCKET, {"tags": {"data-role": "scratch"}}),
        skips(BUCKET, {}, neighbour(LOGGING, {}, sample_urn(BUCKET), "targetBucket")),
    ),
)
