"""Shared file systems are encrypted with a key.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/efs-controls.html#efs-1
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

EFS = "aws:efs/fileSystem:FileSystem"
LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"


def check(resource: ResourceView, stack: StackView) -> Result:
    """EFS is encrypted with a named key; Lustre is always encrypted, so the key is what counts (scratch takes none)."""
    if resource.type == LUSTRE and resource.inputs.text("deploymentType", "SCRATCH_1").startswith("SCRATCH"):
        return NOT_APPLICABLE
    if resource.type == EFS and not resource.inputs.flag("encrypted"):
        return fail("is not encrypted", "encrypted")
    return PASS if resource.inputs.has("kmsKeyId") else fail("has no key of its own", "kmsKeyId")


POLICY = Policy(
    id="shared-filesystem-kms",
    title="Shared file systems are encrypted with a key",
    why="Training scratch space collects copies of every data set.",
    fix="set encrypted: true and kmsKeyId; this replaces the file system",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(EFS, LUSTRE),
    controls={
        "aws-fsbp": ("EFS.1", "EFS.8"),
        "checkov": ("CKV_AWS_184", "CKV_AWS_190"),
        "cdk-nag": ("AwsSolutions-EFS1",),
        "aws-guard": ("efs-encrypted",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/efs-controls.html#efs-1",
    check=check,
    samples=(
        passes(EFS, {"encrypted": True, "kmsKeyId": UNKNOWN}),
        fails(EFS, {"kmsKeyId": "arn:key"}),
        fails(LUSTRE, {"deploymentType": "PERSISTENT_2"}),
        waits(EFS, {"encrypted": UNKNOWN}),
        skips(LUSTRE, {"deploymentType": "SCRATCH_2"}),
    ),
)
