"""SNS topics with their deliveries, and SQS queues.

Deliveries to Lambda and SQS are free; mail, HTTPS and Firehose are not.
Sources: https://aws.amazon.com/sns/pricing/, https://aws.amazon.com/sqs/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView

_DELIVERIES: Final[Mapping[str, str]] = {
    "email": "email-deliveries",
    "email-json": "email-deliveries",
    "firehose": "firehose-deliveries",
    "http": "http-deliveries",
    "https": "http-deliveries",
    "lambda": "lambda-deliveries",
    "sqs": "sqs-deliveries",
}


def _topic(resource: ResourceView, context: Context) -> Iterator[Entry]:
    messages = context.assumed(resource, "messages")
    yield context.charge("messages", "sns", "api-requests", messages / 1e6, basis=f"{messages:,.10g} assumed")
    protocols = [
        subscription.inputs.text("protocol")
        for subscription in context.stack.pointing_at(resource, "aws:sns/topicSubscription:TopicSubscription", "topic")
    ]
    for protocol in sorted(set(protocols)):
        number = protocols.count(protocol)
        what = f"{protocol} deliveries"
        if protocol not in _DELIVERIES:
            yield Gap(what, "the table has no price for this protocol")
            continue
        yield context.charge(
            what, "sns", _DELIVERIES[protocol], messages * number / 1e6, basis=f"{messages:,.10g} messages x {number}"
        )


def _queue(resource: ResourceView, context: Context) -> Iterator[Entry]:
    item = "fifo-requests" if resource.inputs.flag("fifoQueue") else "standard-requests"
    messages = context.assumed(resource, "messages")
    basis = f"{messages:,.10g} messages assumed, 3 requests each"
    yield context.charge("requests", "sqs", item, 3 * messages / 1e6, basis=basis)


RULES = (
    Rule(("aws:sns/topic:Topic",), "https://aws.amazon.com/sns/pricing/", _topic),
    Rule(("aws:sqs/queue:Queue",), "https://aws.amazon.com/sqs/pricing/", _queue),
)
