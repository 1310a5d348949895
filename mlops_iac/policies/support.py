"""Until when versions of managed services are supported, as ``data/support.json`` says.

A version that is not listed is taken to be newer than the list. The list is data with its sources, to be renewed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def supported(service: str, version: str, today: str) -> bool:
    """Whether a version still has support on an ISO date; without a date every version has."""
    end = _ends(service).get(version)
    return end is None or not today or today <= end


@cache
def _ends(service: str) -> Mapping[str, str]:
    text = files("mlops_iac.policies").joinpath("data", "support.json").read_text(encoding="utf-8")
    found: Mapping[str, str] = json.loads(text)[service]["ends"]
    return found
