"""DynamoDB tables: storage, requests on demand or provisioned capacity, and continuous backups.

Source: https://aws.amazon.com/dynamodb/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    stored = context.assumed(resource, "table_gb")
    yield context.charge("storage", "dynamodb", "storage", stored, basis=f"{stored:,.10g} GB assumed")
    if inputs.flag("pointInTimeRecovery.enabled"):
        yield context.charge("backups", "dynamodb", "backup-pitr", stored, basis=f"{stored:,.10g} GB assumed")
    if inputs.text("billingMode") == "PAY_PER_REQUEST":
        reads, writes = context.assumed(resource, "table_reads"), context.assumed(resource, "table_writes")
        yield context.charge("reads", "dynamodb", "on-demand-read", reads / 1e6, basis=f"{reads:,.10g} assumed")
        yield context.charge("writes", "dynamodb", "on-demand-write", writes / 1e6, basis=f"{writes:,.10g} assumed")
    else:
        read, write = inputs.number("readCapacity") or 0.0, inputs.number("writeCapacity") or 0.0
        yield context.charge(
            "read capacity", "dynamodb", "provisioned-rcu", read * HOURS, basis=f"{read:,.10g} x 730 h"
        )
        yield context.charge(
            "write capacity", "dynamodb", "provisioned-wcu", write * HOURS, basis=f"{write:,.10g} x 730 h"
        )


RULES = (Rule(("aws:dynamodb/table:Table",), "https://aws.amazon.com/dynamodb/pricing/", _price),)
