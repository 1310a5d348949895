"""NAT gateways: their hours, what they process, and what leaves for the internet through them.

Source: https://aws.amazon.com/vpc/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    processed = context.assumed(resource, "nat_gb")
    out = context.assumed(resource, "internet_out_gb")
    yield context.charge("gateway", "nat-gateway", "gateway", HOURS, basis="730 h")
    yield context.charge("data", "nat-gateway", "data-processed", processed, basis=f"{processed:,.10g} GB assumed")
    yield context.charge(
        "data to the internet", "data-transfer", "internet-out-tier1", out, basis=f"{out:,.10g} GB assumed"
    )


RULES = (Rule(("aws:ec2/natGateway:NatGateway",), "https://aws.amazon.com/vpc/pricing/", _price),)
