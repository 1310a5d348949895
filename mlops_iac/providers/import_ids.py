"""What the id of an existing resource looks like, for whoever adopts it.

``import-ids.csv`` holds, by type, the example in the Import section of the resource's reference in the Pulumi Registry,
as the installed SDK carries it; ``python -m mlops_iac.providers.import_ids`` writes it anew.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mlops_iac.providers.facts import facts_of

_FILE: Final = Path(__file__).parent / "import-ids.csv"
_EXAMPLE: Final = re.compile(r"\$ pulumi import (aws:\S+) \S+ (\S+)\s*$", re.MULTILINE)


def import_form(type: str) -> str:
    """An example of the id that the type's provider wants; empty where none is known."""
    if type.startswith("kubernetes:"):
        return "namespace/name, or name where the kind is in no namespace"
    return _examples().get(type, "")


@cache
def _examples() -> dict[str, str]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {row["type"]: row["example"] for row in csv.DictReader(file)}


def examples_in_sdk() -> Iterator[tuple[str, str]]:
    """(type, example) of each type with facts that the installed pulumi-aws says an example of, sorted."""
    spec = find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        return
    found: dict[str, str] = {}
    for path in sorted(Path(spec.origin).parent.glob("*/*.py")):
        for type, example in _EXAMPLE.findall(path.read_text(encoding="utf-8")):
            if facts_of(type) is not None:
                found.setdefault(type, example.strip("'\""))
    yield from sorted(found.items())


def _write() -> None:
    with _FILE.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["type", "example"])
        rows.writerows(examples_in_sdk())


if __name__ == "__main__":
    _write()
