"""An alarm tells somebody.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-15
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

TOKEN = "aws:cloudwatch/metricAlarm:MetricAlarm"


def check(resource: ResourceView, stack: StackView) -> Result:
    """At least one action, and actions are enabled."""
    if not resource.inputs.get("alarmActions"):
        return fail("tells nobody", "alarmActions")
    if resource.inputs.get("actionsEnabled", True) is False:
        return fail("has its actions turned off", "actionsEnabled")
    return PASS


POLICY = Policy(
    id="alarm-has-action",
    title="Alarms tell somebody",
    why="An alarm without an action is a colour on a page that nobody watches.",
    fix="give the component an alert, so that its alarms notify a topic",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={
        "securityhub": ("CloudWatch.15", "CloudWatch.17"),
        "hipaa": ("164.312(b)",),
        "nist-ai-rmf": ("MANAGE-4.1",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-15",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"alarmActions": ["arn:topic"]}),
        sample(Verdict.FAIL, TOKEN, {}),
        sample(Verdict.FAIL, TOKEN, {"alarmActions": ["arn:topic"], "actionsEnabled": False}),
    ),
)
