"""Training and serving talk to AWS without leaving the network.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html
"""

from __future__ import annotations

from typing import Final

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
    neighbour,
    passes,
    sample_urn,
    skips,
    text_of,
)
from mlops_iac.policies.serving import MODEL, TRAINING_JOB

VPC = "aws:ec2/vpc:Vpc"
VPC_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
SERVICES: Final = ("s3", "sagemaker.api", "sagemaker.runtime", "ecr.api", "ecr.dkr", "sts", "logs")
HOSTED: Final = (MODEL, TRAINING_JOB, "aws:sagemaker/pipeline:Pipeline", "aws:sagemaker/domain:Domain")


def check(resource: ResourceView, stack: StackView) -> Result:
    """Where the system trains or serves with SageMaker, its VPC has all the endpoints."""
    if not any(stack.of_type(*HOSTED)):
        return NOT_APPLICABLE
    offered = [endpoint.inputs.text("serviceName") for endpoint in stack.pointing_at(resource, VPC_ENDPOINT, "vpcId")]
    missing = [name for name in SERVICES if not any(service.endswith(f".{name}") for service in offered)]
    return fail(f"has no endpoint for {text_of(missing)}") if missing else PASS


_MODEL = neighbour(MODEL, {})


def _endpoint(service: str) -> ResourceView:
    return neighbour(VPC_ENDPOINT, {"serviceName": f"com.amazonaws.eu-west-1.{service}"}, sample_urn(VPC), "vpcId")


POLICY = Policy(
    id="vpc-endpoints-for-ml-services",
    title="Networks have endpoints for the ML services",
    why="Without them isolated jobs cannot start, and others send data over NAT, past every endpoint policy.",
    fix="add the endpoints (network.private_endpoints: [s3, ecr, sagemaker, sts, logs])",
    settings=("network.private_endpoints",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(VPC,),
    controls={"aws-fsbp": ("EC2.55", "EC2.56"), "hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html",
    check=check,
    samples=(
        passes(VPC, {}, _MODEL, *(_endpoint(service) for service in SERVICES)),
        fails(VPC, {}, _MODEL, _endpoint("s3")),
        skips(VPC, {}),
    ),
    spans=True,
)
