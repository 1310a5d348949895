"""Public IPv4 addresses: billed by the hour, in use or not.

Source: https://aws.amazon.com/vpc/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    yield context.charge("address", "vpc", "public-ipv4-in-use", HOURS, basis="730 h")


RULES = (Rule(("aws:ec2/eip:Eip",), "https://aws.amazon.com/vpc/pricing/", _price),)
