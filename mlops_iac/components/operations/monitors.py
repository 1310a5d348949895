"""Model monitors: SageMaker Model Monitor jobs on captured traffic, and one alarm that says "something is wrong".

Creates a job definition, its schedule, a role, the metric alarms, and a composite alarm where several metrics matter.
Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html and, for metric names and dimensions,
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.data.feature_stores import FeatureStoreSpec
from mlops_iac.components.foundation.alerts import AlertOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.models.image_uris import NoImageError
from mlops_iac.components.models.pipelines import PipelineOutputs, PipelineSpec
from mlops_iac.components.operations.monitor_definitions import add_definition, image_of
from mlops_iac.components.sagemaker_access import image_access, log_and_metric_access, network_access
from mlops_iac.components.serving.endpoints import EndpointOutputs, EndpointSpec
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.quantities import Cron, Duration
from mlops_iac.spec.system import System

SCHEDULE_TOO_FINE = "MI3600"
"""A monitor's schedule is neither hourly nor daily, the only ones that SageMaker takes."""
LABELS_MISSING = "MI3601"
"""A quality or bias monitor has no ground-truth labels to compare with."""
FIELD_MISPLACED = "MI3602"
"""A monitor has a field that its kind does not use, or lacks one that it needs."""
ENDPOINT_WITHOUT_CAPTURE = "MI3603"
"""A monitor watches an endpoint that keeps no requests."""
NOTHING_TO_ALARM_ON = "MI3604"
"""A data-quality monitor knows no features, so no alarm can be made."""
NO_IMAGE = "MI3605"
"""AWS publishes no image for this kind of monitor in the system's region."""

_MONITORING_TYPES = {"data_quality": "DataQuality", "model_quality": "ModelQuality", "bias": "ModelBias"}
_METRIC_NAMESPACES = {
    "data_quality": "aws/sagemaker/Endpoints/data-metrics",
    "model_quality": "aws/sagemaker/Endpoints/model-metrics",
    "bias": "aws/sagemaker/Endpoints/bias-metrics",
}


class LabelsSpec(Spec, kw_only=True):
    """Where the true outcomes are written, in the merge format of SageMaker Model Monitor."""

    bucket: Annotated[str, doc("Bucket that holds the labels.", ref="buckets")]
    prefix: Annotated[
        str,
        doc(
            "Folder of the labels, with a slash at its end.",
            pattern="^([^/].*/)?$",
            expects="a folder such as labels/",
        ),
    ]


class MonitorSpec(Spec, kw_only=True):
    """One thing that is watched about one endpoint."""

    endpoint: Annotated[str, doc("Endpoint whose captured requests are watched.", ref="endpoints")]
    kind: Annotated[
        Literal["data_quality", "model_quality", "bias"],
        doc(
            "What is compared: inputs with the training data, predictions with labels, or groups with each other.",
            replaces=True,
        ),
    ]
    schedule: Annotated[Cron, doc("When to compare: hourly, daily, or a daily cron such as 0 5 * * *.")]
    alert: Annotated[str | None, doc("Who is told; without it, every alert.", ref="alerts")] = None
    baseline: Annotated[
        str | None, doc("Pipeline that computes the baseline of statistics and constraints.", ref="pipelines")
    ] = None
    features: Annotated[
        list[str],
        doc("Features whose drift raises the alarm; without it, those of the baseline pipeline's feature stores."),
    ] = []
    drift_above: Annotated[
        float,
        doc(
            "Distance from the baseline's distribution above which a feature has drifted (0 to 1).",
            ge=0,
            le=1,
        ),
    ] = 0.2
    labels: Annotated[
        LabelsSpec | None,
        doc("True outcomes; a bias monitor takes those of the endpoint's quality monitor where it has none."),
    ] = None
    threshold: Annotated[
        dict[str, float], doc("Lowest acceptable value of each quality metric, such as f1: 0.85.")
    ] = {}
    problem: Annotated[Literal["binary", "multiclass", "regression"], doc("What the model predicts.")] = "binary"
    probability_attribute: Annotated[
        str, doc("Column index or JSON path of the predicted probability in the response.")
    ] = "0"
    probability_threshold: Annotated[
        float, doc("Probability from which a prediction counts as positive.", ge=0, le=1)
    ] = 0.5
    facet: Annotated[str | None, doc("Input column whose groups are compared, for kind bias.")] = None
    positive_label: Annotated[int, doc("Label value that counts as positive, for kind bias.")] = 1
    bias_within: Annotated[
        float,
        doc("Widest acceptable difference in positive predicted labels (DPPL) between groups.", ge=0, le=1),
    ] = 0.1
    instance_type: Annotated[
        str, doc("Instance type of the job.", pattern="^ml\\.", expects="an ml. instance type")
    ] = "ml.m5.xlarge"
    max_runtime: Annotated[Duration, doc("Time after which the job is stopped; below the schedule's period.")] = (
        Duration(3000)
    )


@dataclass(frozen=True, slots=True)
class MonitorOutputs(Outputs):
    """A monitor that retraining and rollouts react to; ``alarm`` is None where its endpoint was skipped."""

    kind: str
    alarm: Ref | None = None
    alarm_arn: Ref | None = None
    schedule: Ref | None = None
    alarms: dict[str, Ref] = field(default_factory=dict)
    skipped: bool = False


def build(name: str, spec: MonitorSpec, ctx: BuildContext) -> MonitorOutputs:
    """Job definition, schedule and alarms; nothing where the endpoint does not exist yet."""
    endpoint = ctx.get("endpoints", spec.endpoint, EndpointOutputs)
    if endpoint.skipped or endpoint.capture_bucket is None:
        return MonitorOutputs(spec.kind, skipped=True)
    bucket = ctx.get("buckets", endpoint.capture_bucket, BucketOutputs)
    labels = labels_of(name, spec, ctx.system)
    role = _role(name, spec, endpoint, bucket, labels, ctx)
    definition = add_definition(name, spec, endpoint, bucket, labels, role, ctx)
    schedule = ctx.add(
        "schedule",
        "aws:sagemaker/monitoringSchedule:MonitoringSchedule",
        {
            "name": ctx.namer.cloud(name),
            "monitoringScheduleConfig": {
                "monitoringJobDefinitionName": definition,
                "monitoringType": _MONITORING_TYPES[spec.kind],
                "scheduleConfig": {"scheduleExpression": schedule_expression(spec.schedule)},
            },
        },
    )
    return _alarms(name, spec, endpoint, schedule, ctx)


def schedule_expression(schedule: Cron) -> str:
    """The schedule as Model Monitor writes it: at minute 0, hourly or daily."""
    hour = schedule.expression.split(" ")[1]
    return f"cron(0 {hour} ? * * *)"


def labels_of(name: str, spec: MonitorSpec, system: System) -> LabelsSpec | None:
    """The labels that a monitor compares with: its own, or those of its endpoint's quality monitor."""
    if spec.labels is not None or spec.kind != "bias":
        return spec.labels
    for other in system.of_kind("monitors"):
        if other.spec.endpoint == spec.endpoint and other.spec.kind == "model_quality" and other.spec.labels:
            labels: LabelsSpec = other.spec.labels
            return labels
    return None


def watched_features(spec: MonitorSpec, system: System) -> list[str]:
    """The features whose drift is alarmed on."""
    if spec.features or spec.baseline is None:
        return spec.features
    pipeline = system.find("pipelines", spec.baseline)
    if pipeline is None or not isinstance(pipeline.spec, PipelineSpec):
        return []
    stores = [store for step in pipeline.spec.steps.values() if (store := getattr(step, "feature_store", None))]
    found: list[str] = []
    for store in stores:
        declared = system.find("feature_stores", store)
        if declared is not None and isinstance(declared.spec, FeatureStoreSpec):
            found += [feature for feature in declared.spec.features if feature not in found]
    return found


def _role(
    name: str,
    spec: MonitorSpec,
    endpoint: EndpointOutputs,
    bucket: BucketOutputs,
    labels: LabelsSpec | None,
    ctx: BuildContext,
) -> Handle:
    statements: list[Statement] = [*endpoint.read_capture(), *bucket.write(f"monitoring/{name}/")]
    if endpoint.arn is not None:
        statements.append(Statement(("sagemaker:DescribeEndpoint",), (endpoint.arn,)))
    if labels is not None:
        statements += ctx.get("buckets", labels.bucket, BucketOutputs).read(labels.prefix)
    if spec.baseline is not None:
        statements += ctx.get("pipelines", spec.baseline, PipelineOutputs).read_baselines()
    statements += [
        ctx.get("keys", "keys", KeysOutputs).use("internal"),
        *image_access(ctx, [image_of(spec, ctx.core.cloud.region)]),
        *log_and_metric_access(ctx),
        *network_access(ctx),
    ]
    return ctx.role("role", statements, service="sagemaker.amazonaws.com")


def _alarms(
    name: str, spec: MonitorSpec, endpoint: EndpointOutputs, schedule: Handle, ctx: BuildContext
) -> MonitorOutputs:
    topics = alert_topics(spec.alert, ctx)
    alarms = {
        metric: ctx.add(
            f"alarm-{metric}",
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {
                "name": ctx.namer.cloud(name, metric, limit=255),
                "alarmDescription": f"Monitor {name}: {description}",
                "namespace": _METRIC_NAMESPACES[spec.kind],
                "metricName": metric_name,
                "dimensions": {
                    "Endpoint": endpoint.name,
                    "MonitoringSchedule": schedule["name"],
                    **dimensions,
                },
                "statistic": "Maximum" if above else "Minimum",
                "comparisonOperator": "GreaterThanThreshold" if above else "LessThanThreshold",
                "threshold": threshold,
                "period": 3600 if spec.schedule.is_hourly else 86400,
                "evaluationPeriods": 1,
                "treatMissingData": "notBreaching",
                "alarmActions": topics,
            },
        )
        for metric, metric_name, dimensions, threshold, above, description in _watched(spec, ctx.system)
    }
    if not alarms:
        return MonitorOutputs(spec.kind, schedule=schedule["name"])
    names = {metric: alarm["name"] for metric, alarm in alarms.items()}
    if len(alarms) == 1:
        alarm = next(iter(alarms.values()))
        return MonitorOutputs(spec.kind, alarm["name"], alarm["arn"], schedule["name"], names)
    rule: list[Value] = []
    for metric in alarms:
        rule += [" OR " if rule else "", 'ALARM("', names[metric], '")']
    composite = ctx.add(
        "alarm",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        {
            "alarmName": ctx.namer.cloud(name, limit=255),
            "alarmDescription": f"Monitor {name}: any of its alarms",
            "alarmRule": join(*rule),
            "alarmActions": topics,
        },
    )
    return MonitorOutputs(spec.kind, composite["alarmName"], composite["arn"], schedule["name"], names)


def alert_topics(alert: str | None, ctx: BuildContext) -> list[Value]:
    """Topics to notify: the named alert's, or every alert's."""
    if alert is not None:
        return [ctx.get("alerts", alert, AlertOutputs).topic_arn]
    return [outputs.topic_arn for outputs in ctx.all("alerts", AlertOutputs).values()]


def _watched(spec: MonitorSpec, system: System) -> Iterator[tuple[str, str, dict[str, Value], float, bool, str]]:
    """Suffix, metric, further dimensions, threshold, whether above is bad, and words, for each alarm."""
    if spec.kind == "data_quality":
        for feature in watched_features(spec, system):
            text = f"feature {feature} drifted from the training data"
            yield (
                feature.replace("_", "-"),
                f"feature_baseline_drift_{feature}",
                {},
                spec.drift_above,
                True,
                text,
            )
    elif spec.kind == "model_quality":
        for metric, least in spec.threshold.items():
            yield metric.replace("_", "-"), metric, {}, least, False, f"{metric} fell below {least:g}"
    else:
        dimensions: dict[str, Value] = {"BiasStage": "Post-Training", "Facet": spec.facet}
        text = f"groups of {spec.facet} get unequal decisions"
        yield "dppl", "bias_metric_DPPL", dimensions, spec.bias_within, True, text


def check(name: str, spec: MonitorSpec, system: System) -> Iterable[Problem]:
    """Schedule, labels and fields that fit the kind; an endpoint that keeps its requests."""
    if not spec.schedule.is_hourly and not _is_daily(spec.schedule):
        yield Problem(
            SCHEDULE_TOO_FINE,
            ("schedule",),
            f"monitor {name!r}: SageMaker runs monitors hourly or once a day, not at {spec.schedule.expression!r}",
            'write hourly, daily, or a full hour of every day such as "0 5 * * *"',
        )
    yield from _check_fields(name, spec)
    try:
        image_of(spec, system.core.cloud.region)
    except NoImageError as error:
        yield Problem(NO_IMAGE, (), f"monitor {name!r}: {error}", f"there are some for: {', '.join(error.known)}")
    if spec.kind in ("model_quality", "bias") and labels_of(name, spec, system) is None:
        yield Problem(
            LABELS_MISSING,
            (),
            f"monitor {name!r}: {spec.kind} compares predictions with true labels, and none are given",
            "add labels: {bucket: ..., prefix: labels/}",
        )
    endpoint = system.find("endpoints", spec.endpoint)
    if endpoint is not None and isinstance(endpoint.spec, EndpointSpec) and endpoint.spec.capture is None:
        yield Problem(
            ENDPOINT_WITHOUT_CAPTURE,
            ("endpoint",),
            f"monitor {name!r}: endpoint {spec.endpoint!r} keeps no requests, so there is nothing to watch",
            f"add capture: {{bucket: ..., prefix: captured/, sample: 20%}} to endpoints.{spec.endpoint}",
        )
    if spec.kind == "data_quality" and not watched_features(spec, system):
        yield Problem(
            NOTHING_TO_ALARM_ON,
            (),
            f"monitor {name!r}: no feature is known, so drift raises no alarm",
            "list features: [...], or name a baseline pipeline that reads a feature store",
            Severity.WARNING,
        )


def _is_daily(schedule: Cron) -> bool:
    minute, hour, *rest = schedule.expression.split(" ")
    return (minute == "0" and hour.isdigit() and rest == ["*", "*", "*"]) or schedule == Cron.parse("daily")


def _check_fields(name: str, spec: MonitorSpec) -> Iterator[Problem]:
    needs = {"bias": ("facet", spec.facet), "model_quality": ("threshold", spec.threshold or None)}
    if spec.kind in needs and needs[spec.kind][1] is None:
        missing = needs[spec.kind][0]
        yield Problem(
            FIELD_MISPLACED,
            (),
            f"monitor {name!r}: kind {spec.kind} needs {missing}",
            {
                "facet": "name the input column whose groups are compared",
                "threshold": "write for example threshold: {f1: 0.85}",
            }[missing],
        )
    for other, value in (("facet", spec.facet), ("threshold", spec.threshold or None)):
        owner = "bias" if other == "facet" else "model_quality"
        if value is not None and spec.kind != owner:
            yield Problem(
                FIELD_MISPLACED,
                (other,),
                f"monitor {name!r}: {other} means nothing for kind {spec.kind}",
                f"remove it, or make the kind {owner}",
            )


_ENDPOINT = {
    "buckets": {"raw": {"classification": "confidential"}},
    "models": {"scorer": {"stages": ["prod"], "released": {"prod": 1}}},
    "endpoints": {
        "api": {
            "model": {"registry": "scorer", "stage": "prod"},
            "instance_type": "ml.m5.xlarge",
            "capture": {"bucket": "raw", "prefix": "captured/", "sample": "20%"},
        }
    },
    "alerts": {"oncall": {"email": ["oncall@example.com"]}},
}


def card(name: str, spec: MonitorSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.MONITORING,
        facts(
            ("watches", f"{spec.kind.replace('_', ' ')} of {spec.endpoint}"),
            ("schedule", f"{spec.schedule} (UTC)"),
            ("groups compared", spec.facet),
            *((f"lowest {metric}", f"{least:g}") for metric, least in spec.threshold.items()),
            ("drifted above", f"{spec.drift_above:g}" if spec.kind == "data_quality" else None),
            ("tells", spec.alert or "every alert"),
        ),
        receives=(
            *paths("endpoints", [spec.endpoint]),
            *paths("buckets", [spec.labels.bucket] if spec.labels else []),
            *paths("pipelines", [spec.baseline]),
        ),
    )


COMPONENT = Component(
    kind="monitors",
    label="monitor",
    layer=Layer.OPERATIONS,
    token="mlops:operations:Monitor",
    spec=MonitorSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys", "network", "buckets", "alerts"),
    examples=(
        Example(
            "Drift of two features, every hour",
            {
                "drift": {
                    "endpoint": "api",
                    "kind": "data_quality",
                    "schedule": "hourly",
                    "features": ["amount", "country"],
                }
            },
            _ENDPOINT,
        ),
        Example(
            "Quality against labels, and bias between countries, every day",
            {
                "quality": {
                    "endpoint": "api",
                    "kind": "model_quality",
                    "schedule": "daily",
                    "threshold": {"f1": 0.85},
                    "labels": {"bucket": "raw", "prefix": "labels/"},
                    "alert": "oncall",
                },
                "bias": {"endpoint": "api", "kind": "bias", "schedule": "daily", "facet": "country"},
            },
            _ENDPOINT,
        ),
    ),
)
