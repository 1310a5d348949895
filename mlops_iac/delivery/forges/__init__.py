"""One file a forge: ``forges()`` finds them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from mlops_iac.delivery.forge import Forge


def forge_names() -> tuple[str, ...]:
    """Name of every forge, without importing one: of its file."""
    return tuple(sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__)))


@cache
def forges() -> Mapping[str, Forge]:
    """Every forge by name."""
    found = [importlib.import_module(f"{__name__}.{info.name}").FORGE for info in pkgutil.iter_modules(__path__)]
    return {forge.name: forge for forge in sorted(found, key=lambda each: each.name)}
