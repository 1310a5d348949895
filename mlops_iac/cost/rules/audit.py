"""What watches an account: CloudTrail, GuardDuty, AWS Config and IAM Access Analyzer.

A trail's first copy of management events is free. GuardDuty reads an account's API calls and flow logs, and what its
features add.
Sources: https://aws.amazon.com/cloudtrail/pricing/, https://aws.amazon.com/guardduty/pricing/,
https://aws.amazon.com/config/pricing/, https://aws.amazon.com/iam/access-analyzer/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView

_BUCKET = "aws:s3/bucket:Bucket"


def _trail(resource: ResourceView, context: Context) -> Iterator[Entry]:
    buckets = sum(_buckets(selector) for selector in resource.inputs.each("advancedEventSelectors"))
    if not buckets:
        yield Free("the first copy of management events is free")
        return
    each = context.assumed(resource, "object_puts") + context.assumed(resource, "object_gets")
    yield context.charge(
        "data events",
        "cloudtrail",
        "data-events",
        buckets * each / 100_000,
        basis=f"{buckets} buckets x {each:,.10g} assumed requests",
    )


def _buckets(selector: Inputs) -> int:
    return sum(
        len(field.list("startsWiths")) + len(field.list("equals"))
        for field in selector.each("fieldSelectors")
        if field.text("field") == "resources.ARN"
    )


def _detector(resource: ResourceView, context: Context) -> Iterator[Entry]:
    events = context.assumed(resource, "management_events")
    flows = context.assumed(resource, "log_gb")
    yield context.charge(
        "API calls", "guardduty", "cloudtrail-management-events", events / 1e6, basis=f"{events:,.10g} assumed"
    )
    yield context.charge(
        "flow and DNS logs", "guardduty", "flow-dns-logs-tier1", flows, basis=f"{flows:,.10g} GB assumed"
    )


def _feature(resource: ResourceView, context: Context) -> Iterator[Entry]:
    name = resource.inputs.text("name")
    if resource.inputs.text("status", "ENABLED") != "ENABLED":
        yield Free("not enabled")
    elif name == "S3_DATA_EVENTS":
        buckets = list(context.stack.of_type(_BUCKET))
        events = sum(context.assumed(b, "object_puts") + context.assumed(b, "object_gets") for b in buckets)
        yield context.charge(
            "object events",
            "guardduty",
            "s3-data-events-tier1",
            events / 1e6,
            basis=f"{events:,.10g} assumed requests to {len(buckets)} buckets",
        )
    elif name == "EKS_AUDIT_LOGS":
        events = context.assumed(resource, "cluster_events")
        yield context.charge(
            "audit events", "guardduty", "eks-audit-logs-tier1", events / 1e6, basis=f"{events:,.10g} assumed"
        )
    else:
        yield Gap(name, "the table has no price of this GuardDuty feature")


def _recorder(resource: ResourceView, context: Context) -> Iterator[Entry]:
    items = context.assumed(resource, "config_items")
    yield context.charge(
        "recorded changes", "config", "configuration-items-continuous", items, basis=f"{items:,.10g} assumed"
    )


def _analyzer(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if resource.inputs.text("type").endswith("UNUSED_ACCESS"):
        yield Gap("unused access analysis", "the table has no price of it")
    else:
        yield Free("analysis of external access is free")


RULES = (
    Rule(("aws:cloudtrail/trail:Trail",), "https://aws.amazon.com/cloudtrail/pricing/", _trail),
    Rule(("aws:guardduty/detector:Detector",), "https://aws.amazon.com/guardduty/pricing/", _detector),
    Rule(("aws:guardduty/detectorFeature:DetectorFeature",), "https://aws.amazon.com/guardduty/pricing/", _feature),
    Rule(("aws:cfg/recorder:Recorder",), "https://aws.amazon.com/config/pricing/", _recorder),
    Rule(("aws:accessanalyzer/analyzer:Analyzer",), "https://aws.amazon.com/iam/access-analyzer/pricing/", _analyzer),
)
