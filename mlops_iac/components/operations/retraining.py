"""Retraining: triggers that start a training pipeline, behind guards that every one of them passes.

EventBridge rules and a schedule start one Step Functions state machine. It counts new data, keeps the cooldown in
DynamoDB (one conditional write, so two triggers at once start one run), refuses when too many runs are under way or the
month's spending is over the cap, and starts the pipeline.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html (alarm events).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.logs import log_group
from mlops_iac.components.models.pipelines import PipelineOutputs
from mlops_iac.components.operations.monitors import MonitorOutputs, MonitorSpec
from mlops_iac.components.operations.retraining_machine import definition
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, ToJson, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.quantities import Cron, Duration, Size
from mlops_iac.spec.system import System

TRIGGER_UNCLEAR = "MI3610"
"""A trigger names none, or several, of drift, quality, schedule and new_data."""
WRONG_MONITOR = "MI3611"
"""A trigger reacts to a monitor of another kind."""
THRESHOLD_DIFFERS = "MI3612"
"""A quality trigger's threshold is not the one at which its monitor's alarm fires."""
CANNOT_FIRE = "MI3613"
"""A trigger can never fire."""


class NewDataSpec(Spec, kw_only=True):
    """New objects in a bucket, counted by size."""

    bucket: Annotated[str, doc("Bucket that is watched.", ref="buckets")]
    prefix: Annotated[str, doc("Only objects below this folder count.")] = ""
    at_least: Annotated[Size, doc("How much must have arrived since the last run.")]


class TriggerSpec(Spec, kw_only=True):
    """One reason to retrain; exactly one of drift, quality, schedule and new_data."""

    drift: Annotated[str | None, doc("Data-quality or bias monitor whose alarm starts a run.", ref="monitors")] = None
    quality: Annotated[str | None, doc("Model-quality monitor whose alarm starts a run.", ref="monitors")] = None
    below: Annotated[
        dict[str, float],
        doc("Metrics of the quality monitor that count; each must be the monitor's own threshold."),
    ] = {}
    schedule: Annotated[Cron | None, doc("Fixed times in UTC.")] = None
    new_data: Annotated[NewDataSpec | None, doc("Enough new data.")] = None

    def named(self) -> list[str]:
        """Which of the four are given."""
        given = {
            "drift": self.drift,
            "quality": self.quality,
            "schedule": self.schedule,
            "new_data": self.new_data,
        }
        return [name for name, value in given.items() if value is not None]


class SpendCapSpec(Spec, kw_only=True):
    """The most that the pipeline's resources may have cost in the running month when a run starts."""

    usd: Annotated[
        float,
        doc("Cap, from Cost Explorer by the pipeline's `component` tag; a day behind.", unit="USD", ge=1),
    ]
    per: Annotated[Literal["month"], doc("Period.")] = "month"


class RetrainingSpec(Spec, kw_only=True):
    """When a pipeline is run again, and what holds it back."""

    pipeline: Annotated[str, doc("Pipeline that is started.", ref="pipelines")]
    on: Annotated[list[TriggerSpec], doc("Reasons to retrain; any of them starts a run.", min_length=1)]
    cooldown: Annotated[Duration, doc("Shortest time between two starts.")] = Duration(86400)
    concurrency: Annotated[int, doc("Runs of the pipeline that may be under way at once.", ge=1, le=10)] = 1
    spend_cap: Annotated[SpendCapSpec | None, doc("Monthly spending above which no run starts.")] = None
    approval: Annotated[Literal["none"], doc("Who approves a start; the model itself is approved in the registry.")] = (
        "none"
    )


@dataclass(frozen=True, slots=True)
class RetrainingOutputs(Outputs):
    """The state machine that guards and starts the pipeline."""

    state_machine_arn: Ref
    guard_table: Ref


def build(name: str, spec: RetrainingSpec, ctx: BuildContext) -> RetrainingOutputs:
    """Guard table, state machine, and a rule or schedule per trigger."""
    pipeline = ctx.get("pipelines", spec.pipeline, PipelineOutputs)
    table = _guard_table(name, ctx)
    machine = _state_machine(name, spec, pipeline, table, ctx)
    starter = ctx.role(
        "trigger-role",
        [Statement(("states:StartExecution",), (machine["arn"],))],
        service="events.amazonaws.com",
    )
    scheduler = None
    for index, trigger in enumerate(spec.on):
        suffix = f"{trigger.named()[0].replace('_', '-')}-{index + 1}"
        if trigger.schedule is not None:
            scheduler = scheduler or ctx.role(
                "scheduler-role",
                [Statement(("states:StartExecution",), (machine["arn"],))],
                service="scheduler.amazonaws.com",
            )
            _schedule(name, suffix, trigger.schedule, machine, scheduler, ctx)
        else:
            _rule(name, suffix, trigger, machine, starter, ctx)
    return RetrainingOutputs(machine["arn"], table["name"])


def _guard_table(name: str, ctx: BuildContext) -> Handle:
    return ctx.add(
        "guard",
        "aws:dynamodb/table:Table",
        {
            "name": ctx.namer.cloud(name, "guard", limit=255),
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "pipeline",
            "attributes": [{"name": "pipeline", "type": "S"}],
            "pointInTimeRecovery": {"enabled": True},
            "serverSideEncryption": {
                "enabled": True,
                "kmsKeyArn": ctx.get("keys", "keys", KeysOutputs).arn(),
            },
            "deletionProtectionEnabled": ctx.core.env.protect_data,
        },
        stateful=True,
    )


def _state_machine(
    name: str, spec: RetrainingSpec, pipeline: PipelineOutputs, table: Handle, ctx: BuildContext
) -> Handle:
    logs = log_group(ctx, "logs", f"/aws/vendedlogs/states/{ctx.namer.cloud(name)}")
    role = ctx.role("role", _permissions(spec, pipeline, table, ctx), service="states.amazonaws.com")
    return ctx.add(
        "machine",
        "aws:sfn/stateMachine:StateMachine",
        {
            "name": ctx.namer.cloud(name, limit=80),
            "type": "STANDARD",
            "roleArn": role["arn"],
            "definition": ToJson(definition(spec, pipeline.name, table["name"], ctx.core.system.name)),
            "loggingConfiguration": {
                "level": "ALL",
                "includeExecutionData": True,
                "logDestination": join(logs["arn"], ":*"),
            },
            "tracingConfiguration": {"enabled": True},
        },
        depends_on=ctx.role_ready(role),
    )


def _permissions(spec: RetrainingSpec, pipeline: PipelineOutputs, table: Handle, ctx: BuildContext) -> list[Statement]:
    statements = [
        Statement(("dynamodb:UpdateItem",), (table["arn"],)),
        ctx.get("keys", "keys", KeysOutputs).use("internal"),
        pipeline.start(),
        Statement(("sagemaker:ListPipelineExecutions",), (pipeline.arn,)),
        Statement(
            (
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ),
            ("*",),
            unscoped="log delivery actions have no resource types (Step Functions guide, CloudWatch Logs)",
        ),
        Statement(
            (
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ),
            ("*",),
            unscoped="X-Ray write actions have no resource types (Service Authorization Reference, AWS X-Ray)",
        ),
    ]
    if spec.spend_cap is not None:
        statements.append(
            Statement(
                ("ce:GetCostAndUsage",),
                ("*",),
                unscoped="the action has no resource type (Service Authorization Reference, AWS Cost Explorer)",
            )
        )
    return statements


def _schedule(name: str, suffix: str, schedule: Cron, machine: Handle, role: Handle, ctx: BuildContext) -> None:
    ctx.add(
        suffix,
        "aws:scheduler/schedule:Schedule",
        {
            "name": ctx.namer.cloud(name, suffix, limit=64),
            "description": f"Retraining {name}: {schedule.expression} UTC",
            "scheduleExpression": schedule.aws,
            "scheduleExpressionTimezone": "UTC",
            "flexibleTimeWindow": {"mode": "OFF"},
            "kmsKeyArn": ctx.get("keys", "keys", KeysOutputs).arn(),
            "target": {
                "arn": machine["arn"],
                "roleArn": role["arn"],
                "input": '{"trigger":"schedule"}',
                "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600},
            },
        },
        depends_on=ctx.role_ready(role),
    )


def _rule(name: str, suffix: str, trigger: TriggerSpec, machine: Handle, role: Handle, ctx: BuildContext) -> None:
    pattern = _event_pattern(trigger, ctx)
    if pattern is None:
        return
    rule = ctx.add(
        suffix,
        "aws:cloudwatch/eventRule:EventRule",
        {
            "name": ctx.namer.cloud(name, suffix, limit=64),
            "description": f"Retraining {name}: {trigger.named()[0].replace('_', ' ')}",
            "eventPattern": ToJson(pattern),
        },
    )
    target: dict[str, Value] = {"input": f'{{"trigger":"{trigger.named()[0]}"}}'}
    if trigger.new_data is not None:
        target = {
            "inputTransformer": {
                "inputPaths": {"size": "$.detail.object.size"},
                "inputTemplate": f'{{"trigger":"new_data","size":<size>,"at_least":{trigger.new_data.at_least.bytes}}}',
            }
        }
    ctx.add(
        f"{suffix}-target",
        "aws:cloudwatch/eventTarget:EventTarget",
        {
            "rule": rule["name"],
            "targetId": "retraining",
            "arn": machine["arn"],
            "roleArn": role["arn"],
            "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600},
            **target,
        },
        depends_on=ctx.role_ready(role),
    )


def _event_pattern(trigger: TriggerSpec, ctx: BuildContext) -> dict[str, Value] | None:
    if trigger.new_data is not None:
        bucket = ctx.get("buckets", trigger.new_data.bucket, BucketOutputs)
        return {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [bucket.name]},
                "object": {"key": [{"prefix": trigger.new_data.prefix}]},
            },
        }
    monitor = ctx.get("monitors", trigger.drift or trigger.quality or "", MonitorOutputs)
    watched: list[Value] = [monitor.alarms[metric] for metric in trigger.below if metric in monitor.alarms]
    alarms: list[Value] = watched or ([monitor.alarm] if monitor.alarm is not None else [])
    if not alarms:
        return None
    return {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": alarms, "state": {"value": ["ALARM"]}},
    }


def check(name: str, spec: RetrainingSpec, system: System) -> Iterable[Problem]:
    """Each trigger is one thing, reacts to a fitting monitor, and can fire."""
    for index, trigger in enumerate(spec.on):
        path = ("on", index)
        named = trigger.named()
        if len(named) != 1:
            what = " and ".join(named) if named else "nothing"
            yield Problem(
                TRIGGER_UNCLEAR,
                path,
                f"retraining {name!r}: trigger {index + 1} names {what}",
                "write one of drift, quality, schedule and new_data; several reasons are several list items",
            )
            continue
        yield from _check_monitor(name, path, trigger, system)
        if trigger.below and trigger.quality is None:
            yield Problem(
                TRIGGER_UNCLEAR,
                (*path, "below"),
                f"retraining {name!r}: `below` belongs to a quality trigger",
                "remove it, or name the monitor with quality:",
            )


def _check_monitor(name: str, path: tuple[str | int, ...], trigger: TriggerSpec, system: System) -> Iterable[Problem]:
    monitor = system.find("monitors", trigger.drift or trigger.quality or "")
    if monitor is None or not isinstance(monitor.spec, MonitorSpec):
        return
    field = "drift" if trigger.drift else "quality"
    fitting = ("data_quality", "bias") if trigger.drift else ("model_quality",)
    if monitor.spec.kind not in fitting:
        yield Problem(
            WRONG_MONITOR,
            (*path, field),
            f"retraining {name!r}: {field} needs a monitor of kind {' or '.join(fitting)}, and {monitor.name!r} is "
            f"{monitor.spec.kind}",
            f"name another monitor, or write {'quality' if field == 'drift' else 'drift'}: {monitor.name}",
        )
        return
    for metric, value in trigger.below.items():
        own = monitor.spec.threshold.get(metric)
        if own is None or own != value:
            says = "has no threshold for it" if own is None else f"raises its alarm below {own:g}"
            yield Problem(
                THRESHOLD_DIFFERS,
                (*path, "below", metric),
                f"retraining {name!r}: {metric} below {value:g} is asked for, but monitor {monitor.name!r} {says}",
                f"write the same value in monitors.{monitor.name}.threshold.{metric}",
            )
    if monitor.spec.kind == "data_quality" and not monitor.spec.features and monitor.spec.baseline is None:
        yield Problem(
            CANNOT_FIRE,
            (*path, field),
            f"retraining {name!r}: monitor {monitor.name!r} has no alarm, so this never fires",
            f"list features in monitors.{monitor.name}, or give it a baseline pipeline",
            Severity.WARNING,
        )


_SCRIPTS = {"steps/train.py": "print('train')\n"}
_PIPELINE = {
    "buckets": {"raw": {"classification": "confidential"}},
    "models": {"scorer": {"stages": ["prod"]}},
    "pipelines": {
        "train": {
            "steps": {
                "train": {
                    "kind": "training",
                    "framework": "pytorch",
                    "version": "2.5",
                    "script": "steps/train.py",
                    "instance_type": "ml.m5.xlarge",
                    "inputs": ["raw"],
                },
                "register": {"kind": "register", "model": "scorer", "after": ["train"]},
            }
        }
    },
}


def card(name: str, spec: RetrainingSpec, system: System) -> CardEntry:
    monitors = [watched for trigger in spec.on for watched in (trigger.drift, trigger.quality)]
    return CardEntry(
        CardStage.RETRAINING,
        facts(
            ("starts", spec.pipeline),
            ("reasons", "; ".join(map(_reason, spec.on))),
            ("at least between two starts", spec.cooldown),
            ("runs at once", spec.concurrency),
            ("no start above", f"${spec.spend_cap.usd:,.0f} a {spec.spend_cap.per}" if spec.spend_cap else None),
            ("approval of a start", spec.approval),
        ),
        starts=paths("pipelines", [spec.pipeline]),
        started_by=(
            *paths("monitors", monitors),
            *paths("buckets", (trigger.new_data.bucket for trigger in spec.on if trigger.new_data)),
        ),
    )


def _reason(trigger: TriggerSpec) -> str:
    """A trigger in a few words."""
    if trigger.drift:
        return f"drift seen by {trigger.drift}"
    if trigger.quality:
        least = ", ".join(f"{metric} below {bound:g}" for metric, bound in trigger.below.items())
        return f"quality seen by {trigger.quality}" + (f" ({least})" if least else "")
    if trigger.schedule:
        return f"schedule {trigger.schedule} (UTC)"
    new = trigger.new_data
    return f"{new.at_least} of new data in bucket {new.bucket}" if new else "none"


COMPONENT = Component(
    kind="retraining",
    label="retraining",
    layer=Layer.OPERATIONS,
    token="mlops:operations:Retraining",
    spec=RetrainingSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys",),
    examples=(
        Example(
            "Every Monday night",
            {"weekly": {"pipeline": "train", "on": [{"schedule": "0 3 * * 1"}]}},
            _PIPELINE,
            _SCRIPTS,
        ),
        Example(
            "When 50 GB of new data have arrived, at most once a day and 400 USD a month",
            {
                "fresh": {
                    "pipeline": "train",
                    "on": [{"new_data": {"bucket": "raw", "prefix": "transactions/", "at_least": "50GB"}}],
                    "spend_cap": {"usd": 400, "per": "month"},
                }
            },
            _PIPELINE,
            _SCRIPTS,
        ),
    ),
)
