"""Every bucket refuses requests without TLS.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5
"""

from __future__ import annotations

from typing import Any

from mlops_iac.policies.documents import listed, principals, statements
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
    unknown,
)

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Some policy of the bucket denies everything where aws:SecureTransport is false."""
    documents = [policy.inputs.get("policy") for policy in stack.pointing_at(resource, BUCKET_POLICY, "bucket")]
    if any(_denies_plain_http(statement) for document in documents for statement in statements(document) or ()):
        return PASS
    if any(statements(document) is None for document in documents):
        return unknown("policy")
    return fail("accepts requests without TLS")


def _denies_plain_http(statement: dict[str, Any]) -> bool:
    condition = statement.get("Condition") or {}
    plain = {**condition.get("Bool", {}), **condition.get("BoolIfExists", {})}.get("aws:SecureTransport")
    return (
        statement.get("Effect") == "Deny"
        and principals(statement) == ["*"]
        and "s3:*" in listed(statement.get("Action"))
        and str(plain).lower() in ("false", "['false']")
    )


_DENY = {
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
}
_ALLOW = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject"}]}

POLICY = Policy(
    id="s3-require-tls",
    title="Buckets refuse requests without TLS",
    why="Without the denial, a client that uses plain HTTP sends data and credentials readable on the way.",
    fix="add a bucket policy statement that denies s3:* where aws:SecureTransport is false",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET,),
    controls={"fsbp": ("S3.5",), "cis": ("2.1.1",), "hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(a)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5",
    check=check,
    samples=(
        sample(Verdict.FAIL, BUCKET, {}),
        sample(
            Verdict.PASS,
            BUCKET,
            {},
            neighbour(BUCKET_POLICY, {"policy": _DENY}, sample_urn(BUCKET), "bucket"),
        ),
        sample(
            Verdict.FAIL,
            BUCKET,
            {},
            neighbour(BUCKET_POLICY, {"policy": _ALLOW}, sample_urn(BUCKET), "bucket"),
        ),
    ),
)
