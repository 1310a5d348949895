"""Athena workgroups: the data that queries scan.

Source: https://aws.amazon.com/athena/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    scanned = context.assumed(resource, "scanned_gb")
    yield context.charge("queries", "athena", "data-scanned", scanned / 1000, basis=f"{scanned:,.10g} GB assumed")


RULES = (Rule(("aws:athena/workgroup:Workgroup",), "https://aws.amazon.com/athena/pricing/", _price),)
