"""Production endpoints are watched for drift or falling quality.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html
"""

from __future__ import annotations

from typing import Any, Final

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
)
from mlops_iac.policies.serving import ALARM, DATA_QUALITY, ENDPOINT, SCHEDULE

DEFINITIONS: Final = (
    DATA_QUALITY,
    "aws-native:sagemaker:ModelQualityJobDefinition",
    "aws-native:sagemaker:ModelBiasJobDefinition",
    "aws-native:sagemaker:ModelExplainabilityJobDefinition",
)
INPUTS: Final = ("dataQualityJobInput", "modelQualityJobInput", "modelBiasJobInput", "modelExplainabilityJobInput")
INLINE = "monitoringScheduleConfig.monitoringJobDefinition.monitoringInputs.endpointInput.endpointName"
METRICS: Final = (
    "aws/sagemaker/Endpoints/data-metrics",
    "aws/sagemaker/Endpoints/model-metrics",
    "aws/sagemaker/Endpoints/bias-metrics",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod a monitoring schedule reads the endpoint, and an alarm watches what monitors report."""
    if not stack.system.production:
        return NOT_APPLICABLE
    name = resource.inputs.at("name") if resource.inputs.is_known("name") else None
    if not _watched(resource, name, stack):
        return fail("is not watched by a monitor")
    alarms = stack.of_type(ALARM)
    if any(
        alarm.inputs.is_known("namespace") and alarm.inputs.text("namespace").startswith(METRICS) for alarm in alarms
    ):
        return PASS
    return fail("is monitored, but no alarm tells of drift or falling quality")


def _watched(endpoint: ResourceView, name: Any, stack: StackView) -> bool:
    watching = {d.urn for d in stack.of_type(*DEFINITIONS) if _reads(d, endpoint, name, INPUTS)}
    for schedule in stack.of_type(SCHEDULE):
        if _reads(schedule, endpoint, name, ("monitoringScheduleConfig",)):
            return True
        if watching & schedule.sources.get("monitoringScheduleConfig", frozenset()):
            return True
        named = "monitoringScheduleConfig.monitoringJobDefinitionName"
        definition = schedule.inputs.text(named) if schedule.inputs.is_known(named) else ""
        if definition and any(definition in d.identifiers for d in stack.of_type(*DEFINITIONS) if d.urn in watching):
            return True
    return False


def _reads(resource: ResourceView, endpoint: ResourceView, name: Any, inputs: tuple[str, ...]) -> bool:
    if any(endpoint.urn in resource.sources.get(key, ()) for key in inputs):
        return True
    paths = [f"{key}.endpointInput.endpointName" for key in inputs] + [INLINE]
    return name is not None and any(resource.inputs.is_known(p) and resource.inputs.at(p) == name for p in paths)


_PROD = SystemView(environment="prod")
_JOB = neighbour(DATA_QUALITY, {"name": "drift", "dataQualityJobInput": {"endpointInput": {"endpointName": "api"}}})
_SCHEDULE = neighbour(SCHEDULE, {"monitoringScheduleConfig": {"monitoringJobDefinitionName": "drift"}})
_ALARM = neighbour(ALARM, {"namespace": METRICS[0]})


POLICY = Policy(
    id="sagemaker-endpoint-has-monitor",
    title="Production endpoints are monitored",
    why="A model goes wrong without any error; only a comparison with its baseline shows it.",
    fix="declare a monitor for the endpoint, with an alert",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT,),
    controls={"eu-ai-act": ("9", "15(1)", "72"), "nist-ai-rmf": ("MEASURE-2.4", "MANAGE-4.1")},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html",
    check=check,
    samples=(
        passes(ENDPOINT, {"name": "api"}, _JOB, _SCHEDULE, _ALARM, system=_PROD),
        fails(ENDPOINT, {"name": "api"}, _JOB, _SCHEDULE, system=_PROD),
        fails(ENDPOINT, {"name": "other"}, _JOB, _SCHEDULE, _ALARM, system=_PROD),
        fails(ENDPOINT, {"name": "api"}, system=_PROD),
        skips(ENDPOINT, {"name": "api"}),
    ),
    spans=True,
)
