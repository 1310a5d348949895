"""Notebooks, Studio domains and review workflows keep their files under an own key.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/encryption-at-rest.html
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    ELSEWHERE,
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
)

KEYS: Final = {
    "aws:sagemaker/notebookInstance:NotebookInstance": "kmsKeyId",
    "aws:sagemaker/domain:Domain": "kmsKeyId",
    "aws:sagemaker/flowDefinition:FlowDefinition": "outputConfig.kmsKeyId",
}


def check(resource: ResourceView, stack: StackView) -> Result:
    """The key is set."""
    path = KEYS[resource.type]
    return PASS if resource.inputs.has(path) else fail("is not encrypted with a key of its own", path)


POLICY = Policy(
    id="sagemaker-studio-kms-cmk",
    title="Notebooks, domains and reviews are encrypted with an own key",
    why="People keep samples of the data there, outside the buckets that are watched.",
    fix="set kmsKeyId (outputConfig.kmsKeyId of a flow definition); this replaces the resource",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(KEYS),
    controls={
        "aws-ai-security": ("SageMaker.21",),
        "checkov": ("CKV_AWS_22", "CKV_AWS_187", "CKV_AWS_372"),
        "cdk-nag": ("AwsSolutions-SM2", "HIPAA.Security-SageMakerNotebookInstanceKMSKeyConfigured"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/encryption-at-rest.html",
    check=check,
    samples=(
        passes("aws:sagemaker/domain:Domain", {"kmsKeyId": UNKNOWN}),
        fails("aws:sagemaker/domain:Domain", {"domainName": "research"}),
        fails("aws:sagemaker/flowDefinition:FlowDefinition", {"outputConfig": {"s3OutputPath": "s3://data/"}}),
        ELSEWHERE,
    ),
)
