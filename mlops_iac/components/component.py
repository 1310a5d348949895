"""What a component kind is: the unit that one file declares and the registry finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from mlops_iac.diagnostics import ConfigPath, Severity
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Join, Ref, Secret, Value
from mlops_iac.providers.permissions import Permission
from mlops_iac.spec.base import Spec
from mlops_iac.spec.card import CardEntry

if TYPE_CHECKING:
    from mlops_iac.compile.context import BuildContext
    from mlops_iac.spec.system import System

SpecT = TypeVar("SpecT", bound=Spec)
OutputsT = TypeVar("OutputsT", bound="Outputs")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a built component offers to others. Subclass as a frozen dataclass of values.

    Fields that hold text or references are exported by the component's stack as ``<kind>.<name>.<field>``.
    """

    def exports(self) -> Iterator[tuple[str, Value]]:
        """Field name and value of everything that a stack can export."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, str | Ref | Join | Secret):
                yield item.name, value


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of a component's own ``check``: ``path`` is below the component, codes are MI3xxx."""

    code: str
    path: ConfigPath
    message: str
    hint: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Example:
    """A declaration that works: ``values`` is the component's section, ``system`` the other sections it needs.

    ``files`` are those that it takes from the system's folder: content by relative path.
    """

    title: str
    values: Mapping[str, Any]
    system: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)


def no_problems(name: str, spec: Any, system: System) -> Iterable[Problem]:
    """The default ``check``: shape and references say everything."""
    return ()


@dataclass(frozen=True, slots=True)
class Component(Generic[SpecT, OutputsT]):
    """A component kind, or one back end of it.

    ``kind``: the top-level key in YAML. ``token``: Pulumi type of the grouping component resource.
    ``label``: how a message names one instance. ``many``: a mapping of named instances rather than one section.
    ``uses``: kinds whose every instance is built before, besides those that a field references.
    ``card``: what the system card says of an instance; None leaves the kind out of the card.
    ``last``: built after every other component, so that it can read what they made; nothing may use it.
    ``always``: built with default values even when the section is absent (the spec must have defaults).
    ``permissions``: what managing a resource type takes, by type, for types that ``providers.permissions`` lacks; CI's
    roles get it.
    ``backend``: which choice of the section's ``backend`` key this builder serves; ``default_backend`` marks the
    choice taken when the key is absent.
    """

    kind: str
    label: str
    layer: Layer
    token: str
    spec: type[SpecT]
    build: Callable[[str, SpecT, BuildContext], OutputsT]
    check: Callable[[str, SpecT, System], Iterable[Problem]] = no_problems
    card: Callable[[str, SpecT, System], CardEntry] | None = None
    many: bool = True
    always: bool = False
    last: bool = False
    uses: tuple[str, ...] = ()
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    backend: str | None = None
    default_backend: bool = True
    examples: tuple[Example, ...] = ()

    @property
    def outputs(self) -> type[Outputs]:
        """What ``build`` says that it returns; every back end of a kind returns the same.

        Raises ``NameError`` where its annotations name what its module does not import.
        """
        returned = get_type_hints(self.build).get("return")
        return returned if isinstance(returned, type) and issubclass(returned, Outputs) else Outputs
