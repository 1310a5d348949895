"""The price table: every row says where it was read, and what is missing is missing."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from mlops_iac.cost import table
from mlops_iac.cost.sagemaker import instance_price, spot_price
from mlops_iac.cost.table import PRICES, PriceTable

FILES = sorted(path for path in PRICES.glob("*.csv") if path.stem != "sources")
REGIONS = {"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-west-2", "eu-central-1", "eu-north-1", "global"}
PRICE_TABLE = PriceTable()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_row_has_a_unit_a_source_a_date_and_a_price(path: Path) -> None:
    seen: set[tuple[str, str]] = set()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert set(reader.fieldnames or ()) <= {"item", "unit", "source", "as_of", *REGIONS}
        for row in reader:
            priced = [region for region in REGIONS if row.get(region)]
            assert row["unit"]
            assert row["source"] in PRICE_TABLE.sources()
            assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}(-[0-9]{2})?", row["as_of"])
            assert priced
            assert all(float(row[region]) >= 0 for region in priced)
            assert not seen & {(row["item"], region) for region in priced}, f"{row['item']} is priced twice"
            seen |= {(row["item"], region) for region in priced}


def test_every_source_is_used() -> None:
    used = {source for service in PRICE_TABLE.services() for source in service.sources}
    assert used == set(PRICE_TABLE.sources())


def test_a_price_carries_its_unit_source_and_date() -> None:
    price = PRICE_TABLE.find("ec2", "g5.12xlarge", "eu-west-1")
    assert price is not None
    assert (price.usd, price.unit, price.as_of, price.derived) == (6.33167, "hour", "2025-12-06", "")
    assert "aws-price-watcher" in price.source


def test_what_is_the_same_everywhere_is_found_in_every_region() -> None:
    price = PRICE_TABLE.find("cloudwatch", "dashboard", "eu-north-1")
    assert price is not None
    assert price.usd == 3


@pytest.mark.parametrize(
    ("service", "item", "region"),
    [
        ("ec2", "g6.12xlarge", "eu-west-1"),
        ("ec2", "m6i.large", "ap-south-2"),
        ("ec2", "nothing", "eu-west-1"),
        ("no", "", ""),
    ],
)
def test_an_unknown_price_is_none(service: str, item: str, region: str) -> None:
    assert PRICE_TABLE.find(service, item, region) is None


def test_only_the_files_that_are_needed_are_read() -> None:
    table._rows.cache_clear()
    PriceTable().find("s3", "standard-storage-tier1", "eu-west-1")
    assert table._rows.cache_info().currsize == 1


def test_a_spot_price_says_that_it_is_derived() -> None:
    price = PRICE_TABLE.find("ec2-spot", "g5.12xlarge", "eu-west-1")
    assert price is not None
    assert "Spot Instance Advisor" in price.derived


def test_sagemaker_prices_of_their_own_come_first_then_those_that_stand_in() -> None:
    own = instance_price(PRICE_TABLE, "training", "ml.g5.xlarge", "eu-west-1")
    hosting = instance_price(PRICE_TABLE, "training", "ml.g5.2xlarge", "eu-west-1")
    studio = instance_price(PRICE_TABLE, "processing", "ml.t3.medium", "eu-west-1")
    machine = instance_price(PRICE_TABLE, "hosting", "ml.g6.xlarge", "us-east-2")
    assert own is not None
    assert (own.usd, own.derived) == (1.57, "")
    assert hosting is not None
    assert (hosting.usd, hosting.derived) == (1.69, "SageMaker Hosting price of the same type")
    assert studio is not None
    assert studio.derived == "SageMaker Studio price of the same type"
    assert instance_price(PRICE_TABLE, "training", "ml.x9.large", "eu-west-1") is None
    assert machine is None or "EC2" in machine.derived


def test_an_instance_that_only_ec2_prices_is_derived_from_it() -> None:
    on_demand = PRICE_TABLE.find("ec2", "c7i.xlarge", "us-east-2")
    price = instance_price(PRICE_TABLE, "hosting", "ml.c7i.xlarge", "us-east-2")
    assert on_demand is not None
    assert price is not None
    assert price.usd == pytest.approx(on_demand.usd * 1.2)
    assert "EC2 on-demand" in price.derived


def test_managed_spot_saves_what_ec2_spot_saves() -> None:
    price = spot_price(PRICE_TABLE, "training", "ml.g5.2xlarge", "eu-west-1")
    assert price is not None
    assert price.usd == pytest.approx(1.69 * 0.6224 / 1.35296)
    assert spot_price(PRICE_TABLE, "training", "ml.g5.2xlarge", "eu-north-1") is None
