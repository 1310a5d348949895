"""The table of AWS resource types: every row of every module under ``services``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache

from mlops_iac.engines.local.aws import services
from mlops_iac.engines.local.aws.row import Row


@lru_cache(maxsize=1)
def table() -> Mapping[str, Row]:
    """Every row by type token. Raises ``ValueError`` when two modules have the same one."""
    rows: dict[str, Row] = {}
    for found in sorted(module.name for module in pkgutil.iter_modules(services.__path__)):
        module = importlib.import_module(f"{services.__name__}.{found}")
        for row in module.ROWS:
            if row.type in rows:
                raise ValueError(f"{row.type} is in the table twice, the second time in {found}")
            rows[row.type] = row
    return rows


def row_of(type: str) -> Row | None:
    """The row of a type token, or None."""
    return table().get(type)
