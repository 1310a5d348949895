"""An alarm tells somebody.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-15
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
from mlops_iac.policies.serving import ALARM

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


def check(resource: ResourceView, stack: StackView) -> Result:
    """At least one action, and actions are enabled; an alarm that another one combines need not speak itself."""
    if not resource.inputs.flag("actionsEnabled", default=True):
        return fail("has its actions turned off", "actionsEnabled")
    if resource.inputs.has("alarmActions"):
        return PASS
    if any(stack.pointing_at(resource, COMPOSITE, "alarmRule")):
        return NOT_APPLICABLE
    return fail("tells nobody", "alarmActions")


POLICY = Policy(
    id="alarm-has-action",
    title="Alarms tell somebody",
    why="An alarm without an action is a colour on a page that nobody watches.",
    fix="give the component an alert, so that its alarms notify a topic",
    settings=("endpoints.*.alert", "monitors.*.alert"),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ALARM, COMPOSITE),
    controls={
        "aws-security-hub": ("CloudWatch.15", "CloudWatch.17"),
        "checkov": ("CKV_AWS_319",),
        "cdk-nag": ("HIPAA.Security-CloudWatchAlarmAction",),
        "hipaa": ("164.312(b)",),
        "nist-ai-rmf": ("MANAGE-4.1",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html#cloudwatch-15",
    check=check,
    remediate=lambda *_: {"actionsEnabled": True},
    samples=(
        passes(ALARM, {"alarmActions": [UNKNOWN]}),
        fails(ALARM, {}),
        fails(ALARM, {"alarmActions": ["arn:topic"], "actionsEnabled": False}),
        waits(ALARM, {"alarmActions": ["arn:topic"], "actionsEnabled": UNKNOWN}),
        skips(ALARM, {}, neighbour(COMPOSITE, {}, sample_urn(ALARM), "alarmRule")),
    ),
)
