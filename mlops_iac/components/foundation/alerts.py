"""Alert routes: where alarms go, by mail, to Slack and to PagerDuty.

Creates an encrypted SNS topic that this account's alarms, events and budgets may publish to, a subscription
per mail address (each recipient confirms it once), and for Slack and PagerDuty a small function that reads
its key from Secrets Manager when a message arrives. What it cannot deliver is kept in a dead-letter queue.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.logs import log_group
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Archive, Ref, TextAsset, ToJson, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.system import System

NO_TARGET = "MI3120"
"""An alert route leads nowhere."""
REPEATED_ADDRESS = "MI3121"
"""A mail address is listed twice."""

PUBLISHERS = ("budgets", "cloudwatch", "costalerts", "events")
"""AWS services that may publish to the topic, for this account only."""

_RUNTIME = "python3.13"
_RETENTION_SECONDS = 14 * 86400
_TIMEOUT_SECONDS = 60

SecretName = Annotated[
    str,
    doc(
        "Name of the secret in Secrets Manager; its value is read when a message is sent.",
        pattern="^[A-Za-z0-9/_+=.@-]{1,400}$",
        expects="the name of a secret in Secrets Manager, not its value",
    ),
]


class PagerDutySpec(Spec, kw_only=True):
    """A PagerDuty service."""

    secret: SecretName
    severity: Annotated[Literal["critical", "error", "warning", "info"], doc("Severity of the incidents.")] = "critical"


class SlackSpec(Spec, kw_only=True):
    """A Slack channel."""

    channel: Annotated[str, doc("Channel.", pattern="^#[a-z0-9_-]{1,80}$", expects='a channel such as "#fraud-oncall"')]
    secret: SecretName


class AlertSpec(Spec, kw_only=True):
    """A route that alarms take; name at least one target."""

    email: Annotated[
        list[Annotated[str, doc("Mail address.", pattern="^[^@\\s]+@[^@\\s]+$", expects="a mail address")]],
        doc("Mail addresses; AWS asks each to confirm."),
    ] = []
    slack: Annotated[SlackSpec | None, doc("Slack channel, through an incoming webhook.")] = None
    pagerduty: Annotated[PagerDutySpec | None, doc("PagerDuty service, through the Events API v2.")] = None


@dataclass(frozen=True, slots=True)
class AlertOutputs(Outputs):
    """The topic that alarms notify."""

    topic_arn: Ref


def build(name: str, spec: AlertSpec, ctx: BuildContext) -> AlertOutputs:
    """The topic, the mail subscriptions and the notifier."""
    topic = _topic(name, ctx)
    for number, address in enumerate(spec.email, start=1):
        ctx.add(
            f"mail-{number}",
            "aws:sns/topicSubscription:TopicSubscription",
            {"topic": topic["arn"], "protocol": "email", "endpoint": address},
        )
    targets = _targets(spec)
    if targets:
        _notifier(name, ctx, topic, targets)
    return AlertOutputs(topic["arn"])


def _topic(name: str, ctx: BuildContext) -> Handle:
    topic = ctx.add(
        "topic",
        "aws:sns/topic:Topic",
        {
            "name": ctx.namer.cloud("alerts", name, limit=256),
            "displayName": f"{ctx.namer.prefix} {name}"[:100],
            "kmsMasterKeyId": ctx.get("keys", "keys", KeysOutputs).arn(),
        },
    )
    services: list[Value] = [f"{service}.amazonaws.com" for service in PUBLISHERS]
    statement: dict[str, Value] = {
        "Sid": "ServicesOfThisAccountPublish",
        "Effect": "Allow",
        "Principal": {"Service": services},
        "Action": "sns:Publish",
        "Resource": topic["arn"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ctx.core.cloud.account}},
    }
    ctx.add(
        "topic-policy",
        "aws:sns/topicPolicy:TopicPolicy",
        {"arn": topic["arn"], "policy": ToJson({"Version": "2012-10-17", "Statement": [statement]})},
    )
    return topic


def _targets(spec: AlertSpec) -> list[dict[str, str]]:
    targets = []
    if spec.pagerduty is not None:
        targets.append({"kind": "pagerduty", "secret": spec.pagerduty.secret, "severity": spec.pagerduty.severity})
    if spec.slack is not None:
        targets.append({"kind": "slack", "secret": spec.slack.secret, "channel": spec.slack.channel})
    return targets


def _notifier(name: str, ctx: BuildContext, topic: Handle, targets: list[dict[str, str]]) -> None:
    keys = ctx.get("keys", "keys", KeysOutputs)
    queue = _dead_letters(name, ctx, topic)
    function_name = ctx.namer.cloud("notify", name, limit=64)
    logs = log_group(ctx, "notifier-log", f"/aws/lambda/{function_name}")
    secrets: list[Value] = [
        ctx.arn("secretsmanager", f"secret:{secret}-??????") for secret in sorted({t["secret"] for t in targets})
    ]
    role = ctx.role(
        "notifier-role",
        (
            Statement(("secretsmanager:GetSecretValue",), tuple(secrets)),
            Statement(("sqs:SendMessage",), (queue["arn"],)),
            Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (join(logs["arn"], ":*"),)),
            keys.use("internal"),
        ),
        service="lambda.amazonaws.com",
    )
    function = ctx.add(
        "notifier",
        "aws:lambda/function:Function",
        {
            "name": function_name,
            "description": f"Passes alerts of {name} on to {' and '.join(target['kind'] for target in targets)}",
            "role": role["arn"],
            "runtime": _RUNTIME,
            "architectures": ["arm64"],
            "handler": "notifier.handler",
            "code": Archive((("notifier.py", TextAsset(_source())),)),
            "timeout": _TIMEOUT_SECONDS,
            "memorySize": 128,
            "kmsKeyArn": keys.arn(),
            "environment": {"variables": {"SYSTEM": ctx.namer.prefix, "TARGETS": ToJson(targets)}},
            "deadLetterConfig": {"targetArn": queue["arn"]},
            "loggingConfig": {"logFormat": "JSON", "logGroup": logs["name"]},
        },
        depends_on=ctx.role_ready(role),
    )
    permission = ctx.add(
        "notifier-permission",
        "aws:lambda/permission:Permission",
        {
            "function": function["name"],
            "action": "lambda:InvokeFunction",
            "principal": "sns.amazonaws.com",
            "sourceArn": topic["arn"],
            "sourceAccount": ctx.core.cloud.account,
            "statementId": "topic",
        },
    )
    ctx.add(
        "notifier-subscription",
        "aws:sns/topicSubscription:TopicSubscription",
        {
            "topic": topic["arn"],
            "protocol": "lambda",
            "endpoint": function["arn"],
            "redrivePolicy": ToJson({"deadLetterTargetArn": queue["arn"]}),
        },
        depends_on=(permission,),
    )


def _dead_letters(name: str, ctx: BuildContext, topic: Handle) -> Handle:
    queue = ctx.add(
        "dead-letters",
        "aws:sqs/queue:Queue",
        {
            "name": ctx.namer.cloud("alerts", name, "dead-letters", limit=80),
            "kmsMasterKeyId": ctx.get("keys", "keys", KeysOutputs).arn(),
            "messageRetentionSeconds": _RETENTION_SECONDS,
        },
    )
    statement: dict[str, Value] = {
        "Sid": "TopicSendsUndeliverable",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue["arn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": topic["arn"]}},
    }
    ctx.add(
        "dead-letters-policy",
        "aws:sqs/queuePolicy:QueuePolicy",
        {"queueUrl": queue["url"], "policy": ToJson({"Version": "2012-10-17", "Statement": [statement]})},
    )
    return queue


@cache
def _source() -> str:
    return Path(__file__).with_name("notifier_source.py").read_text(encoding="utf-8")


def check(name: str, spec: AlertSpec, system: System) -> Iterator[Problem]:
    """A route needs a target, and each address once."""
    if not spec.email and spec.slack is None and spec.pagerduty is None:
        yield Problem(NO_TARGET, (), f"alert {name!r} leads nowhere", "add `email`, `slack` or `pagerduty`")
    for index, address in enumerate(spec.email):
        if address in spec.email[:index]:
            yield Problem(REPEATED_ADDRESS, ("email", index), f"{address} is listed twice", "remove one")


def card(name: str, spec: AlertSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.ALERTING,
        facts(
            ("mail", spec.email),
            ("Slack", spec.slack.channel if spec.slack else None),
            ("PagerDuty", f"incidents of severity {spec.pagerduty.severity}" if spec.pagerduty else None),
        ),
    )


COMPONENT = Component(
    kind="alerts",
    label="alert",
    layer=Layer.FOUNDATION,
    token="mlops:foundation:Alert",
    spec=AlertSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys",),
    examples=(
        Example("Mail to a team", {"governance": {"email": ["ml-governance@example.com"]}}, {}),
        Example(
            "On-call by PagerDuty and Slack",
            {
                "oncall": {
                    "pagerduty": {"secret": "pagerduty-key", "severity": "error"},
                    "slack": {"channel": "#fraud-oncall", "secret": "slack-webhook"},
                    "email": ["risk-ml@example.com"],
                }
            },
            {},
        ),
    ),
)
