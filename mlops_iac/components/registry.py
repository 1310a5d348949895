"""Finds every component: the modules below this package, and those that other packages offer by entry point.

A package offers a component in the group ``mlops_iac.components`` under the name ``<kind>``, or ``<kind>.<backend>``
for one back end of a kind, its own or one of ours.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import msgspec

from mlops_iac.components.component import Component
from mlops_iac.diagnostics import ConfigPath, Diagnostic, DiagnosticsError, Location, format_path
from mlops_iac.graph.nodes import Layer
from mlops_iac.plugins import BROKEN, FAILED, Catalogue, Offer, PluginError, offers
from mlops_iac.spec.base import Spec
from mlops_iac.spec.system import Core, Instance

ENTRY_POINT_GROUP: Final = "mlops_iac.components"
_CORE = frozenset(field.encode_name for field in msgspec.structs.fields(Core)) | {"defaults", "hydra"}
_AREAS = ("foundation", "data", "compute", "models", "serving", "operations")

Choices = Mapping[str | None, Component[Any, Any]]
"""The components that build one kind, by back end (``None`` for the one without)."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Every known component: per kind, per back end.

    Those of other packages are imported when they are asked for; asking for one that is broken raises ``PluginError``.
    """

    kinds: Mapping[str, Choices]

    def default(self, kind: str) -> Component[Any, Any]:
        """The component that builds ``kind`` when no back end is named."""
        usable = _own(self.kinds[kind]) or self.usable_of(kind)
        found = [component for component in usable.values() if component.default_backend]
        if len(found) == 1:
            return found[0]
        for problem in self.problems_of(kind):
            raise PluginError(problem.code, problem.message, problem.hint)
        count = f"{len(found)} back ends of the kind {kind!r} say default_backend=True"
        raise PluginError(BROKEN, f"{count}; exactly one must", "repair or uninstall the packages that offer them")

    def always(self) -> Iterator[str]:
        """The kinds that every system has, sorted. All are this package's: installing another changes no system."""
        for kind in sorted(self.kinds):
            if any(component.always for component in _own(self.kinds[kind]).values()):
                yield kind

    def components(self) -> Iterator[Component[Any, Any]]:
        """Every component that can be used, sorted by kind and back end."""
        for kind in sorted(self.kinds):
            usable = self.usable_of(kind)
            yield from (usable[backend] for backend in sorted(usable, key=str))

    def usable_of(self, kind: str) -> Choices:
        """The components of one kind that can be used."""
        choices = self.kinds[kind]
        return choices.sound() if isinstance(choices, Catalogue) else choices

    def problems(self) -> Iterator[Diagnostic]:
        """Why components of other packages cannot be used."""
        for kind in sorted(self.kinds):
            yield from self.problems_of(kind)

    def problems_of(self, kind: str) -> tuple[Diagnostic, ...]:
        """The same for one kind."""
        choices = self.kinds[kind]
        return choices.problems() if isinstance(choices, Catalogue) else ()

    def usable(self) -> Registry:
        """The same without what cannot be used."""
        found = {kind: self.usable_of(kind) for kind in self.kinds}
        return Registry({kind: choices for kind, choices in found.items() if choices})


@cache
def own_registry() -> Registry:
    """The components of this package; two that claim the same kind and back end are refused."""
    found: dict[str, dict[str | None, Component[Any, Any]]] = {}
    origin: dict[tuple[str, str | None], str] = {}
    for module, component in _modules():
        name = (component.kind, component.backend)
        if name in origin:
            raise TypeError(f"component {name[0]!r} (back end {name[1]!r}) is in both {origin[name]} and {module}")
        origin[name] = module
        found.setdefault(component.kind, {})[component.backend] = component
    for kind, backends in found.items():
        if sum(c.default_backend for c in backends.values()) != 1:
            raise TypeError(f"component {kind!r} needs exactly one default back end")
    return Registry(found)


@cache
def registry() -> Registry:
    """The components of this installation: this package's and those that others offer."""
    return with_offers(own_registry(), offers(ENTRY_POINT_GROUP))


@contextmanager
def located_faults(instance: Instance, locate: Callable[[ConfigPath], Location | None]) -> Iterator[None]:
    """Within it, what fails in another package's component is an error at the instance; our own faults stay faults."""
    component = instance.component
    try:
        yield
    except DiagnosticsError:
        raise
    except Exception as error:
        if component in own_registry().kinds.get(component.kind, {}).values():
            raise
        path = format_path(instance.path)
        message = f"`{path}` cannot be built: {type(error).__name__}: {error}"
        hint = f"this is a fault of {component.build.__module__}, which builds it; MLOPS_IAC_TRACEBACK=1 shows where"
        raise DiagnosticsError([Diagnostic(FAILED, message, hint, locate(instance.path), instance.path)]) from error


def with_offers(own: Registry, offered: Mapping[str, tuple[Offer, ...]]) -> Registry:
    """``own`` and what entry points offer, by their names."""
    by_kind: dict[str, dict[str | None, tuple[Offer, ...]]] = {}
    for name, points in offered.items():
        kind, _, backend = name.partition(".")
        by_kind.setdefault(kind, {})[backend or None] = points
    kinds: dict[str, Choices] = dict(own.kinds)
    for kind, choices in by_kind.items():
        known = own.kinds.get(kind, {})
        kinds[kind] = Catalogue(known, choices, partial(_accept, kind, known, choices))
    return Registry(kinds)


def _accept(
    kind: str, own: Choices, offered: Mapping[str | None, tuple[Offer, ...]], backend: str | None, found: Any
) -> Component[Any, Any]:
    """``found`` as the component that an entry point's name announced; ``ValueError`` says what is wrong with it."""
    if not isinstance(found, Component):
        raise ValueError(f"is {type(found).__name__}, not a Component")
    if (found.kind, found.backend) != (kind, backend):
        announced = f"kind {kind!r} and back end {backend!r}"
        raise ValueError(f"is announced as {announced}, but is kind {found.kind!r} and back end {found.backend!r}")
    if kind in _CORE or not kind.isidentifier() or not kind.islower():
        raise ValueError(f"is of the kind {kind!r}; a section needs a free name of lower-case letters, digits and _")
    if not issubclass(found.spec, Spec) or not isinstance(found.layer, Layer):
        raise ValueError("has a spec that is not a Spec, or a layer that is not a Layer")
    if found.token.startswith("mlops:") and found.token not in {component.token for component in own.values()}:
        raise ValueError(f"has the type token {found.token!r}; tokens that start with mlops: are taken")
    if found.always:
        raise ValueError("says always=True; a component of another package is built only where a system declares it")
    if own and found.default_backend:
        raise ValueError(f"says default_backend=True, but the kind {kind!r} has a default back end; say False")
    if not own and len(offered) == 1 and not found.default_backend:
        raise ValueError(f"is the only back end of the kind {kind!r} and must say default_backend=True")
    if own:
        _same_contract(found, next(component for component in own.values() if component.default_backend))
    return found


def _same_contract(found: Component[Any, Any], default: Component[Any, Any]) -> None:
    """A back end of a kind stands where the default one does: declared alike, with the same outputs."""
    if found.many != default.many:
        raise ValueError(f"says many={found.many}, but the kind {found.kind!r} says many={default.many}")
    try:
        outputs = found.outputs
    except NameError as error:
        raise ValueError(f"has a builder whose annotations cannot be read: {error}") from error
    if not issubclass(outputs, default.outputs):
        expected = f"{default.outputs.__module__}.{default.outputs.__qualname__}"
        raise ValueError(f"has a builder that returns {outputs.__name__}; a back end of its kind returns {expected}")


def _own(choices: Choices) -> Choices:
    return choices.own if isinstance(choices, Catalogue) else choices


def _modules() -> Iterable[tuple[str, Component[Any, Any]]]:
    for area in _AREAS:
        package = importlib.import_module(f"mlops_iac.components.{area}")
        for info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            component = getattr(module, "COMPONENT", None)
            if isinstance(component, Component):
                yield module.__name__, component
