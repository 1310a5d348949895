"""Prices of SageMaker instances, and how those are made that no source states.

Only hosting and Studio have full tables. Training, processing, batch transform and notebook instances are billed at
the hosting price of the same type wherever a bill or rate card shows both (``ml.m5.xlarge`` and ``ml.g4dn.xlarge`` in
eu-west-1, ``ml.t3.*`` in us-east-1), so that price stands in for a missing one, then Studio's, then the price of the
EC2 instance times the ratio that hosting has to EC2 in the table. Every such price says that it is derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from mlops_iac.cost.table import Price, PriceTable

Use = Literal["hosting", "training", "processing", "batch-transform", "notebook-instance"]

_STAND_INS: Final[Mapping[str, str]] = {
    "sagemaker-hosting": "SageMaker Hosting price of the same type",
    "sagemaker-studio": "SageMaker Studio price of the same type",
}
_RATIOS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("c5", "c6i", "c6g", "c7i", "c7g", "m5", "m5d", "m6g", "m7i", "r5", "r6g", "r7i"), 1.20),
    **dict.fromkeys(("g4dn", "g5", "g6", "g6e", "g7", "g7e"), 1.25),
    **dict.fromkeys(("p4d", "p4de", "p5", "p5en", "trn1", "trn1n"), 1.15),
    "inf1": 1.20,
}
"""SageMaker Hosting over EC2 on-demand, by family, as measured over the four regions that the table has both for."""
_XLARGE_RATIOS: Final[Mapping[str, float]] = {**dict.fromkeys(("g4dn", "g5", "g6", "g6e"), 1.40), "inf1": 1.30}
"""The same for the size ``xlarge``, where it differs."""


def instance_price(table: PriceTable, use: Use, instance_type: str, region: str) -> Price | None:
    """USD for an hour of an ``ml.`` instance type, derived where no source states it; None where nothing stands in."""
    own = f"sagemaker-{use}"
    if (price := table.find(own, instance_type, region)) is not None:
        return price
    for service, reason in _STAND_INS.items():
        if service != own and (price := table.find(service, instance_type, region)) is not None:
            return replace(price, derived=reason)
    return _from_ec2(table, instance_type, region)


def spot_price(table: PriceTable, use: Use, instance_type: str, region: str) -> Price | None:
    """The same with managed spot capacity, at the saving that the EC2 type has; None where that is not known."""
    base = instance_price(table, use, instance_type, region)
    machine = instance_type.removeprefix("ml.")
    spot = table.find("ec2-spot", machine, region)
    on_demand = table.find("ec2", machine, region)
    if base is None or spot is None or on_demand is None:
        return None
    share = min(spot.usd / on_demand.usd, 1.0)
    reason = f"{base.usd:g} x EC2 spot {spot.usd:g} / on-demand {on_demand.usd:g}"
    return replace(base, usd=base.usd * share, as_of=min(base.as_of, spot.as_of), derived=reason)


def _from_ec2(table: PriceTable, instance_type: str, region: str) -> Price | None:
    machine = instance_type.removeprefix("ml.")
    family, _, size = machine.partition(".")
    ratio = _XLARGE_RATIOS.get(family) if size == "xlarge" else None
    ratio = ratio or _RATIOS.get(family)
    price = table.find("ec2", machine, region)
    if ratio is None or price is None:
        return None
    reason = f"EC2 on-demand {price.usd:g} x {ratio:g}, the ratio of SageMaker Hosting to EC2 for {family}"
    return replace(price, usd=price.usd * ratio, derived=reason)
