"""The Kubernetes API of a cluster is not open to the world.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-1
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.networks import ANYWHERE
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

CLUSTER = "aws:eks/cluster:Cluster"
CIDRS = "vpcConfig.publicAccessCidrs"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The endpoint is private, or open to named networks only; unset means open to all."""
    if not resource.inputs.flag("vpcConfig.endpointPublicAccess", default=True):
        return PASS
    if not resource.inputs.has(CIDRS) or any(cidr in ANYWHERE for cidr in resource.inputs.list(CIDRS)):
        return fail("has a Kubernetes API that the whole internet can reach", CIDRS)
    return PASS


POLICY = Policy(
    id="eks-endpoint-not-public",
    title="Cluster APIs are not public",
    why="Every flaw in the API server and every leaked token could be used from anywhere.",
    fix="set endpointPublicAccess: false and endpointPrivateAccess: true, or limit publicAccessCidrs",
    settings=("clusters.*.public_access",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(CLUSTER,),
    controls={
        "aws-fsbp": ("EKS.1",),
        "checkov": ("CKV_AWS_38", "CKV_AWS_39"),
        "cdk-nag": ("AwsSolutions-EKS1",),
        "cis-eks": ("5.4.1", "5.4.2"),
        "hipaa": ("164.312(e)(1)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-1",
    check=check,
    samples=(
        passes(CLUSTER, {"vpcConfig": {"endpointPublicAccess": False}}),
        passes(CLUSTER, {"vpcConfig": {"publicAccessCidrs": ["203.0.113.0/24"]}}),
        fails(CLUSTER, {"vpcConfig": {}}),
        fails(CLUSTER, {"vpcConfig": {"publicAccessCidrs": ["203.0.113.0/24", UNKNOWN, "::/0"]}}),
        waits(CLUSTER, {"vpcConfig": {"publicAccessCidrs": ["203.0.113.0/24", UNKNOWN]}}),
        ELSEWHERE,
    ),
)
