"""How many instances an endpoint has, and what decides it: Application Auto Scaling, by target tracking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Problem
from mlops_iac.components.serving.rollouts import RolloutSpec
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.values import Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import System

BAD_AUTOSCALING = "MI3502"
"""The autoscaling limits leave no room, or less than the environment demands."""

ScalingMetric = Literal["invocations_per_instance", "concurrent_requests_per_instance", "cpu", "gpu"]

_PREDEFINED_METRICS: Mapping[ScalingMetric, str] = {
    "invocations_per_instance": "SageMakerVariantInvocationsPerInstance",
    "concurrent_requests_per_instance": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
}


class AutoscalingSpec(Spec, kw_only=True):
    """How many instances serve, and what decides it."""

    min: Annotated[int, doc("Fewest instances; raised to the environment's least.", ge=1)] = 1
    max: Annotated[int, doc("Most instances.", ge=1)] = 4
    metric: Annotated[
        ScalingMetric,
        doc(
            "What is held at the target: requests a minute on each instance, requests at a time on each, or percent "
            "of use."
        ),
    ] = "invocations_per_instance"
    target: Annotated[float, doc("Value of the metric that is aimed at.")] = 400
    scale_in_after: Annotated[Duration, doc("Pause after instances were removed.")] = Duration(600)
    scale_out_after: Annotated[Duration, doc("Pause after instances were added.")] = Duration(60)


def least_instances(spec: AutoscalingSpec, system: System) -> int:
    """Fewest instances: the declared number, or the environment's least where that is higher."""
    return max(spec.min, system.core.env.min_endpoint_instances)


def check_autoscaling(name: str, spec: AutoscalingSpec, rollout: RolloutSpec, system: System) -> Iterator[Problem]:
    """What is wrong with how endpoint ``name`` scales."""
    least = least_instances(spec, system)
    if spec.max < least:
        why = "`min`" if spec.min >= least else f"the least of environment {system.core.env.name}"
        yield Problem(
            BAD_AUTOSCALING,
            ("autoscaling", "max"),
            f"endpoint {name!r} has at most {spec.max} instances and at least {least} ({why})",
            f"raise `max` to {least} or more",
        )
    if spec.target <= 0 or (spec.metric in ("cpu", "gpu") and spec.target > 100):
        yield Problem(
            BAD_AUTOSCALING,
            ("autoscaling", "target"),
            f"{spec.target:g} cannot be a target of {spec.metric}",
            "use a percentage from 1 to 100" if spec.metric in ("cpu", "gpu") else "use a number above 0",
        )
    if least < 2 and rollout.strategy in ("canary", "linear", "rolling"):
        yield Problem(
            BAD_AUTOSCALING,
            ("autoscaling", "min"),
            f"one instance cannot be replaced in parts, as {rollout.strategy} wants",
            "keep 2 instances or more, or use blue_green",
            Severity.WARNING,
        )


def autoscale(
    name: str, spec: AutoscalingSpec, endpoint: Handle, variant: Mapping[str, Value], ctx: BuildContext
) -> None:
    """Add what scales the endpoint; ``variant`` are the dimensions of its metrics.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """
    target = ctx.add(
        "scaling",
        "aws:appautoscaling/target:Target",
        {
            "serviceNamespace": "sagemaker",
            "scalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "resourceId": join("endpoint/", endpoint["name"], "/variant/", variant["VariantName"]),
            "minCapacity": least_instances(spec, ctx.system),
            "maxCapacity": spec.max,
        },
    )
    ctx.add(
        "scaling-policy",
        "aws:appautoscaling/policy:Policy",
        {
            "name": ctx.namer.cloud(name, "scaling", limit=255),
            "policyType": "TargetTrackingScaling",
            "serviceNamespace": target["serviceNamespace"],
            "scalableDimension": target["scalableDimension"],
            "resourceId": target["resourceId"],
            "targetTrackingScalingPolicyConfiguration": {
                "targetValue": spec.target,
                "scaleInCooldown": spec.scale_in_after.seconds,
                "scaleOutCooldown": spec.scale_out_after.seconds,
                **_scaling_metric(spec.metric, variant),
            },
        },
    )


def _scaling_metric(metric: ScalingMetric, variant: Mapping[str, Value]) -> dict[str, Value]:
    if metric in _PREDEFINED_METRICS:
        return {"predefinedMetricSpecification": {"predefinedMetricType": _PREDEFINED_METRICS[metric]}}
    return {
        "customizedMetricSpecification": {
            "namespace": "/aws/sagemaker/Endpoints",
            "metricName": "CPUUtilizationNormalized" if metric == "cpu" else "GPUUtilizationNormalized",
            "statistic": "Average",
            "dimensions": [{"name": key, "value": value} for key, value in variant.items()],
        }
    }
