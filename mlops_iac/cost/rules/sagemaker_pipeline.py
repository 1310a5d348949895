"""SageMaker pipelines: the jobs of every run, by what starts runs.

The floor counts scheduled runs whose jobs take the assumed part of their longest runtime, with spot capacity at the
saving that the EC2 type has; the ceiling counts every run that triggers allow, each job at its longest and spot
capacity at the full price. Retries and early stopping are not counted.
Source: https://aws.amazon.com/sagemaker/ai/pricing/ (training, processing)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_iac.cost.model import Charge, Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule, charge
from mlops_iac.cost.sagemaker import Use, instance_price, spot_price
from mlops_iac.cost.table import HOURS
from mlops_iac.cost.triggers import limited, pipeline_runs
from mlops_iac.policies.policy import ResourceView

_LONGEST = 86_400
"""Seconds after which SageMaker stops a job that says nothing of its own."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A step's job: ``jobs`` such jobs in each run, each on ``instances`` for at most ``hours``."""

    step: str
    use: Use
    instance_type: str
    instances: float
    hours: float
    volume_gb: float
    spot: bool = False
    jobs: float = 1


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    definition = json.loads(resource.inputs.text("pipelineDefinition", "{}"))
    jobs = list(_jobs(definition.get("Steps", ())))
    if not jobs:
        yield Free("has no step that runs a job")
        return
    runs = pipeline_runs(resource, context)
    once = [entry for job in jobs for entry in _charges(job, 1, 1, "", 1, context)]
    runs = limited(runs, sum(entry.ceiling.usd for entry in once if isinstance(entry, Charge)))
    share = context.assumed(resource, "runtime_share")
    for job in jobs:
        yield from _charges(job, runs.floor, runs.ceiling, runs.basis, share, context)


def _charges(
    job: _Job, least_runs: float, most_runs: float, basis: str, share: float, context: Context
) -> Iterator[Charge | Gap]:
    price = instance_price(context.table, job.use, job.instance_type, context.region)
    what = f"{job.step}: {job.instances * job.jobs:,.10g} x {job.instance_type}"
    if price is None:
        yield Gap(what, context.missing(f"sagemaker-{job.use}", job.instance_type))
        return
    low = (spot_price(context.table, job.use, job.instance_type, context.region) if job.spot else None) or price
    hours = job.jobs * job.instances * job.hours
    basis = f"{basis} x {job.hours:,.10g} h at most, {share:,.10g} of it in the floor"
    yield charge(what, low, least_runs * hours * share, most_runs * hours, basis, ceiling_price=price)
    stored = job.volume_gb * hours / HOURS
    item = "processing-storage" if job.use == "processing" else "training-storage"
    yield context.charge(
        f"{job.step}: volumes",
        "sagemaker-storage",
        item,
        least_runs * stored * share,
        most_runs * stored,
        f"{job.volume_gb:,.10g} GB while the job runs",
    )


def _jobs(steps: Sequence[Mapping[str, Any]]) -> Iterator[_Job]:
    for step in steps:
        arguments = step.get("Arguments", {})
        match step.get("Type"):
            case "Condition":
                yield from _jobs([*arguments.get("IfSteps", ()), *arguments.get("ElseSteps", ())])
            case "Processing":
                yield _job(step["Name"], "processing", arguments, arguments["ProcessingResources"]["ClusterConfig"])
            case "Training":
                yield _job(step["Name"], "training", arguments, arguments["ResourceConfig"])
            case "Tuning":
                training = arguments["TrainingJobDefinition"]
                number = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
                yield _job(step["Name"], "training", training, training["ResourceConfig"], float(number))
            case "Transform":
                yield _job(step["Name"], "batch-transform", arguments, arguments["TransformResources"])


def _job(step: str, use: Use, arguments: Mapping[str, Any], resources: Mapping[str, Any], jobs: float = 1) -> _Job:
    longest = arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _LONGEST)
    return _Job(
        step,
        use,
        str(resources["InstanceType"]),
        float(resources["InstanceCount"]),
        float(longest) / 3600,
        float(resources.get("VolumeSizeInGB", 0)),
        bool(arguments.get("EnableManagedSpotTraining", False)),
        jobs,
    )


RULES = (Rule(("aws:sagemaker/pipeline:Pipeline",), "https://aws.amazon.com/sagemaker/ai/pricing/", _price),)
