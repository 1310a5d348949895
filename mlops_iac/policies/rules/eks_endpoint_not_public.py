"""The Kubernetes API of a cluster is not open to the world.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-1
"""

from __future__ import annotations

from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    sample,
)

TOKEN = "aws:eks/cluster:Cluster"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The endpoint is private, or open to named networks only."""
    network = resource.inputs.get("vpcConfig") or {}
    if network.get("endpointPublicAccess") is False:
        return PASS
    cidrs = network.get("publicAccessCidrs") or ["0.0.0.0/0"]
    if {"0.0.0.0/0", "::/0"} & set(cidrs):
        return fail("has a Kubernetes API that the whole internet can reach", "vpcConfig.publicAccessCidrs")
    return PASS


POLICY = Policy(
    id="eks-endpoint-not-public",
    title="Cluster APIs are not public",
    why="Every flaw in the API server and every leaked token could be used from anywhere.",
    fix="set endpointPublicAccess: false and endpointPrivateAccess: true",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={"cis-eks": ("5.4.1", "5.4.2"), "fsbp": ("EKS.1",), "hipaa": ("164.312(e)(1)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-1",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"vpcConfig": {"endpointPublicAccess": False}}),
        sample(Verdict.PASS, TOKEN, {"vpcConfig": {"publicAccessCidrs": ["203.0.113.0/24"]}}),
        sample(Verdict.FAIL, TOKEN, {"vpcConfig": {}}),
    ),
)
