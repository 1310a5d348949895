"""Log groups: what they take in, and what they keep until their retention ends.

Logs that AWS services deliver (flow logs, Step Functions under ``/aws/vendedlogs/``) have a price of their own. The
floor keeps one month, the ceiling everything that the retention keeps, uncompressed.
Source: https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import DAYS
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    taken_in = context.assumed(resource, "log_gb")
    days = resource.inputs.number("retentionInDays") or 0.0
    months = days / DAYS if days else 12.0
    kept = f"kept for {days:,.10g} d" if days else "kept for ever, a year of it counted"
    item = "vended-logs-tier1" if _is_vended(resource, context) else "logs-ingest"
    yield context.charge("ingestion", "cloudwatch", item, taken_in, basis=f"{taken_in:,.10g} GB assumed")
    yield context.charge(
        "storage",
        "cloudwatch",
        "logs-storage",
        taken_in * min(months, 1.0),
        taken_in * months,
        f"{taken_in:,.10g} GB a month, {kept}",
    )


def _is_vended(resource: ResourceView, context: Context) -> bool:
    flow_logs = context.stack.pointing_at(resource, "aws:ec2/flowLog:FlowLog", "logDestination")
    return resource.inputs.text("name").startswith("/aws/vendedlogs/") or any(flow_logs)


RULES = (Rule(("aws:cloudwatch/logGroup:LogGroup",), "https://aws.amazon.com/cloudwatch/pricing/", _price),)
