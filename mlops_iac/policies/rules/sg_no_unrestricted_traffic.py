"""No security group lets everything in or everything out.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.networks import ALL_PORTS, EGRESS, GROUP, INGRESS, RULE, Rule, rules_of
from mlops_iac.policies.policy import (
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


def check(resource: ResourceView, stack: StackView) -> Result:
    """No rule covers every port and every address, in either direction."""
    return worst(rules_of(resource), _limited)


def _limited(rule: Rule) -> Result:
    first, last = rule.ports
    if first <= 1 and last >= ALL_PORTS[1] and rule.anywhere:
        return fail(f"lets everything {'in' if rule.ingress else 'out'}", rule.where)
    return PASS


_ALL = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}


POLICY = Policy(
    id="sg-no-unrestricted-traffic",
    title="Security groups do not open all ports to everybody",
    why="What may send to any address on any port may send the training data there.",
    fix="open the one port to the one peer",
    settings=("network.internet_egress",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(GROUP, RULE, INGRESS, EGRESS),
    controls={
        "aws-fsbp": ("EC2.18",),
        "checkov": ("CKV_AWS_277", "CKV_AWS_260", "CKV_AWS_382"),
        "cdk-nag": ("AwsSolutions-EC23",),
        "hipaa": ("164.312(e)(1)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-18",
    check=check,
    samples=(
        passes(GROUP, {"egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}]}),
        fails(GROUP, {"egress": [_ALL]}),
        fails(GROUP, {"ingress": [_ALL]}),
        fails(EGRESS, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}),
        waits(EGRESS, {"ipProtocol": "-1", "cidrIpv4": UNKNOWN}),
        skips(GROUP, {"name": "closed"}),
    ),
)
