"""Monitoring jobs encrypt their traffic, disks and results.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-9
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

_INLINE = "monitoringScheduleConfig.monitoringJobDefinition."
_CLUSTER = "jobResources.clusterConfig.volumeKmsKeyId"
PLACES: Final = {
    DATA_QUALITY: ("networkConfig", _CLUSTER, "dataQualityJobOutputConfig.kmsKeyId"),
    SCHEDULE: (
        f"{_INLINE}networkConfig",
        f"{_INLINE}monitoringResources.clusterConfig.volumeKmsKeyId",
        f"{_INLINE}monitoringOutputConfig.kmsKeyId",
    ),
    "aws-native:sagemaker:ModelQualityJobDefinition": (
        "networkConfig",
        _CLUSTER,
        "modelQualityJobOutputConfig.kmsKeyId",
    ),
    "aws-native:sagemaker:ModelBiasJobDefinition": ("networkConfig", _CLUSTER, "modelBiasJobOutputConfig.kmsKeyId"),
    "aws-native:sagemaker:ModelExplainabilityJobDefinition": (
        "networkConfig",
        _CLUSTER,
        "modelExplainabilityJobOutputConfig.kmsKeyId",
    ),
}
"""Where each type says how its network is set, and with which keys its disks and results are encrypted."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Traffic encryption is on and both keys are set."""
    if resource.type == SCHEDULE and not resource.inputs.has(_INLINE.rstrip(".")):
        return NOT_APPLICABLE
    network, volume, output = PLACES[resource.type]
    if not resource.inputs.has(volume):
        return fail("keeps captured data on disks without a key of its own", volume)
    if not resource.inputs.has(output):
        return fail("writes results without a key of its own", output)
    flag = f"{network}.enableInterContainerTrafficEncryption"
    return PASS if resource.inputs.flag(flag) else fail("does not encrypt the traffic between its containers", flag)


_JOB = {
    "networkConfig": {"enableInterContainerTrafficEncryption": True},
    "jobResources": {"clusterConfig": {"volumeKmsKeyId": UNKNOWN}},
    "dataQualityJobOutputConfig": {"kmsKeyId": "arn:key"},
}


POLICY = Policy(
    id="sagemaker-monitor-encrypted",
    title="Monitoring jobs are encrypted",
    why="Captured requests pass through them: traffic, disks and results hold the same data.",
    fix="set enableInterContainerTrafficEncryption, volumeKmsKeyId and the output's kmsKeyId",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(PLACES),
    controls={
        "aws-fsbp": ("SageMaker.9",),
        "aws-ai-security": ("SageMaker.22",),
        "checkov": ("CKV_AWS_367", "CKV_AWS_368", "CKV_AWS_369"),
        "hipaa": ("164.312(a)(2)(iv)", "164.312(e)(2)(ii)"),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-9",
    check=check,
    samples=(
        passes(DATA_QUALITY, _JOB),
        fails(DATA_QUALITY, {**_JOB, "networkConfig": {}}),
        fails(DATA_QUALITY, {**_JOB, "dataQualityJobOutputConfig": {}}),
        fails(DATA_QUALITY, {**_JOB, "jobResources": {}}),
        waits(DATA_QUALITY, {**_JOB, "networkConfig": {"enableInterContainerTrafficEncryption": UNKNOWN}}),
        skips(SCHEDULE, {"monitoringScheduleConfig": {"monitoringJobDefinitionName": "drift"}}),
    ),
)
