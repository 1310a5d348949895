"""Event notifications of buckets: those to EventBridge count in the ceiling, the others are free.

AWS does not bill the events that its services send by themselves. A bucket's are sent on request, and third parties
disagree on whether those are billed like custom events: the floor counts none of them, the ceiling all.
Source: https://aws.amazon.com/eventbridge/pricing/
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
        "events",
        "eventbridge",
        "custom-events",
        0,
        puts / 1e6,
        f"{puts:,.10g} assumed writes, an event each; billed only if AWS counts them as custom events",
    )


RULES = (
    Rule(("aws:s3/bucketNotification:BucketNotification",), "https://aws.amazon.com/eventbridge/pricing/", _price),
)
