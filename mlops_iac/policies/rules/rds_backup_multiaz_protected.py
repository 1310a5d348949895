"""Production databases survive the loss of a zone, and of a careless moment.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-11
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
    SystemView,
    fail,
    fails,
    passes,
    skips,
    waits,
)

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"
SHORTEST = 7


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod: a week of backups, two zones (which a cluster has by itself), protection and a final snapshot."""
    part_of_cluster = resource.inputs.text("engine").startswith("aurora") and resource.type == INSTANCE
    if not stack.system.production or resource.inputs.has("replicateSourceDb") or part_of_cluster:
        return NOT_APPLICABLE
    days = resource.inputs.number("backupRetentionPeriod") or 0
    if days < SHORTEST:
        return fail(f"keeps backups for {days:g} days, less than {SHORTEST}", "backupRetentionPeriod")
    if resource.type == INSTANCE and not resource.inputs.flag("multiAz"):
        return fail("runs in one availability zone", "multiAz")
    if not resource.inputs.flag("deletionProtection"):
        return fail("can be deleted in production", "deletionProtection")
    if resource.inputs.flag("skipFinalSnapshot"):
        return fail("leaves nothing behind when it is deleted", "skipFinalSnapshot")
    return PASS


_PROD = SystemView(environment="prod")
_SAFE = {"backupRetentionPeriod": 35, "multiAz": True, "deletionProtection": True}


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    days = resource.inputs.number("backupRetentionPeriod") or 0
    return {"deletionProtection": True, **({"backupRetentionPeriod": SHORTEST} if days < SHORTEST else {})}


POLICY = Policy(
    id="rds-backup-multiaz-protected",
    title="Production databases are backed up, spread and protected",
    why="Experiment tracking without its database is a bucket of files without names.",
    fix="set backupRetentionPeriod 7 or more, multiAz, deletionProtection, and leave skipFinalSnapshot off",
    settings=("env.backup_retention", "env.multi_az", "env.protect_data"),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(INSTANCE, CLUSTER),
    controls={
        "aws-fsbp": ("RDS.5", "RDS.7", "RDS.8", "RDS.11"),
        "checkov": ("CKV_AWS_133", "CKV_AWS_157", "CKV_AWS_293"),
        "cdk-nag": ("AwsSolutions-RDS3", "AwsSolutions-RDS10", "AwsSolutions-RDS13"),
        "aws-guard": ("rds-instance-backup-enabled", "rds-instance-multi-az-enabled"),
        "hipaa": ("164.308(a)(7)(ii)(A)",),
        "gdpr": ("32(1)(c)",),
        "eu-ai-act": ("15(4)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-11",
    check=check,
    remediate=_remediate,
    samples=(
        passes(INSTANCE, _SAFE, system=_PROD),
        fails(INSTANCE, {**_SAFE, "backupRetentionPeriod": 1}, system=_PROD),
        fails(INSTANCE, {**_SAFE, "multiAz": False}, system=_PROD),
        fails(INSTANCE, {**_SAFE, "skipFinalSnapshot": True}, system=_PROD),
        fails(CLUSTER, {"backupRetentionPeriod": 7}, system=_PROD),
        waits(INSTANCE, {**_SAFE, "multiAz": UNKNOWN}, system=_PROD),
        skips(INSTANCE, {}),
    ),
)
