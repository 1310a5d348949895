"""Networks record their traffic, and their default group lets nothing through.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6
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
    sample_urn,
)

VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A VPC has both; a default group has no rules."""
    if resource.type == DEFAULT_GROUP:
        opened = next((name for name in ("ingress", "egress") if resource.inputs.has(name)), "")
        return fail("lets traffic through by default", opened) if opened else PASS
    if not any(stack.pointing_at(resource, FLOW_LOG, "vpcId")):
        return fail("does not record its traffic")
    if not any(stack.pointing_at(resource, DEFAULT_GROUP, "vpcId")):
        return fail("has a default security group that lets traffic through")
    return PASS


_LOG = neighbour(FLOW_LOG, {}, sample_urn(VPC), "vpcId")
_CLOSED = neighbour(DEFAULT_GROUP, {}, sample_urn(VPC), "vpcId")


POLICY = Policy(
    id="vpc-flow-logs-and-closed-default-sg",
    title="Networks have flow logs and a closed default group",
    why="Flow logs show where data went; the default group is what a resource gets when nobody chose one.",
    fix="add a FlowLog for the VPC and a DefaultSecurityGroup without rules",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(VPC, DEFAULT_GROUP),
    controls={
        "aws-fsbp": ("EC2.2", "EC2.6"),
        "checkov": ("CKV2_AWS_11", "CKV2_AWS_12"),
        "cdk-nag": ("AwsSolutions-VPC7",),
        "hipaa": ("164.312(b)",),
        "gdpr": ("30",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6",
    check=check,
    samples=(
        passes(VPC, {}, _LOG, _CLOSED),
        fails(VPC, {}, _LOG),
        fails(VPC, {}, _CLOSED),
        fails(DEFAULT_GROUP, {"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]}),
        ELSEWHERE,
    ),
)
