"""An alarm does nothing any more when it fires, or fires later.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason

_ALARMS: Final = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")
_SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"


def _judge(drifted: Drifted) -> Iterator[Reason]:
    if drifted.type not in _ALARMS:
        return
    if drifted.new.get("actionsEnabled") is False and drifted.old.get("actionsEnabled") is not False:
        yield Reason(Danger.DANGEROUS, "the alarm still fires, and tells nobody")
    elif drifted.touches("alarmActions") and not drifted.new.get("alarmActions"):
        yield Reason(Danger.DANGEROUS, "the alarm has no action left: it tells nobody")
    elif drifted.touches("threshold", "evaluationPeriods", "datapointsToAlarm", "period"):
        yield Reason(Danger.UNCLEAR, "the alarm fires at another value or time than was agreed")


RULE = DriftRule("alarm-silenced", "An alarm tells nobody, or fires later.", _judge)
