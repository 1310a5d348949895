"""Keys rotate, and cannot be deleted in a hurry.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4
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

KEY = "aws:kms/key:Key"
SHORTEST_WINDOW = 14
LONGEST_WINDOW = 30


def check(resource: ResourceView, stack: StackView) -> Result:
    """Rotation is on for symmetric keys; the deletion window is long enough for the environment."""
    window = resource.inputs.number("deletionWindowInDays")
    days = LONGEST_WINDOW if window is None else window
    if stack.system.environment != "dev" and days < SHORTEST_WINDOW:
        return fail(f"is deleted after {days:g} days, less than {SHORTEST_WINDOW}", "deletionWindowInDays")
    symmetric = resource.inputs.text("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
    if not symmetric or resource.inputs.has("customKeyStoreId"):
        return NOT_APPLICABLE
    return PASS if resource.inputs.flag("enableKeyRotation") else fail("does not rotate", "enableKeyRotation")


_PROD = SystemView(environment="prod")


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    window = resource.inputs.number("deletionWindowInDays")
    short = stack.system.environment != "dev" and window is not None and window < SHORTEST_WINDOW
    return {"enableKeyRotation": True, **({"deletionWindowInDays": SHORTEST_WINDOW} if short else {})}


POLICY = Policy(
    id="kms-key-rotation-and-deletion-window",
    title="KMS keys rotate and wait before deletion",
    why="A deleted key makes its data unreadable for ever; the window is the time in which somebody can notice.",
    fix="set enableKeyRotation, and a deletionWindowInDays of 14 or more (env.deletion_window)",
    settings=("keys.rotation", "env.deletion_window"),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(KEY,),
    controls={
        "aws-security-hub": ("KMS.4",),
        "aws-fsbp": ("KMS.3",),
        "checkov": ("CKV_AWS_7",),
        "cdk-nag": ("AwsSolutions-KMS5",),
        "aws-guard": ("cmk-backing-key-rotation-enabled",),
        "gdpr": ("32(1)(a)", "32(1)(c)"),
        "hipaa": ("164.312(a)(2)(iv)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-4",
    check=check,
    remediate=_remediate,
    samples=(
        passes(KEY, {"enableKeyRotation": True, "deletionWindowInDays": 7}),
        passes(KEY, {"enableKeyRotation": True}, system=_PROD),
        fails(KEY, {"enableKeyRotation": False}),
        fails(KEY, {"enableKeyRotation": True, "deletionWindowInDays": 7}, system=_PROD),
        waits(KEY, {"enableKeyRotation": UNKNOWN}),
        skips(KEY, {"customerMasterKeySpec": "RSA_2048"}),
    ),
)
