"""Event notifications of buckets: those sent to EventBridge are billed like custom events, the others are free.

Source: https://aws.amazon.com/eventbridge/pricing/ (opt-in events of AWS services)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if not resource.inputs.flag("eventbridge"):
        yield Free("notifications to queues, topics and functions are billed there")
        return
    puts = context.assumed(resource, "object_puts")
    yield context.charge(
        "events", "eventbridge", "custom-events", puts / 1e6, basis=f"{puts:,.10g} assumed writes, an event each"
    )


RULES = (
    Rule(("aws:s3/bucketNotification:BucketNotification",), "https://aws.amazon.com/eventbridge/pricing/", _price),
)
