"""EKS node groups: instances from the fewest to the most, their volumes, and detailed monitoring.

Spot instances are floored at the spot price, which is an average; it may rise to the on-demand price, which is what the
ceiling counts. Detailed monitoring is seven metrics for each instance.
Sources: https://aws.amazon.com/ec2/pricing/, https://aws.amazon.com/ebs/pricing/,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-detailed-monitoring.html
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule, charge
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView

_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_METRICS = 7
_FREE_IOPS = 3000
_FREE_THROUGHPUT = 125


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    least = inputs.number("scalingConfig.minSize") or 0.0
    most = max(inputs.number("scalingConfig.maxSize") or 0.0, least)
    types = [str(name) for name in inputs.list("instanceTypes")] or ["t3.medium"]
    yield _instances(types, inputs.text("capacityType") == "SPOT", least, most, context)
    templates = list(context.stack.targets_of(resource, "launchTemplate", _TEMPLATE))
    for template in templates:
        for device in template.inputs.each("blockDeviceMappings"):
            yield from _volume(device, least, most, context)
        if template.inputs.flag("monitoring.enabled"):
            yield context.charge(
                "detailed monitoring",
                "cloudwatch",
                "custom-metric-tier1",
                _METRICS * least,
                _METRICS * most,
                f"{_METRICS} metrics x {least:,.10g} to {most:,.10g} nodes",
            )
    if not templates:
        size = inputs.number("diskSize") or 20
        yield context.charge(
            "volumes",
            "ebs",
            "gp3-storage",
            size * least,
            size * most,
            f"{size:,.10g} GB x {least:,.10g} to {most:,.10g} nodes",
        )


def _instances(types: list[str], spot: bool, least: float, most: float, context: Context) -> Entry:
    """Of several types the cheapest makes the floor and the dearest the ceiling."""
    kind = "spot " if spot else ""
    named = " or ".join(types)
    what = f"{kind}instances of {named}"
    on_demand = [context.table.find("ec2", name, context.region) for name in types]
    lower = [context.table.find("ec2-spot", name, context.region) for name in types] if spot else on_demand
    unknown = [name for name, high in zip(types, on_demand, strict=True) if high is None]
    if unknown:
        return Gap(what, context.missing("ec2", unknown[0]))
    highs = [price for price in on_demand if price is not None]
    lows = [price for price in lower if price is not None] or highs
    low = min(lows, key=lambda price: price.usd)
    high = max(highs, key=lambda price: price.usd)
    low = low if low.usd <= high.usd else high
    basis = f"{least:,.10g} to {most:,.10g} nodes x 730 h"
    if spot:
        basis += "; the ceiling at the on-demand price"
    return charge(what, low, least * HOURS, most * HOURS, basis, ceiling_price=high)


def _volume(device: Inputs, least: float, most: float, context: Context) -> Iterator[Entry]:
    kind = device.text("ebs.volumeType", "gp3")
    size = device.number("ebs.volumeSize") or 0.0
    name = device.text("deviceName")
    nodes = f"{least:,.10g} to {most:,.10g} nodes"
    yield context.charge(
        f"volume {name}", "ebs", f"{kind}-storage", size * least, size * most, f"{size:,.10g} GB x {nodes}"
    )
    if kind != "gp3":
        return
    iops = max((device.number("ebs.iops") or 0.0) - _FREE_IOPS, 0.0)
    throughput = max((device.number("ebs.throughput") or 0.0) - _FREE_THROUGHPUT, 0.0)
    if iops:
        yield context.charge(
            f"volume {name} IOPS", "ebs", "gp3-iops", iops * least, iops * most, f"{iops:,.10g} over 3000 x {nodes}"
        )
    if throughput:
        yield context.charge(
            f"volume {name} throughput",
            "ebs",
            "gp3-throughput",
            throughput * least,
            throughput * most,
            f"{throughput:,.10g} MiB/s over 125 x {nodes}",
        )


RULES = (Rule(("aws:eks/nodeGroup:NodeGroup",), "https://aws.amazon.com/eks/pricing/", _price),)
