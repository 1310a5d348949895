"""Caches and online stores are encrypted, and ask for a password.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html#elasticache-4
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
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
    passes,
    waits,
)

REDIS = "aws:elasticache/replicationGroup:ReplicationGroup"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Encryption at rest and on the way, and a user group or token."""
    for flag in ("atRestEncryptionEnabled", "transitEncryptionEnabled"):
        if not resource.inputs.flag(flag):
            return fail(f"does not set {flag}", flag)
    if resource.inputs.text("transitEncryptionMode") == "preferred":
        return fail("still takes connections without TLS", "transitEncryptionMode")
    known = any(resource.inputs.has(name) for name in ("userGroupIds", "authToken", "authTokenWo"))
    return PASS if known else fail("answers without asking who is calling", "userGroupIds")


_ENCRYPTED = {"atRestEncryptionEnabled": True, "transitEncryptionEnabled": True}


POLICY = Policy(
    id="redis-encrypted-and-auth",
    title="Redis is encrypted and asks who is calling",
    why="An online feature store in Redis answers anybody in the network who knows a key.",
    fix="enable both encryptions and set userGroupIds, or an authToken",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(REDIS,),
    controls={
        "aws-fsbp": ("ElastiCache.4", "ElastiCache.5", "ElastiCache.6"),
        "checkov": ("CKV_AWS_29", "CKV_AWS_30", "CKV_AWS_31"),
        "cdk-nag": ("AwsSolutions-AEC3", "AwsSolutions-AEC6"),
        "hipaa": ("164.312(e)(2)(ii)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/elasticache-controls.html#elasticache-4",
    check=check,
    remediate=lambda resource, _: (
        {"transitEncryptionMode": "required"} if resource.inputs.has("transitEncryptionMode") else {}
    ),
    samples=(
        passes(REDIS, {**_ENCRYPTED, "userGroupIds": [UNKNOWN]}),
        fails(REDIS, _ENCRYPTED),
        fails(REDIS, {"userGroupIds": ["users"], "atRestEncryptionEnabled": True}),
        fails(REDIS, {**_ENCRYPTED, "userGroupIds": ["users"], "transitEncryptionMode": "preferred"}),
        waits(REDIS, {**_ENCRYPTED, "transitEncryptionEnabled": UNKNOWN}),
        ELSEWHERE,
    ),
)
