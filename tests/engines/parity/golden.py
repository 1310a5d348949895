"""Golden files: a scenario and what Pulumi's engine showed at each of its steps, for machines without ``pulumi``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .observe import Run, Seen
from .programs import Scenario


def write_golden(path: Path, scenario: Scenario, seen: Sequence[Run]) -> None:
    """Keep what the first steps of a scenario showed."""
    steps = scenario.to_json()["steps"][: len(seen)]
    data = {"name": scenario.name, "steps": steps, "seen": [_run_json(run) for run in seen]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json.gz").write_bytes(gzip.compress(json.dumps(data, sort_keys=True).encode(), mtime=0))


def read_golden(path: Path) -> tuple[Scenario, list[Run]]:
    """A scenario and what Pulumi showed."""
    data = json.loads(gzip.decompress(path.read_bytes()))
    return Scenario.from_json(data), [{layer: Seen(**item) for layer, item in run} for run in data["seen"]]


def _run_json(run: Run) -> list[list[Any]]:
    # A list, since the order of the layers counts.
    return [[layer, seen.to_json()] for layer, seen in run.items()]
