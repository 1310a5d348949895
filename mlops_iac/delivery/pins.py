"""Third-party code that delivery files run, each pinned by what cannot move: a commit or a digest.

``pins.csv`` says where each pin was read and when. Sources:
https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PINS: Final = Path(__file__).with_name("pins.csv")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned action or image. ``version`` is what people call the ``pin``; ``read`` is an ISO date."""

    use: str
    reference: str
    version: str
    pin: str
    source: str
    read: str


@cache
def pins() -> Mapping[str, Pin]:
    """Every pin by its reference, such as ``actions/checkout``."""
    with PINS.open(encoding="utf-8", newline="") as file:
        return {row["reference"]: Pin(**row) for row in csv.DictReader(file)}


def image(reference: str) -> str:
    """A container image by tag and digest; the digest decides."""
    found = pins()[reference]
    return f"{found.reference}:{found.version}@{found.pin}"
