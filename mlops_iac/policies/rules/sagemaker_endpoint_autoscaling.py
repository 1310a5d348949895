"""Endpoints grow and shrink with their load, within a limit.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
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
    SystemView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
    waits,
)
from mlops_iac.policies.serving import ENDPOINT, ENDPOINT_CONFIG, config_of, variants

TARGET = "aws:appautoscaling/target:Target"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A scaling target stays within the limit; every variant on instances of a prod endpoint has one."""
    if resource.type == TARGET:
        return _within_limit(resource, stack.system.limits.endpoint_instances)
    config = config_of(resource, stack)
    if not stack.system.production or config is None:
        return NOT_APPLICABLE
    scaled = [
        t for t in stack.of_type(TARGET) if resource.urn in t.sources.get("resourceId", ()) or _names(t, resource)
    ]
    managed = [v for v in variants(config) if not v.has("managedInstanceScaling")]
    if not managed:
        return NOT_APPLICABLE
    return PASS if scaled else fail("runs the same number of instances whatever the load")


def _within_limit(target: ResourceView, limit: int) -> Result:
    if target.inputs.at("serviceNamespace") != "sagemaker":
        return NOT_APPLICABLE
    most = target.inputs.number("maxCapacity") or 0
    return PASS if most <= limit else fail(f"may grow to {most:g} instances, more than {limit}", "maxCapacity")


def _names(target: ResourceView, endpoint: ResourceView) -> bool:
    name = endpoint.inputs.text("name")
    return bool(name) and target.inputs.text("resourceId").startswith(f"endpoint/{name}/")


_PROD = SystemView(environment="prod")
_CONFIG = neighbour(
    ENDPOINT_CONFIG, {"name": "c", "productionVariants": [{"variantName": "main", "instanceType": "ml.m5.large"}]}
)
_ENDPOINT = {"name": "api", "endpointConfigName": "c"}


POLICY = Policy(
    id="sagemaker-endpoint-autoscaling",
    title="Production endpoints scale within a limit",
    why="A fixed fleet is either too small at noon or paid for all night.",
    fix="add an appautoscaling Target and Policy for the variant, with a maxCapacity within the limit",
    settings=("endpoints.*.autoscaling.max",),
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.ADVISORY,
    applies_to=(ENDPOINT, TARGET),
    controls={},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html",
    check=check,
    samples=(
        passes(
            ENDPOINT, _ENDPOINT, _CONFIG, neighbour(TARGET, {"resourceId": "endpoint/api/variant/main"}), system=_PROD
        ),
        fails(ENDPOINT, _ENDPOINT, _CONFIG, system=_PROD),
        skips(ENDPOINT, _ENDPOINT, _CONFIG),
        passes(TARGET, {"serviceNamespace": "sagemaker", "maxCapacity": 4}),
        fails(TARGET, {"serviceNamespace": "sagemaker", "maxCapacity": 500}),
        waits(TARGET, {"serviceNamespace": "sagemaker", "maxCapacity": UNKNOWN}),
    ),
)
