"""Buckets get rid of what is no longer needed.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-13
"""

from __future__ import annotations

from mlops_iac.policies.buckets import BUCKET, LIFECYCLE
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
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """Some enabled rule exists, and one of them aborts incomplete uploads."""
    rules = [rule for rule in resource.inputs.each("lifecycleRules") if rule.flag("enabled")]
    for lifecycle in stack.pointing_at(resource, LIFECYCLE, "bucket"):
        rules += [rule for rule in lifecycle.inputs.each("rules") if rule.text("status") == "Enabled"]
    if not rules:
        return fail("keeps everything for ever")
    aborts = ("abortIncompleteMultipartUpload", "abortIncompleteMultipartUploadDays")
    if any(rule.has(name) for rule in rules for name in aborts):
        return PASS
    return fail("keeps the parts of uploads that were never finished")


_ABORT = {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}


POLICY = Policy(
    id="s3-lifecycle-configured",
    title="Buckets have a lifecycle",
    why="Data that nobody needs costs money, and data about people may not be kept without end.",
    fix="add expiration or transition rules, and one that aborts incomplete multipart uploads",
    settings=("buckets.*.keep", "buckets.*.keep_versions"),
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.ADVISORY,
    applies_to=(BUCKET,),
    controls={"aws-fsbp": ("S3.13",), "checkov": ("CKV2_AWS_61", "CKV_AWS_300"), "gdpr": ("5(1)(e)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-13",
    check=check,
    samples=(
        passes(BUCKET, {}, neighbour(LIFECYCLE, {"rules": [_ABORT]}, sample_urn(BUCKET), "bucket")),
        passes(BUCKET, {"lifecycleRules": [{"enabled": True, "abortIncompleteMultipartUploadDays": 7}]}),
        fails(BUCKET, {}, neighbour(LIFECYCLE, {"rules": [{"status": "Enabled"}]}, sample_urn(BUCKET), "bucket")),
        fails(
            BUCKET,
            {},
            neighbour(LIFECYCLE, {"rules": [{**_ABORT, "status": "Disabled"}]}, sample_urn(BUCKET), "bucket"),
        ),
        fails(BUCKET, {}),
        ELSEWHERE,
    ),
)
