"""Machines have no public address.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
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
    worst,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
SUBNET = "aws:ec2/subnet:Subnet"


def check(resource: ResourceView, stack: StackView) -> Result:
    """No address is given out by the subnet or asked for by the machine."""
    if resource.type == SUBNET:
        return (
            fail("gives out public addresses", "mapPublicIpOnLaunch")
            if resource.inputs.flag("mapPublicIpOnLaunch")
            else PASS
        )
    cards = list(resource.inputs.each("networkInterfaces")) if resource.type == TEMPLATE else [resource.inputs]
    return worst(cards, _private) if cards else NOT_APPLICABLE


def _private(card: Inputs) -> Result:
    public = card.flag("associatePublicIpAddress")
    return fail("asks for a public address", card.path_of("associatePublicIpAddress")) if public else PASS


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    """Not machines: one would be replaced."""
    if resource.type == SUBNET:
        return {"mapPublicIpOnLaunch": False}
    cards = resource.inputs.each("networkInterfaces") if resource.type == TEMPLATE else ()
    name = "associatePublicIpAddress"
    return {card.path_of(name): "false" for card in cards if card.flag(name)}


POLICY = Policy(
    id="ec2-no-public-ip",
    title="Machines have no public address",
    why="What has no public address cannot be scanned from the internet.",
    fix="use private subnets with NAT or endpoints; set mapPublicIpOnLaunch and associatePublicIpAddress to false",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TEMPLATE, INSTANCE, SUBNET),
    controls={
        "aws-fsbp": ("EC2.9", "EC2.15", "EC2.25"),
        "checkov": ("CKV_AWS_88", "CKV_AWS_130"),
        "aws-guard": ("ec2-instance-no-public-ip",),
        "hipaa": ("164.312(e)(1)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9",
    check=check,
    remediate=_remediate,
    samples=(
        passes(SUBNET, {"mapPublicIpOnLaunch": False}),
        fails(SUBNET, {"mapPublicIpOnLaunch": True}),
        waits(SUBNET, {"mapPublicIpOnLaunch": UNKNOWN}),
        fails(INSTANCE, {"associatePublicIpAddress": True}),
        fails(TEMPLATE, {"networkInterfaces": [{"associatePublicIpAddress": "true"}]}),
        skips(TEMPLATE, {}),
    ),
)
