"""Streams are encrypted.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/kinesis-controls.html#kinesis-1
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
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
    passes,
    skips,
    waits,
)

STREAM = "aws:kinesis/stream:Stream"
FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
DAY = 24


def check(resource: ResourceView, stack: StackView) -> Result:
    """A stream names KMS and keeps a day; a delivery stream is encrypted unless it reads from such a stream."""
    if resource.type == FIREHOSE:
        if any(resource.inputs.has(f"{kind}SourceConfiguration") for kind in ("kinesis", "msk")):
            return NOT_APPLICABLE
        encrypted = resource.inputs.flag("serverSideEncryption.enabled")
        return PASS if encrypted else fail("does not encrypt what it buffers", "serverSideEncryption.enabled")
    if resource.inputs.at("encryptionType") != "KMS":
        return fail("does not encrypt its events", "encryptionType")
    kept = resource.inputs.number("retentionPeriod")
    if kept is not None and kept < DAY:
        return fail(f"keeps events for {kept:g} hours only", "retentionPeriod")
    return PASS


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    if resource.type == FIREHOSE:
        return {"serverSideEncryption.enabled": True}
    keyed = resource.inputs.has("kmsKeyId")
    short = (resource.inputs.number("retentionPeriod") or DAY) < DAY
    return {
        "encryptionType": "KMS",
        **({} if keyed else {"kmsKeyId": "alias/aws/kinesis"}),
        **({"retentionPeriod": DAY} if short else {}),
    }


POLICY = Policy(
    id="kinesis-encrypted",
    title="Streams are encrypted with KMS",
    why="Events wait in a stream for hours or days, personal data included.",
    fix="set encryptionType: KMS with kmsKeyId (serverSideEncryption.enabled of a delivery stream)",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(STREAM, FIREHOSE),
    controls={
        "aws-fsbp": ("Kinesis.1", "Kinesis.3", "DataFirehose.1"),
        "checkov": ("CKV_AWS_43", "CKV_AWS_185", "CKV_AWS_240"),
        "cdk-nag": ("AwsSolutions-KDS1",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/kinesis-controls.html#kinesis-1",
    check=check,
    remediate=_remediate,
    samples=(
        passes(STREAM, {"encryptionType": "KMS", "kmsKeyId": UNKNOWN}),
        fails(STREAM, {"encryptionType": "NONE"}),
        fails(STREAM, {}),
        fails(FIREHOSE, {"destination": "extended_s3"}),
        waits(STREAM, {"encryptionType": UNKNOWN}),
        skips(FIREHOSE, {"kinesisSourceConfiguration": {"kinesisStreamArn": "arn:stream", "roleArn": "arn:role"}}),
    ),
)
