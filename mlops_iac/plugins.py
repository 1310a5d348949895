"""What other installed packages offer through entry points: components, policies and policy packs.

The name of an entry point is the id of what it offers, so that a list of ids costs no import: a package's module is
imported when what it offers is used. A package that is broken, or in conflict with another one, fails there and
nowhere else.
Source: https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

K = TypeVar("K")
T = TypeVar("T")

BROKEN: Final = "MI8001"
"""What an installed package offers cannot be imported, or is not what its entry point says."""
CONFLICT: Final = "MI8002"
"""Two packages offer the same id."""
FAILED: Final = "MI8003"
"""A component of an installed package failed while it was building."""


class PluginError(DiagnosticsError):
    """What an installed package offers cannot be used; one diagnostic, without a place."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__([Diagnostic(code, message, hint)])

    @property
    def diagnostic(self) -> Diagnostic:
        """The same as a diagnostic, for a caller that knows the place."""
        return self.diagnostics[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """One entry point: ``value`` is ``module:attribute``; ``package`` names the distribution and its version."""

    value: str
    package: str
    point: EntryPoint

    def __str__(self) -> str:
        return f"{self.package} ({self.value})"

    def load(self) -> Any:
        """What it stands for; raises ``PluginError`` whatever goes wrong inside the package."""
        try:
            return self.point.load()
        except Exception as error:
            message = f"{self} cannot be imported: {type(error).__name__}: {error}"
            raise PluginError(BROKEN, message, f"repair or uninstall {self.package}") from error


@cache
def offers(group: str) -> Mapping[str, tuple[Offer, ...]]:
    """Every entry point of ``group`` by name, sorted; reads metadata files and imports nothing."""
    found: dict[str, list[Offer]] = {}
    for point in entry_points(group=group):
        package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unnamed package"
        found.setdefault(point.name, []).append(Offer(point.value, package, point))
    return {name: tuple(sorted(found[name], key=str)) for name in sorted(found)}


class Catalogue(Mapping[K, T]):
    """This package's values by id, and those that others offer, imported when they are asked for.

    ``accept`` returns what an offer holds as a value of the catalogue, or raises ``ValueError`` with the end of the
    sentence "<offer> ...". Asking for an id whose offer is broken or in conflict raises ``PluginError``.
    """

    def __init__(
        self, own: Mapping[K, T], offered: Mapping[K, tuple[Offer, ...]], accept: Callable[[K, Any], T]
    ) -> None:
        self.own = own
        self.offered = offered
        self._accept = accept
        self._loaded: dict[K, T] = {}

    def __getitem__(self, key: K) -> T:
        if key not in self.offered:
            return self.own[key]
        if key not in self._loaded:
            self._loaded[key] = self._load(key)
        return self._loaded[key]

    def __iter__(self) -> Iterator[K]:
        yield from self.own
        yield from (key for key in self.offered if key not in self.own)

    def __len__(self) -> int:
        return len(self.own.keys() | self.offered.keys())

    def sound(self) -> dict[K, T]:
        """All that can be used."""
        found = ((key, self._try(key)) for key in self)
        return {key: value for key, value in found if not isinstance(value, PluginError)}

    def problems(self) -> tuple[Diagnostic, ...]:
        """Why the rest cannot be used."""
        found = (self._try(key) for key in self.offered)
        return tuple(error.diagnostic for error in found if isinstance(error, PluginError))

    def _try(self, key: K) -> T | PluginError:
        try:
            return self[key]
        except PluginError as error:
            return error

    def _load(self, key: K) -> T:
        offered = self.offered[key]
        claims = [*(["mlops-iac itself"] if key in self.own else []), *map(str, offered)]
        if len(claims) > 1:
            message = f"{' and '.join(claims)} both offer {_text(key)}"
            raise PluginError(CONFLICT, message, "uninstall one of them, or let one choose another name")
        try:
            return self._accept(key, offered[0].load())
        except ValueError as error:
            hint = f"this is a fault of {offered[0].package}; repair or uninstall it"
            raise PluginError(BROKEN, f"{offered[0]} {error}", hint) from error


def _text(key: object) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ".".join(str(part) for part in parts if part is not None)
