"""Databases are encrypted and have no public address.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html
"""

from __future__ import annotations

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
    sample,
)

TOKEN = "aws:rds/instance:Instance"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Storage is encrypted and the instance is private."""
    if resource.inputs.get("storageEncrypted") is not True:
        return fail("is not encrypted", "storageEncrypted")
    if resource.inputs.get("publiclyAccessible", False) is not False:
        return fail("has a public address", "publiclyAccessible")
    return PASS


POLICY = Policy(
    id="rds-encrypted-and-private",
    title="Databases are encrypted and private",
    why="Experiment metadata names people and data; encryption cannot be added to a database later.",
    fix="set storageEncrypted: true and publiclyAccessible: false",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={
        "cis": ("2.3.1", "2.3.3"),
        "fsbp": ("RDS.2", "RDS.3"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"storageEncrypted": True}),
        sample(Verdict.FAIL, TOKEN, {}),
        sample(Verdict.FAIL, TOKEN, {"storageEncrypted": True, "publiclyAccessible": True}),
    ),
)
