"""SageMaker monitoring schedules: the processing jobs of each run.

Monitors of quality and bias join predictions with labels in a job of its own before the analysis, on the same
resources.
Sources: https://aws.amazon.com/sagemaker/ai/pricing/ (processing),
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule, charge
from mlops_iac.cost.sagemaker import instance_price
from mlops_iac.cost.schedules import runs_per_month
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView

_DEFINITIONS = (
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
    "aws-native:sagemaker:ModelBiasJobDefinition",
    "aws-native:sagemaker:ModelExplainabilityJobDefinition",
    "aws-native:sagemaker:ModelQualityJobDefinition",
)
_WITH_LABELS = ("ModelQuality", "ModelBias")
_LONGEST = 3600


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    expression = inputs.text("monitoringScheduleConfig.scheduleConfig.scheduleExpression")
    runs = runs_per_month(expression)
    definition = _definition(inputs.text("monitoringScheduleConfig.monitoringJobDefinitionName"), context)
    if runs is None or definition is None:
        reason = "its job definition is not part of the system" if runs else f"{expression!r} is not understood"
        yield Gap("runs", reason)
        return
    cluster = definition.at("jobResources.clusterConfig")
    kind = cluster.text("instanceType")
    price = instance_price(context.table, "processing", kind, context.region)
    if price is None:
        yield Gap(f"instances of {kind}", context.missing("sagemaker-processing", kind))
        return
    jobs = 2 if inputs.text("monitoringScheduleConfig.monitoringType") in _WITH_LABELS else 1
    longest = (definition.number("stoppingCondition.maxRuntimeInSeconds") or _LONGEST) / 3600
    hours = runs * jobs * (cluster.number("instanceCount") or 1.0) * longest
    share = context.assumed(resource, "runtime_share")
    basis = f"{runs:.1f} runs x {jobs} jobs x {longest:.3g} h at most, {share:,.10g} of it in the floor"
    yield charge(f"instances of {kind}", price, hours * share, hours, basis)
    size = cluster.number("volumeSizeInGb") or 0.0
    stored = size * hours / HOURS
    yield context.charge(
        "volumes",
        "sagemaker-storage",
        "processing-storage",
        stored * share,
        stored,
        f"{size:,.10g} GB while a job runs",
    )


def _definition(name: str, context: Context) -> Inputs | None:
    for definition in context.stack.of_type(*_DEFINITIONS):
        if name in (definition.inputs.text("name"), definition.inputs.text("jobDefinitionName")):
            return definition.inputs
    return None


RULES = (
    Rule(
        ("aws:sagemaker/monitoringSchedule:MonitoringSchedule",),
        "https://aws.amazon.com/sagemaker/ai/pricing/",
        _price,
    ),
)
