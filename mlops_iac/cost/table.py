"""The price table of the package: AWS list prices in USD, without tax, discounts or reservations.

``prices/<service>.csv`` has one row for an item, its unit and where the price was read (``source``, an id of
``prices/sources.csv``, and ``as_of``), and one column for each region; a column ``global`` holds in every region, and
an empty cell means that the price is not known. Requests are priced by the unit that is named. A file is read when
the first price of its service is asked for.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

PRICES: Final = Path(__file__).with_name("prices")
HOURS: Final = 730.0
"""Hours in a month, as AWS counts in its own calculator (8,760 / 12)."""
DAYS: Final = HOURS / 24

_GLOBAL: Final = "global"
_FIXED: Final = ("item", "unit", "source", "as_of")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one ``unit`` of something. ``derived`` says how a price was made that no source states."""

    service: str
    item: str
    region: str
    unit: str
    usd: float
    source: str
    as_of: str
    derived: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where prices were read: repository, commit and file; ``derived`` where they were computed from what is there."""

    id: str
    title: str
    note: str
    derived: str


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """What the table has of one service; dates are ISO dates."""

    service: str
    items: int
    prices: int
    oldest: str
    newest: str
    regions: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices in a folder."""

    folder: Path = PRICES

    def find(self, service: str, item: str, region: str) -> Price | None:
        """The price of an item of a service (``rds-postgresql``) in a region, or None where it is not known."""
        for row in _rows(self.folder, service).get(item, ()):
            for place in (region, _GLOBAL):
                if row.get(place):
                    source = self.sources()[row["source"]]
                    return Price(
                        service,
                        item,
                        region,
                        row["unit"],
                        float(row[place]),
                        source.title,
                        row["as_of"],
                        source.derived,
                    )
        return None

    def sources(self) -> Mapping[str, Source]:
        """Every source by id."""
        return _sources(self.folder)

    def services(self) -> tuple[ServiceFile, ...]:
        """What the table has, service by service; reads every file."""
        names = sorted(path.stem for path in self.folder.glob("*.csv") if path.stem != "sources")
        return tuple(_described(name, _rows(self.folder, name)) for name in names)


def _described(service: str, rows: Mapping[str, tuple[Mapping[str, str], ...]]) -> ServiceFile:
    listed = [row for group in rows.values() for row in group]
    dates = sorted(row["as_of"] for row in listed)
    priced = [region for row in listed for region, usd in row.items() if usd and region not in _FIXED]
    return ServiceFile(
        service,
        len(rows),
        len(priced),
        dates[0],
        dates[-1],
        tuple(sorted(set(priced))),
        tuple(sorted({row["source"] for row in listed})),
    )


@lru_cache(maxsize=256)
def _rows(folder: Path, service: str) -> Mapping[str, tuple[Mapping[str, str], ...]]:
    path = folder / f"{service}.csv"
    found: dict[str, tuple[Mapping[str, str], ...]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found[row["item"]] = (*found.get(row["item"], ()), row)
    return found


@cache
def _sources(folder: Path) -> Mapping[str, Source]:
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Source(row["id"], row["source"], row["note"], row["derived"]) for row in csv.DictReader(file)
        }
