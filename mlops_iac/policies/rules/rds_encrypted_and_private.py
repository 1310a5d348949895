"""Databases are encrypted and have no public address.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-3
"""

from __future__ import annotations

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

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Storage is encrypted and the database is private; a replica takes its source's encryption."""
    if resource.inputs.flag("publiclyAccessible"):
        return fail("has a public address", "publiclyAccessible")
    if resource.inputs.has("replicateSourceDb") or resource.inputs.has("replicationSourceIdentifier"):
        return NOT_APPLICABLE
    return PASS if resource.inputs.flag("storageEncrypted") else fail("is not encrypted", "storageEncrypted")


POLICY = Policy(
    id="rds-encrypted-and-private",
    title="Databases are encrypted and private",
    why="Encryption cannot be turned on later without a copy, and a public database is attacked from its first minute.",
    fix="set storageEncrypted: true (replaces the instance) and publiclyAccessible: false",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(INSTANCE, CLUSTER),
    controls={
        "aws-fsbp": ("RDS.2", "RDS.3", "RDS.27"),
        "checkov": ("CKV_AWS_16", "CKV_AWS_17", "CKV_AWS_96"),
        "cdk-nag": ("AwsSolutions-RDS2",),
        "aws-guard": ("rds-storage-encrypted", "rds-instance-public-access"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-3",
    check=check,
    remediate=lambda resource, _: {"publiclyAccessible": False} if resource.inputs.flag("publiclyAccessible") else {},
    samples=(
        passes(INSTANCE, {"storageEncrypted": True, "publiclyAccessible": False}),
        fails(INSTANCE, {}),
        fails(CLUSTER, {"storageEncrypted": False}),
        fails(INSTANCE, {"storageEncrypted": True, "publiclyAccessible": True}),
        waits(INSTANCE, {"storageEncrypted": UNKNOWN}),
        skips(INSTANCE, {"replicateSourceDb": "primary"}),
    ),
)
