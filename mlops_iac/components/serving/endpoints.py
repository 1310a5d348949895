"""Real-time endpoints: SageMaker, from a released version to autoscaled, watched and safely replaced instances.

Creates the model, an endpoint configuration that is named by its content (so that a new one exists before the endpoint
switches to it, and the old one goes after), the endpoint with its rollout, alarms, autoscaling and one role.

How a rollout becomes SageMaker's: the last step is always 100%. ``canary`` with two steps (10%, 100%) is CANARY.
SageMaker's canary has one step before the rest, so the others of (10%, 50%, 100%) are left out, with a warning: the
rest follows after one bake instead of several. ``linear`` takes equal steps (25%, 50%, 75%, 100%). ``blue_green`` and
``all_at_once`` switch in one step, the former keeping the old fleet for the bake time. ``rolling`` replaces a share of
the instances at a time, without a second fleet.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.alarms import topics
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.models.images import ImageOutputs
from mlops_iac.components.models.models import ModelOutputs, ModelSpec
from mlops_iac.components.models.pipeline_jobs import has_local_disks
from mlops_iac.components.models.pipeline_steps import InstanceType
from mlops_iac.components.models.pipelines import PipelineOutputs
from mlops_iac.components.sagemaker_access import (
    log_and_metric_access,
    network_access,
    security_groups,
    subnets,
    volume_access,
)
from mlops_iac.components.serving.autoscaling import AutoscalingSpec, autoscale, check_autoscaling, least_instances
from mlops_iac.components.serving.rollouts import BAD_BAKE, RolloutSpec, check_rollout, deployment
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.naming import content_hash
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.quantities import Duration, Percent
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import Classification, System

UNKNOWN_STAGE = "MI3500"
"""The endpoint wants a stage that its model does not have."""
NOTHING_RELEASED = "MI3501"
"""No version is released to the stage, and the endpoint must not do without."""
VARIANT = "live"
"""Name of an endpoint's only variant."""


class ModelSource(Spec, kw_only=True):
    """Which version of which model is served."""

    registry: Annotated[str, doc("Model whose versions are served.", ref="models")]
    stage: Annotated[Name | None, doc("Stage whose released version is served; unset is the last stage.")] = None
    artifacts: Annotated[
        str | None, doc("Bucket with the model's files, where no pipeline of the system registers it.", ref="buckets")
    ] = None
    image: Annotated[
        str | None,
        doc("Image repository that serves the model, where no pipeline of the system registers it.", ref="images"),
    ] = None
    if_none: Annotated[
        Literal["skip", "fail"],
        doc("What happens while no version is released to the stage: leave the endpoint out, or refuse to compile."),
    ] = "fail"


class CaptureSpec(Spec, kw_only=True):
    """Which requests and answers are kept, for monitors and audit."""

    bucket: Annotated[str, doc("Bucket that keeps them.", ref="buckets")]
    prefix: Annotated[
        str,
        doc(
            "Folder in the bucket, with a slash at the end.",
            pattern="^([^/]+/)+$",
            expects="a folder such as captured/",
        ),
    ] = "captured/"
    sample: Annotated[Percent, doc("Share of requests that is kept.")] = Percent.parse("100%")


class ObjectivesSpec(Spec, kw_only=True):
    """What callers may count on; the alarms follow from it."""

    latency_p99: (
        Annotated[
            str,
            doc(
                "99 of 100 answers of the model come within this time.",
                pattern="^[1-9][0-9]*(ms|s)$",
                expects="a latency such as 120ms",
            ),
        ]
        | None
    ) = None
    availability: Annotated[Percent, doc("Share of requests that succeed.")] = Percent.parse("99.9%")


class EndpointSpec(Spec, kw_only=True):
    """One model behind an address that others call."""

    model: Annotated[ModelSource, doc("What is served.")]
    instance_type: Annotated[InstanceType, doc("Instance type that serves.")] = "ml.m5.large"
    autoscaling: Annotated[AutoscalingSpec, doc("How many instances serve.")] = AutoscalingSpec()
    rollout: Annotated[RolloutSpec, doc("How a new version takes over.")] = RolloutSpec()
    capture: Annotated[CaptureSpec | None, doc("Which requests are kept; unset keeps none.")] = None
    slo: Annotated[ObjectivesSpec, doc("What callers may count on.")] = ObjectivesSpec()
    startup: Annotated[Duration, doc("How long a container may take to load the model (1m to 1h).")] = Duration(600)
    classification: Annotated[
        Classification, doc("How sensitive requests are; chooses the key of the instances' storage.")
    ] = "internal"
    alert: Annotated[
        str | None,
        doc(
            "Who is told by alarms; unset: the alerts of the endpoint's monitors, else every declared one.",
            ref="alerts",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class EndpointOutputs(Outputs):
    """An endpoint that others call, watch or retrain for; everything is None or empty where it was ``skipped``.

    ``capture`` is the ``s3://`` folder (with a slash at its end) below which SageMaker keeps captured requests.
    """

    name: Ref | None = None
    arn: Ref | None = None
    variant: str = VARIANT
    capture: Value = None
    capture_bucket: str | None = None
    alarms: Mapping[str, Ref] = field(default_factory=dict)
    instance_type: str | None = None
    skipped: bool = False
    capture_read: tuple[Statement, ...] = ()

    def invoke(self) -> tuple[Statement, ...]:
        """Permission to call the endpoint."""
        return () if self.arn is None else (Statement(("sagemaker:InvokeEndpoint",), (self.arn,)),)

    def read_capture(self) -> tuple[Statement, ...]:
        """Permissions to read captured requests."""
        return self.capture_read


def build(name: str, spec: EndpointSpec, ctx: BuildContext) -> EndpointOutputs:
    """Model, configuration, alarms and endpoint; nothing while no version is released."""
    source = ctx.get("models", spec.model.registry, ModelOutputs)
    package = source.released.get(spec.model.stage or source.production)
    if package is None:
        return EndpointOutputs(skipped=True)
    role = ctx.role("role", _statements(spec, source, package, ctx), service="sagemaker.amazonaws.com")
    model = _model(name, package, role, ctx)
    configuration = _configuration(name, spec, model, ctx)
    alarms = _alarms(name, spec, ctx)
    endpoint = ctx.add(
        "endpoint",
        "aws:sagemaker/endpoint:Endpoint",
        {
            "name": _endpoint_name(name, ctx),
            "endpointConfigName": configuration["name"],
            "deploymentConfig": deployment(name, spec.rollout, alarms),
        },
        depends_on=alarms.values(),
    )
    autoscale(name, spec.autoscaling, endpoint, _dimensions(name, ctx), ctx)
    bucket = ctx.get("buckets", spec.capture.bucket, BucketOutputs) if spec.capture else None
    return EndpointOutputs(
        name=endpoint["name"],
        arn=endpoint["arn"],
        capture=bucket.uri(spec.capture.prefix) if bucket and spec.capture else None,
        capture_bucket=spec.capture.bucket if spec.capture else None,
        alarms={f"{name}-{suffix}": alarm["name"] for suffix, alarm in alarms.items()},
        instance_type=spec.instance_type,
        capture_read=bucket.read(spec.capture.prefix) if bucket and spec.capture else (),
    )


def _endpoint_name(name: str, ctx: BuildContext) -> str:
    """The endpoint's name: its alarms have to know it before the endpoint exists."""
    return ctx.namer.cloud(name)


def _statements(spec: EndpointSpec, source: ModelOutputs, package: Value, ctx: BuildContext) -> Iterator[Statement]:
    yield Statement(("sagemaker:DescribeModelPackage",), (package,))
    for pipeline in ctx.all("pipelines", PipelineOutputs).values():
        if spec.model.registry in pipeline.registers:
            yield from pipeline.serve_models()
    if spec.model.artifacts is not None:
        yield from ctx.get("buckets", spec.model.artifacts, BucketOutputs).read()
    if spec.model.image is not None:
        yield from ctx.get("images", spec.model.image, ImageOutputs).pull()
    if spec.capture is not None:
        yield from ctx.get("buckets", spec.capture.bucket, BucketOutputs).write(spec.capture.prefix)
    yield from volume_access(_key(spec, ctx))
    yield from log_and_metric_access(ctx)
    yield from network_access(ctx)


def _key(spec: EndpointSpec, ctx: BuildContext) -> Ref | str:
    return ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)


def _model(name: str, package: Value, role: Handle, ctx: BuildContext) -> Handle:
    network = ctx.get("network", "network", NetworkOutputs)
    inputs: dict[str, Value] = {
        "executionRoleArn": role["arn"],
        "enableNetworkIsolation": ctx.core.security.network_isolation,
        "primaryContainer": {"modelPackageName": package},
        "vpcConfig": {"subnets": subnets(network), "securityGroupIds": security_groups(network)},
    }
    return ctx.add(
        "model",
        "aws:sagemaker/model:Model",
        {"name": ctx.namer.cloud(name, _fingerprint(inputs)), **inputs},
        depends_on=ctx.role_ready(role),
    )


def _configuration(name: str, spec: EndpointSpec, model: Handle, ctx: BuildContext) -> Handle:
    """The endpoint configuration, named by what it says.

    The number of instances is where autoscaling starts from: it is not part of the name, and a later change of it is
    left to autoscaling, so that nobody has to redeploy the endpoint for it.
    """
    variant: dict[str, Value] = {
        "variantName": VARIANT,
        "modelName": model["name"],
        "instanceType": spec.instance_type,
        "initialVariantWeight": 1,
        "containerStartupHealthCheckTimeoutInSeconds": spec.startup.seconds,
        "modelDataDownloadTimeoutInSeconds": spec.startup.seconds,
    }
    inputs: dict[str, Value] = {
        "kmsKeyArn": None if has_local_disks(spec.instance_type) else _key(spec, ctx),
        "dataCaptureConfig": _capture(spec.capture, ctx) if spec.capture else None,
    }
    fingerprint = _fingerprint({"model": model_name(model, ctx), "variant": variant, **inputs})
    return ctx.add(
        "configuration",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        {
            "name": ctx.namer.cloud(name, fingerprint),
            "productionVariants": [{**variant, "initialInstanceCount": least_instances(spec.autoscaling, ctx.system)}],
            **inputs,
        },
        depends_on=ctx.get("buckets", spec.capture.bucket, BucketOutputs).ready if spec.capture else (),
        ignore_changes=("productionVariants[0].initialInstanceCount",),
    )


def model_name(model: Handle, ctx: BuildContext) -> Value:
    """The name that the model was given, which follows its content."""
    return ctx.assembly.nodes[model.key].inputs["name"]


def _capture(spec: CaptureSpec, ctx: BuildContext) -> dict[str, Value]:
    bucket = ctx.get("buckets", spec.bucket, BucketOutputs)
    return {
        "enableCapture": True,
        "initialSamplingPercentage": spec.sample.whole,
        "destinationS3Uri": bucket.uri(spec.prefix),
        "kmsKeyId": bucket.key_arn,
        "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
        "captureContentTypeHeader": {"csvContentTypes": ["text/csv"], "jsonContentTypes": ["application/json"]},
    }


def _fingerprint(inputs: Mapping[str, Value]) -> str:
    """Changes when the inputs do; references count by what they refer to."""
    return content_hash(repr(sorted(inputs.items())))


def _alarms(name: str, spec: EndpointSpec, ctx: BuildContext) -> dict[str, Handle]:
    """An alarm on failed requests, and one on slow answers where a latency is promised."""
    common: dict[str, Value] = {
        "alarmActions": topics(ctx, spec.alert, endpoint=name),
        "okActions": topics(ctx, spec.alert, endpoint=name),
        "evaluationPeriods": 5,
        "datapointsToAlarm": 3,
        "treatMissingData": "notBreaching",
        "comparisonOperator": "GreaterThanThreshold",
    }
    alarms = {"errors": _error_alarm(name, spec, common, ctx)}
    if spec.slo.latency_p99 is not None:
        alarms["latency"] = _latency_alarm(name, spec.slo.latency_p99, common, ctx)
    return alarms


def _error_alarm(name: str, spec: EndpointSpec, common: Mapping[str, Value], ctx: BuildContext) -> Handle:
    percent = float(100 - spec.slo.availability.value)
    return ctx.add(
        "errors-alarm",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "name": ctx.namer.cloud(name, "errors", limit=255),
            "alarmDescription": f"Endpoint {name}: more than {percent:g}% of requests fail",
            "threshold": percent,
            "metricQueries": [
                _query("errors", "Invocation5XXErrors", name, ctx),
                _query("requests", "Invocations", name, ctx),
                {
                    "id": "rate",
                    "expression": "IF(requests > 0, 100 * errors / requests, 0)",
                    "label": "Failed requests (%)",
                    "returnData": True,
                },
            ],
            **common,
        },
    )


def _query(id: str, metric: str, name: str, ctx: BuildContext) -> dict[str, Value]:
    return {
        "id": id,
        "metric": {
            "namespace": "AWS/SageMaker",
            "metricName": metric,
            "dimensions": _dimensions(name, ctx),
            "period": 60,
            "stat": "Sum",
        },
        "returnData": False,
    }


def _latency_alarm(name: str, latency: str, common: Mapping[str, Value], ctx: BuildContext) -> Handle:
    return ctx.add(
        "latency-alarm",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "name": ctx.namer.cloud(name, "latency", limit=255),
            "alarmDescription": f"Endpoint {name}: the slowest 1% of answers take longer than {latency}",
            "namespace": "AWS/SageMaker",
            "metricName": "ModelLatency",
            "dimensions": _dimensions(name, ctx),
            "extendedStatistic": "p99",
            "period": 60,
            "threshold": 1000 * milliseconds(latency),
            **common,
        },
    )


def _dimensions(name: str, ctx: BuildContext) -> dict[str, Value]:
    return {"EndpointName": _endpoint_name(name, ctx), "VariantName": VARIANT}


def milliseconds(latency: str) -> int:
    """A latency such as ``120ms`` or ``2s`` as milliseconds."""
    return int(latency[:-2]) if latency.endswith("ms") else 1000 * int(latency[:-1])


def check(name: str, spec: EndpointSpec, system: System) -> Iterator[Problem]:
    """The model's stage, the limits, and what SageMaker can roll out."""
    yield from _check_model(name, spec, system)
    yield from check_autoscaling(name, spec.autoscaling, spec.rollout, system)
    own = [f"{name}-errors"] + ([f"{name}-latency"] if spec.slo.latency_p99 is not None else [])
    yield from check_rollout(name, spec.rollout, own, system)
    if not 60 <= spec.startup.seconds <= 3600:
        yield Problem(
            BAD_BAKE, ("startup",), f"SageMaker waits 1m to 1h for a container, not {spec.startup}", "use 1m to 1h"
        )


def _check_model(name: str, spec: EndpointSpec, system: System) -> Iterator[Problem]:
    declared = system.find("models", spec.model.registry)
    if declared is None or not isinstance(declared.spec, ModelSpec):
        return
    stages = declared.spec.stages
    stage = spec.model.stage or stages[-1]
    if stage not in stages:
        hint = did_you_mean(stage, stages) or f"stages: {', '.join(stages)}"
        yield Problem(UNKNOWN_STAGE, ("model", "stage"), f"model {spec.model.registry!r} has no stage {stage!r}", hint)
    elif stage not in declared.spec.released:
        refuse = spec.model.if_none == "fail"
        yield Problem(
            NOTHING_RELEASED,
            ("model",),
            f"no version of {spec.model.registry!r} is released to {stage!r}"
            + ("" if refuse else f", so endpoint {name!r} is left out"),
            f"release one in `models.{spec.model.registry}.released`"
            + (", or set `if_none: skip` to leave the endpoint out until then" if refuse else ""),
            Severity.ERROR if refuse else Severity.INFO,
        )


def card(name: str, spec: EndpointSpec, system: System) -> CardEntry:
    stage = f" of stage {spec.model.stage}" if spec.model.stage else " of the last stage"
    fewest = max(spec.autoscaling.min, system.core.env.min_endpoint_instances)
    return CardEntry(
        CardStage.SERVING,
        facts(
            ("serves", f"{spec.model.registry}, the version{stage}"),
            ("instances", f"{fewest} to {max(spec.autoscaling.max, fewest)} of {spec.instance_type}"),
            ("rollout", spec.rollout.strategy.replace("_", " ")),
            ("rolled back by", "its own alarms" if spec.rollout.rollback_on is None else spec.rollout.rollback_on),
            ("requests kept", f"{spec.capture.sample} in bucket {spec.capture.bucket}" if spec.capture else "none"),
            ("availability", spec.slo.availability),
            ("99 of 100 answers within", spec.slo.latency_p99),
        ),
        spec.classification,
        receives=(*paths("models", [spec.model.registry]), *paths("buckets", [spec.model.artifacts])),
        feeds=paths("buckets", [spec.capture.bucket] if spec.capture else []),
    )


COMPONENT = Component(
    kind="endpoints",
    label="endpoint",
    layer=Layer.SERVING,
    token="mlops:serving:Endpoint",
    spec=EndpointSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys", "network", "alerts", "pipelines"),
    backend="sagemaker",
    examples=(
        Example(
            "The newest release on two small instances",
            {"churn-api": {"model": {"registry": "churn"}, "autoscaling": {"min": 2}}},
            {"models": {"churn": {"released": {"prod": 1}}}, "alerts": {"oncall": {"email": ["oncall@example.com"]}}},
        ),
        Example(
            "A canary that goes back when answers fail or are slow, with a fifth of the requests kept",
            {
                "fraud-api": {
                    "model": {"registry": "fraud-scorer", "stage": "prod", "if_none": "skip"},
                    "instance_type": "ml.c6i.xlarge",
                    "autoscaling": {"min": 2, "max": 20, "metric": "invocations_per_instance", "target": 400},
                    "rollout": {
                        "strategy": "canary",
                        "steps": ["10%", "100%"],
                        "bake": "10m",
                        "rollback_on": ["fraud-api-errors", "fraud-api-latency"],
                    },
                    "capture": {"bucket": "raw", "prefix": "captured/", "sample": "20%"},
                    "slo": {"latency_p99": "120ms", "availability": "99.9%"},
                    "alert": "oncall",
                }
            },
            {
                "buckets": {"raw": {"classification": "confidential"}},
                "models": {"fraud-scorer": {"released": {"prod": 3}}},
                "alerts": {"oncall": {"email": ["oncall@example.com"]}},
            },
        ),
    ),
)
