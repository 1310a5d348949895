"""Golden files: a scenario and what Pulumi's engine showed at each of its steps, for machines without ``pulumi``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from .observe import Seen
from .programs import Scenario


def write_golden(path: Path, scenario: Scenario, seen: Sequence[Seen]) -> None:
    """Keep what the first steps of a scenario showed."""
    steps = scenario.to_json()["steps"][: len(seen)]
    data = {"name": scenario.name, "steps": steps, "seen": [item.to_json() for item in seen]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json.gz").write_bytes(gzip.compress(json.dumps(data, sort_keys=True).encode(), mtime=0))


def read_golden(path: Path) -> tuple[Scenario, list[Seen]]:
    """A scenario and what Pulumi showed."""
    data = json.loads(gzip.decompress(path.read_bytes()))
    return Scenario.from_json(data), [Seen(**item) for item in data["seen"]]
