"""Finds every component: the modules below this package, and packages that advertise one by entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from mlops_iac.components.component import Component

ENTRY_POINT_GROUP = "mlops_iac.components"
_AREAS = ("foundation", "data", "compute", "models", "serving", "operations")


@dataclass(frozen=True, slots=True)
class Registry:
    """Every known component: per kind, per back end (``None`` for a kind without back ends)."""

    kinds: Mapping[str, Mapping[str | None, Component[Any, Any]]]

    def default(self, kind: str) -> Component[Any, Any]:
        """The component that builds ``kind`` when no back end is named."""
        return next(c for c in self.kinds[kind].values() if c.default_backend)

    def components(self) -> Iterable[Component[Any, Any]]:
        """Every component, sorted by kind and back end."""
        for kind in sorted(self.kinds):
            yield from (self.kinds[kind][b] for b in sorted(self.kinds[kind], key=str))


@cache
def registry() -> Registry:
    """The components of this installation; two that claim the same kind and back end are refused."""
    found: dict[str, dict[str | None, Component[Any, Any]]] = {}
    origin: dict[tuple[str, str | None], str] = {}
    for module, component in (*_own(), *_plugged_in()):
        name = (component.kind, component.backend)
        if name in origin:
            raise TypeError(f"component {name[0]!r} (back end {name[1]!r}) is in both {origin[name]} and {module}")
        origin[name] = module
        found.setdefault(component.kind, {})[component.backend] = component
    for kind, backends in found.items():
        if sum(c.default_backend for c in backends.values()) != 1:
            raise TypeError(f"component {kind!r} needs exactly one default back end")
    return Registry(found)


def _own() -> Iterable[tuple[str, Component[Any, Any]]]:
    for area in _AREAS:
        package = importlib.import_module(f"mlops_iac.components.{area}")
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            component = getattr(module, "COMPONENT", None)
            if isinstance(component, Component):
                yield module.__name__, component


def _plugged_in() -> Iterable[tuple[str, Component[Any, Any]]]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        component = point.load()
        if not isinstance(component, Component):
            raise TypeError(f"entry point {point.name!r} of group {ENTRY_POINT_GROUP} is not a Component")
        yield point.value, component
