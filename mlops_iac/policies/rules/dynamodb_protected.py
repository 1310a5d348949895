"""Tables can be restored, and cannot be deleted by accident.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/dynamodb-controls.html#dynamodb-2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import data_class
from mlops_iac.policies.policy import (
    ELSEWHERE,
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
    waits,
)

TABLE = "aws:dynamodb/table:Table"
SENSITIVE: Final = frozenset({"confidential", "restricted", "personal", "health"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """Recovery is on; sensitive data has an own key; in prod the table is protected."""
    if not resource.inputs.flag("pointInTimeRecovery.enabled"):
        return fail("cannot be restored to an earlier time", "pointInTimeRecovery.enabled")
    keyed = resource.inputs.flag("serverSideEncryption.enabled") and resource.inputs.has(
        "serverSideEncryption.kmsKeyArn"
    )
    if data_class(resource) in SENSITIVE and not keyed:
        return fail("keeps sensitive data without a key of its own", "serverSideEncryption.kmsKeyArn")
    if stack.system.production and not resource.inputs.flag("deletionProtectionEnabled"):
        return fail("can be deleted in production", "deletionProtectionEnabled")
    return PASS


_RECOVERY = {"pointInTimeRecovery": {"enabled": True}}


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    kept = {"deletionProtectionEnabled": True} if stack.system.production else {}
    return {"pointInTimeRecovery.enabled": True, **kept}


POLICY = Policy(
    id="dynamodb-protected",
    title="Tables are backed up, encrypted and protected",
    why="State in a table, such as what a pipeline has already done, is often kept nowhere else.",
    fix="set pointInTimeRecovery, a KMS key for sensitive data, and deletionProtectionEnabled in prod",
    settings=("env.protect_data",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TABLE,),
    controls={
        "aws-fsbp": ("DynamoDB.2", "DynamoDB.6"),
        "checkov": ("CKV_AWS_28", "CKV_AWS_119"),
        "cdk-nag": ("AwsSolutions-DDB3",),
        "aws-guard": ("dynamodb-table-encryption-enabled",),
        "hipaa": ("164.308(a)(7)(ii)(A)",),
        "gdpr": ("32(1)(c)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/dynamodb-controls.html#dynamodb-2",
    check=check,
    remediate=_remediate,
    samples=(
        passes(TABLE, _RECOVERY),
        fails(TABLE, {}),
        fails(TABLE, {**_RECOVERY, "tags": {"data-class": "restricted"}}),
        fails(TABLE, _RECOVERY, system=SystemView(environment="prod")),
        waits(TABLE, {"pointInTimeRecovery": {"enabled": UNKNOWN}}),
        ELSEWHERE,
    ),
)
