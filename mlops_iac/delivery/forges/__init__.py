"""One file a forge: ``forges()`` finds them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from mlops_iac.delivery.forge import Forge


@cache
def forges() -> Mapping[str, Forge]:
    """Every forge by name."""
    found = [importlib.import_module(f"{__name__}.{info.name}").FORGE for info in pkgutil.iter_modules(__path__)]
    return {forge.name: forge for forge in sorted(found, key=lambda each: each.name)}
