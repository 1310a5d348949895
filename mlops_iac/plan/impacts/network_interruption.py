"""Networks that are replaced, and ways out of them: what runs inside loses its connections.

Sources: https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html (refused while anything is in it) and
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html (a new gateway takes minutes; connections
through the old one end).
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched
from mlops_iac.plan.model import Op

_VPC = "aws:ec2/vpc:Vpc"
_GATEWAY = "aws:ec2/natGateway:NatGateway"
_DOCS = "https://docs.aws.amazon.com/vpc/latest/userguide"


def _find(scene: Scene) -> Iterator[Impact]:
    for found in scene.of_type(_VPC):
        if found.goes:
            yield _network(found)
    for found in scene.of_type(_GATEWAY):
        if found.op is Op.REPLACE:
            yield _way_out(found)


def _network(found: Touched) -> Impact:
    return Impact(
        ImpactKind.DOWNTIME,
        ImpactSeverity.CRITICAL,
        found.component,
        (found.name,),
        f"the network {found.how}: everything inside has to be moved, and AWS refuses to delete it before",
        "build the new network beside it and move component by component, or keep its address range",
        f"{_DOCS}/delete-vpc.html",
    )


def _way_out(found: Touched) -> Impact:
    return Impact(
        ImpactKind.DOWNTIME,
        ImpactSeverity.MEDIUM,
        found.component,
        (found.name,),
        f"NAT gateway {found.name} {found.how}: connections to the outside end, and open anew through the next one",
        "apply while no job downloads from outside",
        f"{_DOCS}/nat-gateway-working-with.html",
        (1, 5),
    )


RULE = ImpactRule("network-interruption", "A network or a way out of it is replaced.", _find)
