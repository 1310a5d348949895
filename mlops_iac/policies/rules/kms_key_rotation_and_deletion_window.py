"""KMS keys rotate, and outside dev wait at least 14 days before they are deleted.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html
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
    SystemView,
    Verdict,
    fail,
    sample,
)

KEY = "aws:kms/key:Key"
SHORTEST_WINDOW = 14


def check(resource: ResourceView, stack: StackView) -> Result:
    """Rotation is on for symmetric keys; the deletion window is long enough for the environment."""
    if resource.inputs.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        return NOT_APPLICABLE
    if resource.inputs.get("enableKeyRotation") is not True:
        return fail("does not rotate", "enableKeyRotation")
    window = resource.inputs.get("deletionWindowInDays", 30)
    if stack.system.environment != "dev" and window < SHORTEST_WINDOW:
        return fail(f"is deleted after {window} days, less than {SHORTEST_WINDOW}", "deletionWindowInDays")
    return PASS


_PROD = SystemView(environment="prod")

POLICY = Policy(
    id="kms-key-rotation-and-deletion-window",
    title="KMS keys rotate and wait before deletion",
    why="A deleted key makes its data unreadable for ever; the window is the time in which somebody can notice.",
    fix="set enableKeyRotation, and a deletionWindowInDays of 14 or more (env.deletion_window)",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(KEY,),
    controls={
        "cis": ("3.6",),
        "fsbp": ("KMS.3",),
        "securityhub": ("KMS.4",),
        "gdpr": ("32(1)(a)", "32(1)(c)"),
        "hipaa": ("164.312(a)(2)(iv)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html",
    check=check,
    samples=(
        sample(Verdict.PASS, KEY, {"enableKeyRotation": True, "deletionWindowInDays": 7}),
        sample(Verdict.FAIL, KEY, {"enableKeyRotation": False}),
        sample(Verdict.FAIL, KEY, {"enableKeyRotation": True, "deletionWindowInDays": 7}, system=_PROD),
        sample(Verdict.NOT_APPLICABLE, KEY, {"customerMasterKeySpec": "RSA_2048"}),
    ),
)
