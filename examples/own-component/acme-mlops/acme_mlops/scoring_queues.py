"""Queues of requests that a model scores when it has time, with the requests that it could not score kept apart.

Creates an SQS queue, its dead-letter queue, and an alarm on the latter.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.alerts import AlertOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, ToJson
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import Classification, System

TOO_SHORT = "MI9101"
"""A request would be dropped before its last attempt."""


class ScoringQueueSpec(Spec, kw_only=True):
    """A queue of requests that a model scores when it has time."""

    alert: Annotated[str, doc("Who is told about requests that cannot be scored.", ref="alerts")]
    keep: Annotated[Duration, doc("How long a request waits before it is dropped.")] = Duration(4 * 86400)
    attempts: Annotated[int, doc("How often a request is tried before it counts as unscorable.", ge=1, le=1000)] = 5
    timeout: Annotated[Duration, doc("How long one attempt may take.")] = Duration(300)
    classification: Annotated[Classification, doc("How sensitive requests are; chooses the KMS key.")] = "internal"


@dataclass(frozen=True, slots=True)
class ScoringQueueOutputs(Outputs):
    """A queue that callers send requests to."""

    url: Ref
    arn: Ref

    def send(self) -> tuple[Statement, ...]:
        """Permission to send requests."""
        return (Statement(("sqs:SendMessage",), (self.arn,)),)


def build(name: str, spec: ScoringQueueSpec, ctx: BuildContext) -> ScoringQueueOutputs:
    """The two queues and the alarm."""
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    failed = ctx.add(
        "unscored",
        "aws:sqs/queue:Queue",
        {
            "name": ctx.namer.cloud(name, "unscored", limit=80),
            "kmsMasterKeyId": key,
            "messageRetentionSeconds": 14 * 86400,
        },
    )
    queue = ctx.add(
        "queue",
        "aws:sqs/queue:Queue",
        {
            "name": ctx.namer.cloud(name, limit=80),
            "kmsMasterKeyId": key,
            "messageRetentionSeconds": spec.keep.seconds,
            "visibilityTimeoutSeconds": spec.timeout.seconds,
            "redrivePolicy": ToJson({"deadLetterTargetArn": failed["arn"], "maxReceiveCount": spec.attempts}),
        },
    )
    topic = ctx.get("alerts", spec.alert, AlertOutputs).topic_arn
    ctx.add(
        "alarm",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "name": ctx.namer.cloud(name, "unscored"),
            "alarmDescription": f"Requests in {name} that could not be scored",
            "namespace": "AWS/SQS",
            "metricName": "ApproximateNumberOfMessagesVisible",
            "dimensions": {"QueueName": failed["name"]},
            "statistic": "Maximum",
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 0,
            "period": 300,
            "evaluationPeriods": 1,
            "treatMissingData": "notBreaching",
            "alarmActions": [topic],
        },
    )
    return ScoringQueueOutputs(queue["url"], queue["arn"])


def check(name: str, spec: ScoringQueueSpec, system: System) -> Iterator[Problem]:
    """Every attempt fits into the time that a request waits."""
    needed = spec.attempts * spec.timeout.seconds
    if needed > spec.keep.seconds:
        yield Problem(
            TOO_SHORT,
            ("keep",),
            f"{spec.attempts} attempts of {spec.timeout} do not fit into {spec.keep}",
            "keep requests longer, or allow fewer attempts",
        )


COMPONENT = Component(
    kind="scoring_queues",
    label="scoring queue",
    layer=Layer.SERVING,
    token="acme:serving:ScoringQueue",
    spec=ScoringQueueSpec,
    build=build,
    check=check,
    uses=("keys",),
    examples=(
        Example(
            "Claims that are scored overnight",
            {"claims": {"alert": "oncall", "keep": "10d", "attempts": 3}},
            {"alerts": {"oncall": {"email": ["ml@example.com"]}}},
        ),
    ),
)
