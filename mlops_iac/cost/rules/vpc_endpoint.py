"""Private endpoints: interface endpoints are billed by zone and hour and for their data; gateway endpoints are free.

Source: https://aws.amazon.com/privatelink/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if resource.inputs.text("vpcEndpointType", "Gateway") != "Interface":
        yield Free("gateway endpoints are free")
        return
    zones = len(resource.inputs.list("subnetIds"))
    data = context.assumed(resource, "private_endpoint_gb")
    yield context.charge("hours", "vpc", "interface-endpoint", zones * HOURS, basis=f"{zones} zones x 730 h")
    yield context.charge("data", "vpc", "interface-endpoint-data-tier1", data, basis=f"{data:,.10g} GB assumed")


RULES = (Rule(("aws:ec2/vpcEndpoint:VpcEndpoint",), "https://aws.amazon.com/privatelink/pricing/", _price),)
