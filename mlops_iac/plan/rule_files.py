"""Finds rules that are one file each: the modules of a package, and rules that other packages advertise."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Protocol, TypeVar


class Rule(Protocol):
    """What a rule is known by."""

    @property
    def id(self) -> str:
        """Its name, unique among the rules of its kind."""
        ...


R = TypeVar("R", bound=Rule)


def find_rules(package: str, path: Iterable[str], kind: type[R], group: str) -> tuple[R, ...]:
    """The ``RULE`` of each module of ``package`` and each entry point of ``group``, sorted by id.

    Raises ``TypeError`` for a module or entry point without a rule, and for two with one id, naming both modules.
    """
    found: dict[str, tuple[str, R]] = {}
    for module, rule in _rules(package, path, group):
        if not isinstance(rule, kind):
            raise TypeError(f"{module} has no {kind.__name__}")
        if rule.id in found:
            raise TypeError(f"{kind.__name__} {rule.id!r} is in both {found[rule.id][0]} and {module}")
        found[rule.id] = (module, rule)
    return tuple(rule for _, (_, rule) in sorted(found.items()))


def _rules(package: str, path: Iterable[str], group: str) -> Iterator[tuple[str, object]]:
    for info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{info.name}")
        yield module.__name__, getattr(module, "RULE", None)
    for point in entry_points(group=group):
        yield point.value, point.load()
