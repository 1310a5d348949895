"""Log groups are encrypted, and kept for a year.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16
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

TOKEN = "aws:cloudwatch/logGroup:LogGroup"
SHORTEST = 365


def check(resource: ResourceView, stack: StackView) -> Result:
    """Retention is set and at least 365 days, and a key is named."""
    days = resource.inputs.get("retentionInDays")
    if not isinstance(days, int) or days < SHORTEST:
        kept = days if isinstance(days, int) else "an unset number of"
        return fail(f"keeps events for {kept} days, not {SHORTEST}", "retentionInDays")
    if not resource.inputs.get("kmsKeyId"):
        return fail("is not encrypted with an own key", "kmsKeyId")
    return PASS


POLICY = Policy(
    id="log-group-retention-and-kms",
    title="Log groups are encrypted and kept for a year",
    why="The AI Act asks for six months of logs, and an incident is often older when it is found.",
    fix="set env.log_retention to 365d or more, and a KMS key",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={
        "securityhub": ("CloudWatch.16",),
        "hipaa": ("164.312(b)",),
        "gdpr": ("5(1)(e)",),
        "eu-ai-act": ("12", "19", "26(6)"),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"retentionInDays": 365, "kmsKeyId": "arn:key"}),
        sample(Verdict.FAIL, TOKEN, {"retentionInDays": 30, "kmsKeyId": "arn:key"}),
        sample(Verdict.FAIL, TOKEN, {"retentionInDays": 400}),
        sample(Verdict.FAIL, TOKEN, {"kmsKeyId": "arn:key"}),
    ),
)
