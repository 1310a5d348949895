"""Flow logs of a VPC: delivery to a bucket is billed here, to a log group there.

Source: https://aws.amazon.com/cloudwatch/pricing/ (vended logs)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if resource.inputs.text("logDestinationType", "cloud-watch-logs") != "s3":
        yield Free("billed as ingestion of its log group")
        return
    delivered = context.assumed(resource, "log_gb")
    yield context.charge(
        "delivery", "cloudwatch", "vended-logs-to-s3-tier1", delivered, basis=f"{delivered:,.10g} GB assumed"
    )


RULES = (Rule(("aws:ec2/flowLog:FlowLog",), "https://aws.amazon.com/cloudwatch/pricing/", _price),)
