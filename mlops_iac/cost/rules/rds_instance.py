"""RDS databases: instance, storage up to what it may grow to, and the secret that RDS keeps for the master user.

Backups up to the size of the storage are free, and more is not counted.
Source: https://aws.amazon.com/rds/postgresql/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    zones = "multi-az" if inputs.flag("multiAz") else "single-az"
    size, engine = inputs.text("instanceClass"), inputs.text("engine")
    if engine == "postgres":
        yield context.charge("instance", "rds-postgresql", f"{size}/{zones}", HOURS, basis=f"730 h, {zones}")
    else:
        yield Gap("instance", f"the table has no prices of engine {engine}")
    storage = inputs.text("storageType", "gp2")
    least = inputs.number("allocatedStorage") or 0.0
    most = max(inputs.number("maxAllocatedStorage") or 0.0, least)
    yield context.charge(
        "storage", "rds-storage", f"{storage}-{zones}", least, most, f"{least:,.10g} GB, grows to {most:,.10g}"
    )
    if inputs.flag("manageMasterUserPassword"):
        yield context.charge("master user's secret", "secrets-manager", "secret", 1, basis="one secret")


RULES = (Rule(("aws:rds/instance:Instance",), "https://aws.amazon.com/rds/postgresql/pricing/", _price),)
