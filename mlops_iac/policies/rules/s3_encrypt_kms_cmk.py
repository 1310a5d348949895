"""Buckets are encrypted with a customer-managed key.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET, LOGGING, receives_access_logs
from mlops_iac.policies.inputs import Inputs
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
    waits,
    worst,
)

ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
DEFAULT = "applyServerSideEncryptionByDefault"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every rule names a KMS algorithm and a key. S3 delivers access logs only to buckets with its own keys."""
    if resource.type == BUCKET:
        own = "serverSideEncryptionConfiguration.rule"
        configured = resource.inputs.has(own) or any(stack.pointing_at(resource, ENCRYPTION, "bucket"))
        if receives_access_logs(resource, stack):
            return NOT_APPLICABLE
        if not configured:
            return fail("has no encryption of its own")
        rules = list(resource.inputs.each(own))
    else:
        if any(receives_access_logs(bucket, stack) for bucket in stack.targets_of(resource, "bucket", BUCKET)):
            return NOT_APPLICABLE
        rules = list(resource.inputs.each("rules"))
        if not rules:
            return fail("has no encryption rule", "rules")
    return worst(rules, _own_key) if rules else PASS


def _own_key(rule: Inputs) -> Result:
    if rule.at(f"{DEFAULT}.sseAlgorithm") in ("aws:kms", "aws:kms:dsse") and rule.has(f"{DEFAULT}.kmsMasterKeyId"):
        return PASS
    return fail("is not encrypted with a customer-managed key", rule.path)


_KMS = {"rules": [{DEFAULT: {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "arn:key"}}]}
_AES = {"rules": [{DEFAULT: {"sseAlgorithm": "AES256"}}]}
_LOGS = neighbour(LOGGING, {}, sample_urn(BUCKET), "targetBucket")


POLICY = Policy(
    id="s3-encrypt-kms-cmk",
    title="Buckets are encrypted with a customer-managed key",
    why="Only an own key can be revoked, audited and limited to those who may read the data.",
    fix="set sseAlgorithm aws:kms and kmsMasterKeyId, and turn the bucket key on",
    settings=("buckets.*.classification",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENCRYPTION, BUCKET),
    controls={
        "aws-security-hub": ("S3.17",),
        "checkov": ("CKV_AWS_145", "CKV_AWS_19"),
        "cdk-nag": ("HIPAA.Security-S3DefaultEncryptionKMS",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17",
    check=check,
    samples=(
        passes(ENCRYPTION, _KMS),
        passes(ENCRYPTION, {"rules": [{DEFAULT: {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}}]}),
        fails(ENCRYPTION, _AES),
        fails(ENCRYPTION, {"rules": []}),
        waits(ENCRYPTION, {"rules": [{DEFAULT: {"sseAlgorithm": UNKNOWN, "kmsMasterKeyId": "arn:key"}}]}),
        passes(BUCKET, {}, neighbour(ENCRYPTION, _KMS, sample_urn(BUCKET), "bucket")),
        fails(BUCKET, {}),
        skips(BUCKET, {}, _LOGS),
    ),
)
