"""Nodes are in private subnets and nobody logs in to them.

Source: https://docs.aws.amazon.com/eks/latest/best-practices/subnets.html
"""

from __future__ import annotations

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
    neighbour,
    passes,
)

NODES = "aws:eks/nodeGroup:NodeGroup"
SUBNET = "aws:ec2/subnet:Subnet"


def check(resource: ResourceView, stack: StackView) -> Result:
    """No remote access that is open to all, and no subnet that gives out public addresses."""
    if resource.inputs.has("remoteAccess") and not resource.inputs.has("remoteAccess.sourceSecurityGroupIds"):
        return fail("lets anybody try to log in by SSH", "remoteAccess")
    for subnet in stack.targets_of(resource, "subnetIds", SUBNET):
        if subnet.inputs.flag("mapPublicIpOnLaunch"):
            return fail(f"is in {subnet.name}, which gives out public addresses", "subnetIds")
    return PASS


_PUBLIC = neighbour(SUBNET, {"mapPublicIpOnLaunch": True})


POLICY = Policy(
    id="eks-nodes-private-no-ssh",
    title="Nodes are private and without SSH",
    why="A key that opens every node opens every pod and its credentials.",
    fix="drop remoteAccess (use Systems Manager), and use private subnets",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NODES,),
    controls={"checkov": ("CKV_AWS_100",), "cis-eks": ("5.4.3",), "hipaa": ("164.312(e)(1)",)},
    source_url="https://docs.aws.amazon.com/eks/latest/best-practices/subnets.html",
    check=check,
    samples=(
        passes(NODES, {"remoteAccess": {"ec2SshKey": "k", "sourceSecurityGroupIds": ["sg-1"]}}),
        passes(NODES, {}),
        fails(NODES, {"remoteAccess": {"ec2SshKey": "k"}}),
        fails(NODES, {}, _PUBLIC, sources={"subnetIds": _PUBLIC.urn}),
        ELSEWHERE,
    ),
)
