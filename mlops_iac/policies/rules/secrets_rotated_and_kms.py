"""Secrets are encrypted with an own key, change regularly, and are stored as secrets.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html#secretsmanager-1
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
    neighbour,
    passes,
    sample_urn,
    skips,
    waits,
)
from mlops_iac.policies.secrets import secret_name

SECRET = "aws:secretsmanager/secret:Secret"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
PARAMETER = "aws:ssm/parameter:Parameter"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A secret has both; a parameter with the name of a secret is a SecureString."""
    if resource.type == PARAMETER:
        if not secret_name(resource.inputs.text("name").rpartition("/")[2]):
            return NOT_APPLICABLE
        secure = resource.inputs.at("type") == "SecureString"
        return PASS if secure else fail("keeps a secret as plain text", "type")
    if not resource.inputs.has("kmsKeyId"):
        return fail("has no key of its own", "kmsKeyId")
    return PASS if any(stack.pointing_at(resource, ROTATION, "secretId")) else fail("is never changed")


_KEYED = {"kmsKeyId": UNKNOWN}


POLICY = Policy(
    id="secrets-rotated-and-kms",
    title="Secrets have a key and a rotation",
    why="A secret that never changes is known to everybody who ever worked on the system.",
    fix="add kmsKeyId and a SecretRotation; make parameters that hold secrets SecureString",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(SECRET, PARAMETER),
    controls={
        "aws-fsbp": ("SecretsManager.1",),
        "checkov": ("CKV2_AWS_57", "CKV_AWS_149", "CKV2_AWS_34", "CKV_AWS_337"),
        "cdk-nag": ("AwsSolutions-SMG4",),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html#secretsmanager-1",
    check=check,
    samples=(
        passes(SECRET, _KEYED, neighbour(ROTATION, {}, sample_urn(SECRET), "secretId")),
        fails(SECRET, _KEYED),
        fails(SECRET, {}),
        passes(PARAMETER, {"name": "/fraud/db-password", "type": "SecureString"}),
        fails(PARAMETER, {"name": "/fraud/db-password", "type": "String"}),
        waits(PARAMETER, {"name": "/fraud/db-password", "type": UNKNOWN}),
        skips(PARAMETER, {"name": "/fraud/region", "type": "String"}),
    ),
)
