"""Finds every CI provider: the files of ``delivery/providers``, and those that packages advertise by entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points

from mlops_iac.delivery import providers as package
from mlops_iac.delivery.provider import Provider

ENTRY_POINT_GROUP = "mlops_iac.delivery"


def provider_names() -> tuple[str, ...]:
    """Name of every provider, without importing one: of its file here, or of its entry point."""
    files = (info.name.replace("_", "-") for info in pkgutil.iter_modules(package.__path__))
    return tuple(sorted({*files, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


@cache
def providers() -> Mapping[str, Provider]:
    """Every provider by name; two with the same name are refused, naming both modules."""
    found: dict[str, tuple[str, Provider]] = {}
    for module, provider in _found():
        if provider.name in found:
            raise TypeError(f"CI provider {provider.name!r} is in both {found[provider.name][0]} and {module}")
        found[provider.name] = (module, provider)
    return {name: provider for name, (_, provider) in sorted(found.items())}


def _found() -> Iterator[tuple[str, Provider]]:
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        provider = getattr(module, "PROVIDER", None)
        if not isinstance(provider, Provider) or provider.name != info.name.replace("_", "-"):
            raise TypeError(f"{module.__name__} has no PROVIDER of its name")
        yield module.__name__, provider
    for point in entry_points(group=ENTRY_POINT_GROUP):
        provider = point.load()
        if not isinstance(provider, Provider) or provider.name != point.name:
            raise TypeError(f"entry point {point.name!r} of group {ENTRY_POINT_GROUP} is not a Provider of its name")
        yield point.value, provider
