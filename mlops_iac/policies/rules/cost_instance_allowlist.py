"""Machines are of the types, and of the number, that the environment may have.

Source: https://docs.aws.amazon.com/wellarchitected/latest/machine-learning-lens/cost-optimization-pillar.html
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.hardware import allowed
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Limits,
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
from mlops_iac.policies.serving import ENDPOINT_CONFIG, TRAINING_JOB
from mlops_iac.policies.training import PIPELINE, trainings

PLACES: Final = {
    ENDPOINT_CONFIG: ("productionVariants", "instanceType", "initialInstanceCount"),
    TRAINING_JOB: ("resourceConfig", "instanceType", "instanceCount"),
    PIPELINE: ("resourceConfig", "instanceType", "instanceCount"),
    "aws:sagemaker/notebookInstance:NotebookInstance": ("", "instanceType", ""),
    "aws:eks/nodeGroup:NodeGroup": ("", "instanceTypes", ""),
    "aws:ec2/instance:Instance": ("", "instanceType", ""),
    "aws:batch/computeEnvironment:ComputeEnvironment": ("computeResources", "instanceTypes", ""),
}
"""Where each type says which machines it takes, and how many: object, types, count."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every type fits one of the allowed patterns, and an endpoint or training takes no more machines than allowed."""
    base, types, count = PLACES[resource.type]
    owners = trainings(resource) if resource.type == PIPELINE else (resource.inputs,)
    places = [place for owner in owners for place in (owner.each(base) if base else (owner,))]
    judged = [place for place in places if place.has(types)]
    return worst(judged, lambda place: _within(place, types, count, stack.system.limits))


def _within(place: Inputs, types: str, count: str, limits: Limits) -> Result:
    for name in place.list(types):
        if not allowed(str(name), limits.instance_types):
            return fail(f"uses {name}, which is not allowed here", place.path_of(types))
    number = place.number(count) if count else None
    if number is not None and number > limits.endpoint_instances:
        return fail(f"takes {number:g} machines, more than {limits.endpoint_instances}", place.path_of(count))
    return PASS


def _config(instance_type: Any, count: Any = 1) -> dict[str, Any]:
    return {
        "productionVariants": [{"variantName": "main", "instanceType": instance_type, "initialInstanceCount": count}]
    }


_LIMITED = SystemView(limits=Limits(instance_types=("ml.m5.*", "m6i.*")))


POLICY = Policy(
    id="cost-instance-allowlist",
    title="Instance types and numbers are within the environment's limits",
    why="One letter in an instance type can multiply its price by thirty.",
    fix="choose an allowed type, or add it to policies.allowed_instance_types after approval",
    settings=(
        "clusters.*.pools.*.instance_type",
        "endpoints.*.instance_type",
        "pipelines.*.steps.*.instance_type",
        "tracking.database.instance_class",
    ),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(PLACES),
    controls={"nist-ai-rmf": ("MEASURE-2.12",)},
    source_url="https://docs.aws.amazon.com/wellarchitected/latest/machine-learning-lens/cost-optimization-pillar.html",
    check=check,
    samples=(
        passes(ENDPOINT_CONFIG, _config("ml.m5.large"), system=_LIMITED),
        fails(ENDPOINT_CONFIG, _config("ml.p5.48xlarge"), system=_LIMITED),
        fails(ENDPOINT_CONFIG, _config("ml.m5.large", 500)),
        fails("aws:eks/nodeGroup:NodeGroup", {"instanceTypes": ["m6i.large", "p5.48xlarge"]}, system=_LIMITED),
        waits(ENDPOINT_CONFIG, _config(UNKNOWN), system=_LIMITED),
        skips(
            ENDPOINT_CONFIG,
            {"productionVariants": [{"serverlessConfig": {"maxConcurrency": 5, "memorySizeInMb": 2048}}]},
        ),
    ),
)
