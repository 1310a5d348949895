"""CloudWatch alarms, by the metrics that each watches; composite alarms have a price of their own.

Source: https://aws.amazon.com/cloudwatch/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _metric_alarm(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    metrics = sum(query.has("metric") for query in inputs.each("metricQueries")) or 1
    period = inputs.number("period") or 60
    item = "alarm-high-resolution" if period < 60 else "alarm-standard"
    yield context.charge("alarm", "cloudwatch", item, metrics, basis=f"{metrics} metrics")


def _composite_alarm(resource: ResourceView, context: Context) -> Iterator[Entry]:
    yield context.charge("alarm", "cloudwatch", "alarm-composite", 1, basis="one alarm")


RULES = (
    Rule(("aws:cloudwatch/metricAlarm:MetricAlarm",), "https://aws.amazon.com/cloudwatch/pricing/", _metric_alarm),
    Rule(
        ("aws:cloudwatch/compositeAlarm:CompositeAlarm",),
        "https://aws.amazon.com/cloudwatch/pricing/",
        _composite_alarm,
    ),
)
