"""Buckets are encrypted with a customer-managed key.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17
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
    sample,
)

ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
LOG_TARGET = ("aws:s3/bucketLogging:BucketLogging", "targetBucket")


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every rule names a KMS algorithm and a key; log delivery buckets are exempt, S3 cannot write to them with a CMK."""
    if _receives_logs(resource, stack):
        return NOT_APPLICABLE
    rules = resource.inputs.get("rules") or []
    for index, rule in enumerate(rules):
        default = rule.get("applyServerSideEncryptionByDefault") or {}
        if default.get("sseAlgorithm") not in ("aws:kms", "aws:kms:dsse") or not default.get("kmsMasterKeyId"):
            return fail("is not encrypted with a customer-managed key", f"rules[{index}]")
    return PASS if rules else fail("has no encryption rule", "rules")


def _receives_logs(resource: ResourceView, stack: StackView) -> bool:
    buckets = resource.sources.get("bucket", frozenset())
    token, name = LOG_TARGET
    return any(buckets & logging.sources.get(name, frozenset()) for logging in stack.of_type(token))


POLICY = Policy(
    id="s3-encrypt-kms-cmk",
    title="Buckets are encrypted with a customer-managed key",
    why="Only an own key can be revoked, audited and limited to those who may read the data.",
    fix="set sseAlgorithm aws:kms and kmsMasterKeyId, and turn the bucket key on",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENCRYPTION,),
    controls={
        "securityhub": ("S3.17",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-17",
    check=check,
    samples=(
        sample(
            Verdict.PASS,
            ENCRYPTION,
            {
                "rules": [
                    {
                        "applyServerSideEncryptionByDefault": {
                            "sseAlgorithm": "aws:kms",
                            "kmsMasterKeyId": "arn:key",
                        }
                    }
                ]
            },
        ),
        sample(
            Verdict.FAIL,
            ENCRYPTION,
            {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        ),
        sample(Verdict.FAIL, ENCRYPTION, {"rules": []}),
    ),
)
