"""Monitoring jobs run without a way to the internet.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-14
"""

from __future__ import annotations

from typing import Final

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
    fail,
    fails,
    passes,
    skips,
    waits,
)
from mlops_iac.policies.serving import DATA_QUALITY, SCHEDULE

NETWORKS: Final = {
    DATA_QUALITY: "networkConfig",
    SCHEDULE: "monitoringScheduleConfig.monitoringJobDefinition.networkConfig",
    "aws-native:sagemaker:ModelQualityJobDefinition": "networkConfig",
    "aws-native:sagemaker:ModelBiasJobDefinition": "networkConfig",
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": "networkConfig",
}


def check(resource: ResourceView, stack: StackView) -> Result:
    """Isolation is on; a schedule that names a definition has no job of its own."""
    path = NETWORKS[resource.type]
    if resource.type == SCHEDULE and not resource.inputs.has("monitoringScheduleConfig.monitoringJobDefinition"):
        return NOT_APPLICABLE
    isolated = resource.inputs.flag(f"{path}.enableNetworkIsolation")
    return PASS if isolated else fail("can reach the network from its job", f"{path}.enableNetworkIsolation")


POLICY = Policy(
    id="sagemaker-monitor-network-isolation",
    title="Monitoring jobs run in isolation",
    why="They read every captured request, and run code of images that change with releases.",
    fix="set networkConfig.enableNetworkIsolation; this replaces the definition",
    settings=("security.network_isolation",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(NETWORKS),
    controls={"aws-fsbp": ("SageMaker.11", "SageMaker.14"), "gdpr": ("32(1)(b)",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-14",
    check=check,
    samples=(
        passes(DATA_QUALITY, {"networkConfig": {"enableNetworkIsolation": True}}),
        fails(DATA_QUALITY, {"networkConfig": {"enableNetworkIsolation": False}}),
        fails(DATA_QUALITY, {}),
        waits(DATA_QUALITY, {"networkConfig": {"enableNetworkIsolation": UNKNOWN}}),
        fails("aws-native:sagemaker:ModelBiasJobDefinition", {}),
        skips(SCHEDULE, {"monitoringScheduleConfig": {"monitoringJobDefinitionName": "drift"}}),
    ),
)
