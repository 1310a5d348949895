"""AWS's own price lists read into the price table.

A service's list for a region is a CSV file: five lines about the file, then a header and a row for each rate.
``offers.csv`` says which rate is which item of ours: the list (``offer``), the end of its usage type as a regular
expression, what other columns must hold, and the item's name with the expression's groups put in. Only items that the
table has are taken; what a list does not have keeps the price that it had. Sources:
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html and
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-aws-services.html
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

OFFERS: Final = Path(__file__).with_name("offers.csv")
SOURCE: Final = "aws"
"""Id of AWS's price lists among the table's sources."""
SOURCE_ROW: Final = {
    "id": SOURCE,
    "source": "AWS Price List bulk files",
    "note": "read by `mlops-iac prices update`",
    "derived": "",
}

_FIXED: Final = ("item", "unit", "source", "as_of")
_PREFIX: Final = r"(?:[A-Z0-9]+-)?"
"""What usage types outside of us-east-1 begin with: ``EUW1-`` or ``EU-``."""
_UNITS: Final = {"hrs": "hour", "hours": "hour", "hour": "hour", "gb-mo": "GB-month", "gb": "GB"}


class BadPriceListError(Exception):
    """A file is not a price list as AWS documents it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of an item in a region, as of the day its list was published (ISO date)."""

    service: str
    item: str
    region: str
    unit: str
    usd: float
    as_of: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A price that an update changes; ``old`` is None where it was not known."""

    service: str
    item: str
    region: str
    old: float | None
    new: float


@dataclass(frozen=True, slots=True)
class Offer:
    """How rates of one list become items of one service."""

    service: str
    offer: str
    item: str
    usage: re.Pattern[str]
    where: Mapping[str, str]

    def item_of(self, row: Mapping[str, str]) -> str | None:
        """The item that a row is the price of."""
        found = self.usage.fullmatch(row.get("usageType", ""))
        if found is None or any(row.get(column) != value for column, value in self.where.items()):
            return None
        return self.item.format(**found.groupdict())


@cache
def offers() -> tuple[Offer, ...]:
    """Every offer that is understood."""
    with OFFERS.open(encoding="utf-8", newline="") as file:
        return tuple(
            Offer(
                row["service"],
                row["offer"],
                row["item"],
                re.compile(f"{_PREFIX}{row['usage']}"),
                dict(part.split("=", 1) for part in row["where"].split(";") if part),
            )
            for row in csv.DictReader(file)
        )


def rates(offer: str, region: str, lines: Iterable[str]) -> Iterator[Rate]:
    """The rates of a price list that are items of ours; reads row by row, since a list can have a million.

    Raises ``BadPriceListError`` on anything that is not such a list of ``offer``.
    """
    rows = iter(csv.reader(lines))
    about: dict[str, str] = {}
    header: list[str] = []
    for row in rows:
        if row and row[0] == "SKU":
            header = row
            break
        if len(row) >= 2 and len(about) < 10:
            about[row[0]] = row[1]
    published = about.get("Publication Date", "")[:10]
    if not header or about.get("OfferCode") != offer or not re.fullmatch(r"20\d\d-\d\d-\d\d", published):
        raise BadPriceListError(f"not the price list of {offer}")
    ours = [each for each in offers() if each.offer == offer]
    for values in rows:
        row_of = dict(zip(header, values, strict=False))
        if (
            row_of.get("TermType") != "OnDemand"
            or row_of.get("Currency") != "USD"
            or row_of.get("StartingRange") not in ("0", "")
        ):
            continue
        for each in ours:
            item = each.item_of(row_of)
            unit = _UNITS.get(row_of.get("Unit", "").lower())
            if item is not None and unit is not None:
                yield Rate(each.service, item, region, unit, _usd(row_of.get("PricePerUnit", "")), published)


def merged(text: str, found: Iterable[Rate]) -> tuple[str, tuple[Difference, ...]]:
    """A service's table with those rates put in, and what that changes.

    A row is split where only some of its regions were read: each row says where and when all its prices were read.
    """
    table = csv.DictReader(io.StringIO(text))
    columns = list(table.fieldnames or ())
    regions = [column for column in columns if column not in _FIXED]
    by_item: dict[str, dict[str, Rate]] = {}
    for rate in found:
        if rate.region in regions and rate.usd > 0:
            by_item.setdefault(rate.item, {})[rate.region] = rate
    differences: list[Difference] = []
    rows: list[dict[str, str]] = []
    read: dict[str, dict[str, str]] = {}
    for row in table:
        fresh = {r: rate for r, rate in by_item.get(row["item"], {}).items() if rate.unit == row["unit"]}
        for region, rate in fresh.items():
            new = read.setdefault(row["item"], dict.fromkeys(columns, ""))
            new.update(item=row["item"], unit=row["unit"], source=SOURCE, as_of=max(new["as_of"], rate.as_of))
            new[region] = f"{rate.usd:.10g}"
        rows.append({**row, **dict.fromkeys(fresh, "")})
        differences += _differences(row, fresh)
    kept = [row for row in rows if any(row[region] for region in regions)]
    written = sorted((*kept, *read.values()), key=lambda row: (row["item"], row["source"]))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(written)
    told = {(each.item, each.region): each for each in sorted(differences, key=lambda each: each.old is not None)}
    return (out.getvalue() if read else text), tuple(each for each in told.values() if each.old != each.new)


def _differences(row: Mapping[str, str], fresh: Mapping[str, Rate]) -> Iterator[Difference]:
    for region, rate in fresh.items():
        old = float(row[region]) if row[region] else None
        yield Difference(rate.service, rate.item, region, old, float(f"{rate.usd:.10g}"))


def with_source(text: str) -> str:
    """The table of sources with AWS's price lists among them."""
    if f"\n{SOURCE}," in text:
        return text
    return f"{text.rstrip(chr(10))}\n{','.join(SOURCE_ROW.values())}\n"


def _usd(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadPriceListError(f"{text!r} is not a price") from None
