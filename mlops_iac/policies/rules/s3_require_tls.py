"""Every bucket refuses requests without TLS.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET, BUCKET_POLICY
from mlops_iac.policies.documents import conditions, documents, principals, texts
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    fails,
    neighbour,
    passes,
    sample_urn,
    waits,
    worst,
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """Some policy of the bucket denies everything where aws:SecureTransport is false."""
    holders = [resource, *stack.pointing_at(resource, BUCKET_POLICY, "bucket")]
    held = (path for holder in holders for path in documents(holder, "policy"))
    found = worst(held, lambda held: fail("") if any(map(_denies_plain_http, held[1])) else PASS)
    if found.verdict is Verdict.FAIL:
        return PASS
    return found if found.verdict is Verdict.UNKNOWN else fail("accepts requests without TLS")


def _denies_plain_http(statement: Inputs) -> bool:
    insecure = [value for _, values in conditions(statement, "aws:SecureTransport") for value in values]
    return (
        statement.at("Effect") == "Deny"
        and principals(statement) == ["*"]
        and bool({"*", "s3:*"} & set(texts(statement, "Action")))
        and [value.lower() for value in insecure] == ["false"]
    )


def _denial(action: str) -> dict[str, Any]:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*", "Condition": condition}
    return {"policy": {"Statement": [statement]}}


POLICY = Policy(
    id="s3-require-tls",
    title="Buckets refuse requests without TLS",
    why="Without the denial, a client that uses plain HTTP sends data and credentials readable on the way.",
    fix="add a bucket policy statement that denies s3:* where aws:SecureTransport is false",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET,),
    controls={
        "aws-fsbp": ("S3.5",),
        "checkov": ("CKV_AWS_379",),
        "cdk-nag": ("AwsSolutions-S10", "HIPAA.Security-S3BucketSSLRequestsOnly"),
        "hipaa": ("164.312(e)(1)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html#s3-5",
    check=check,
    samples=(
        passes(BUCKET, {}, neighbour(BUCKET_POLICY, _denial("s3:*"), sample_urn(BUCKET), "bucket")),
        fails(BUCKET, {}, neighbour(BUCKET_POLICY, _denial("s3:GetObject"), sample_urn(BUCKET), "bucket")),
        fails(BUCKET, {}),
        waits(BUCKET, {}, neighbour(BUCKET_POLICY, {"policy": UNKNOWN}, sample_urn(BUCKET), "bucket")),
        ELSEWHERE,
    ),
)
