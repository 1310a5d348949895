"""Notebooks are in a VPC and have no way to the internet of their own.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-1
"""

from __future__ import annotations

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
    waits,
)

NOTEBOOK = "aws:sagemaker/notebookInstance:NotebookInstance"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Direct access is off, and subnet and security groups are set."""
    if resource.inputs.at("directInternetAccess") != "Disabled":
        return fail("has direct internet access", "directInternetAccess")
    missing = [name for name in ("subnetId", "securityGroups") if not resource.inputs.has(name)]
    return fail(f"is outside the VPC: {missing[0]} is not set", missing[0]) if missing else PASS


_PRIVATE = {"directInternetAccess": "Disabled", "subnetId": "subnet-1", "securityGroups": ["sg-1"]}


POLICY = Policy(
    id="sagemaker-notebook-private",
    title="Notebooks have no direct internet access",
    why="A notebook holds data and credentials, and runs whatever somebody copies into it.",
    fix="set directInternetAccess: Disabled, subnetId and securityGroups",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NOTEBOOK,),
    controls={
        "aws-fsbp": ("SageMaker.1", "SageMaker.2"),
        "checkov": ("CKV_AWS_122", "CKV_AWS_306"),
        "cdk-nag": ("AwsSolutions-SM1", "AwsSolutions-SM3", "HIPAA.Security-SageMakerNotebookNoDirectInternetAccess"),
        "hipaa": ("164.312(e)(1)",),
        "gdpr": ("32(1)(b)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-1",
    check=check,
    samples=(
        passes(NOTEBOOK, _PRIVATE),
        passes(NOTEBOOK, {**_PRIVATE, "subnetId": UNKNOWN}),
        fails(NOTEBOOK, {**_PRIVATE, "directInternetAccess": "Enabled"}),
        fails(NOTEBOOK, {"directInternetAccess": "Disabled"}),
        waits(NOTEBOOK, {**_PRIVATE, "directInternetAccess": UNKNOWN}),
        ELSEWHERE,
    ),
)
