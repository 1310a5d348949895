"""Endpoints in production run on two instances at least.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-4
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
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
    passes,
    skips,
    waits,
    worst,
)
from mlops_iac.policies.serving import ENDPOINT_CONFIG, variants

FEWEST = 2


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod every variant on instances starts with two."""
    return worst(variants(resource), _two) if stack.system.production else NOT_APPLICABLE


def _two(variant: Inputs) -> Result:
    managed = variant.number("managedInstanceScaling.minInstanceCount")
    count = managed if managed is not None else variant.number("initialInstanceCount") or 1
    path = variant.path_of("initialInstanceCount")
    return PASS if count >= FEWEST else fail(f"starts with {count:g} instance", path)


def _config(count: Any) -> dict[str, Any]:
    return {
        "productionVariants": [{"variantName": "main", "instanceType": "ml.m5.large", "initialInstanceCount": count}]
    }


_PROD = SystemView(environment="prod")


POLICY = Policy(
    id="sagemaker-endpoint-min-two-instances",
    title="Production endpoints run on two instances",
    why="Instances of one endpoint are spread over availability zones only when there are two of them.",
    fix="set initialInstanceCount to 2 (env.min_endpoint_instances)",
    settings=("endpoints.*.autoscaling.min", "env.min_endpoint_instances"),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT_CONFIG,),
    controls={"aws-fsbp": ("SageMaker.4",), "eu-ai-act": ("15(4)",), "nist-ai-rmf": ("MEASURE-2.7",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-4",
    check=check,
    samples=(
        passes(ENDPOINT_CONFIG, _config(2), system=_PROD),
        fails(ENDPOINT_CONFIG, _config(1), system=_PROD),
        waits(ENDPOINT_CONFIG, _config(UNKNOWN), system=_PROD),
        skips(ENDPOINT_CONFIG, _config(1)),
    ),
)
