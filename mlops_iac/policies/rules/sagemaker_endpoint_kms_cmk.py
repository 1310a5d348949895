"""Disks of endpoint instances are encrypted with an own key.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html#sagemaker-CreateEndpointConfig-request-KmsKeyId
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.hardware import local_storage
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
from mlops_iac.policies.serving import ENDPOINT_CONFIG, variants


def check(resource: ResourceView, stack: StackView) -> Result:
    """The key is set, unless no variant has a disk that takes one."""
    if resource.inputs.has("kmsKeyArn"):
        return PASS
    with_disk = [v for v in variants(resource) if not local_storage(v.text("instanceType"))]
    return fail("keeps models on disks without a key of its own", "kmsKeyArn") if with_disk else NOT_APPLICABLE


def _config(instance_type: Any, **more: Any) -> dict[str, Any]:
    return {"productionVariants": [{"variantName": "main", "modelName": "m", "instanceType": instance_type}], **more}


POLICY = Policy(
    id="sagemaker-endpoint-kms-cmk",
    title="Endpoint storage is encrypted with an own key",
    why="Models and requests lie on those disks.",
    fix="set kmsKeyArn",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT_CONFIG,),
    controls={
        "checkov": ("CKV_AWS_98",),
        "cdk-nag": ("HIPAA.Security-SageMakerEndpointConfigurationKMSKeyConfigured",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html#sagemaker-CreateEndpointConfig-request-KmsKeyId",
    check=check,
    samples=(
        passes(ENDPOINT_CONFIG, _config("ml.m5.large", kmsKeyArn=UNKNOWN)),
        fails(ENDPOINT_CONFIG, _config("ml.m5.large")),
        skips(ENDPOINT_CONFIG, _config("ml.g5.xlarge")),
        skips(
            ENDPOINT_CONFIG,
            {"productionVariants": [{"serverlessConfig": {"maxConcurrency": 5, "memorySizeInMb": 2048}}]},
        ),
        waits(ENDPOINT_CONFIG, _config(UNKNOWN)),
    ),
)
