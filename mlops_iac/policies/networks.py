"""Reads security group rules from the three resource types that hold them.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple

from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView, StackView

GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ANYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})
ALL_PORTS: Final = (0, 65535)


class Rule(NamedTuple):
    """One rule: who it lets in or out, and on which ports; ``data`` is where it stands."""

    ingress: bool
    data: Inputs

    @property
    def anywhere(self) -> bool:
        """Whether the other side may be any address."""
        return any(
            address in ANYWHERE
            for name in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
            for address in self.data.list(name)
        )

    @property
    def protocol(self) -> str:
        """The protocol in lower case; ``-1`` for every one."""
        found: Any = self.data.at("protocol", self.data.at("ipProtocol", "-1"))
        return {"all": "-1", "6": "tcp", "17": "udp"}.get(str(found).lower(), str(found).lower())

    @property
    def ports(self) -> tuple[int, int]:
        """First and last port."""
        if self.protocol == "-1":
            return ALL_PORTS
        first, last = self.data.number("fromPort"), self.data.number("toPort")
        return (int(first or 0), int(last if last is not None else first if first is not None else 65535))

    @property
    def where(self) -> str:
        """The path of the rule, empty where the resource is the rule."""
        return self.data.path


def rules_of(resource: ResourceView) -> Iterator[Rule]:
    """The rules that a resource holds."""
    if resource.type == GROUP:
        for direction in ("ingress", "egress"):
            for data in resource.inputs.each(direction):
                yield Rule(direction == "ingress", data)
    elif resource.type == RULE:
        yield Rule(resource.inputs.text("type") != "egress", resource.inputs)
    else:
        yield Rule(resource.type == INGRESS, resource.inputs)


def closed(resource: ResourceView, input: str, stack: StackView, named: Collection[str] = ()) -> bool:
    """Whether the security groups that an input names are in sight, and none of them lets anything out to anywhere.

    ``named`` are ids of groups that stand inside the input's text, for a deployed resource whose sources are not known.
    """
    groups = list(stack.targets_of(resource, input, GROUP))
    if not groups and named:
        groups = [group for group in stack.of_type(GROUP) if not group.identifiers.isdisjoint(named)]
    return bool(groups) and not any(_lets_out(group, stack) for group in groups)


def _lets_out(group: ResourceView, stack: StackView) -> bool:
    holders = [
        group,
        *(stack.pointing_at(group, RULE, "securityGroupId")),
        *(stack.pointing_at(group, EGRESS, "securityGroupId")),
    ]
    return any(not rule.ingress and rule.anywhere for holder in holders for rule in rules_of(holder))
