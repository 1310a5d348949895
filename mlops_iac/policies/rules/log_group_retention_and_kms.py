"""Logs are kept long enough and encrypted.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Limits,
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
from mlops_iac.providers.logs import retention_days

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
HIGH_RISK_DAYS = 183
"""Six months: what the AI Act's articles 19 and 26(6) ask for, whatever the organisation's own limit is."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Retention is set and long enough (0 keeps for ever, which is too long), and a key is named."""
    days = resource.inputs.number("retentionInDays")
    shortest = _shortest(stack)
    if not days:
        return fail("keeps its events for ever", "retentionInDays")
    if days < shortest:
        return fail(f"keeps its events for {days:g} days, less than {shortest}", "retentionInDays")
    longest = stack.system.limits.most_log_days
    if longest is not None and days > longest:
        return fail(f"keeps its events for {days:g} days, more than {longest}", "retentionInDays")
    return PASS if resource.inputs.has("kmsKeyId") else fail("is not encrypted with a key of its own", "kmsKeyId")


def _shortest(stack: StackView) -> int:
    return max(stack.system.limits.log_days, HIGH_RISK_DAYS if stack.system.high_risk else 0)


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    """Events that are kept for ever are left alone: a retention would delete the old ones."""
    days = resource.inputs.number("retentionInDays")
    return {"retentionInDays": retention_days(_shortest(stack))} if days else {}


POLICY = Policy(
    id="log-group-retention-and-kms",
    title="Log groups are encrypted and kept for a year",
    why="The AI Act asks for six months of logs, and an incident is often older when it is found.",
    fix="set env.log_retention to 365d or more, and a KMS key",
    settings=("env.log_retention",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(LOG_GROUP,),
    controls={
        "aws-security-hub": ("CloudWatch.16",),
        "checkov": ("CKV_AWS_66", "CKV_AWS_158", "CKV_AWS_338"),
        "cdk-nag": ("HIPAA.Security-CloudWatchLogGroupRetentionPeriod",),
        "hipaa": ("164.312(b)",),
        "gdpr": ("5(1)(e)",),
        "eu-ai-act": ("19", "26(6)"),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-16",
    check=check,
    remediate=_remediate,
    samples=(
        passes(LOG_GROUP, {"retentionInDays": 365, "kmsKeyId": UNKNOWN}),
        passes(
            LOG_GROUP, {"retentionInDays": 30, "kmsKeyId": "arn:key"}, system=SystemView(limits=Limits(log_days=30))
        ),
        fails(LOG_GROUP, {"retentionInDays": 30, "kmsKeyId": "arn:key"}),
        fails(
            LOG_GROUP,
            {"retentionInDays": 731, "kmsKeyId": "arn:key"},
            system=SystemView(limits=Limits(most_log_days=400)),
        ),
        fails(
            LOG_GROUP,
            {"retentionInDays": 30, "kmsKeyId": "arn:key"},
            system=SystemView(risk_class="high", limits=Limits(log_days=30)),
        ),
        fails(LOG_GROUP, {"retentionInDays": 400}),
        fails(LOG_GROUP, {"kmsKeyId": "arn:key"}),
        waits(LOG_GROUP, {"retentionInDays": UNKNOWN}),
        ELSEWHERE,
    ),
)
