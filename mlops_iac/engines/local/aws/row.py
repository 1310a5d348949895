"""The vocabulary of the table: which calls create, read, change and delete a resource type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.aws.shapes import Names

ALL: Final = ("*",)
"""Every input that no other call of the row takes."""

Fixed = Mapping[str, Any]
"""Parameters by name. Texts are templates: ``{bucket}`` is an input, ``{id}`` the resource's id, ``{o.arn}`` an output,
``{r.Key.Id}`` the answer of create or read, ``{account}``, ``{region}`` and ``{partition}`` the provider's. A text that
is one placeholder gives its value as it is, and leaves the parameter out when there is none."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a service: fixed parameters, and the inputs that its shape takes by their own names.

    ``into`` puts the inputs inside that parameter. ``when`` makes the call only where that template has a value.
    ``service`` is another one than the row's.
    """

    operation: str
    fixed: Fixed = field(default_factory=dict)
    take: tuple[str, ...] = ()
    into: str = ""
    names: Names = field(default_factory=dict)
    when: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Properties that ``call`` sets together; ``unset`` is made instead when all of them are gone.

    ``after`` makes the call after the create, too, when one of them is given: the create does not take them. ``first``
    are calls to make before an update.
    """

    properties: tuple[str, ...]
    call: Call
    unset: Call | None = None
    after: bool = False
    first: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Tagging:
    """How a service changes tags: ``target`` names the resource in both calls."""

    target: Fixed
    operation: str = "tag_resource"
    undo: str = "untag_resource"
    after: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One resource type. ``at`` is the path of the resource in the answer of ``read``; ``outputs`` are
    templates over it.

    ``mark``: the create takes our mark as a tag, in ``tags`` or in EC2's tag specification of that resource type.
    ``find`` lists candidates of an interrupted create at the path ``found``, each with an id by the template
    ``found_id``, and where ``alike`` only those whose inputs are as declared; without it the id is worked out from the
    inputs. ``hook`` may mend inputs that a mapping cannot.
    ``recorded`` says why the type is never called. ``gone_when`` are texts of a refusal that mean "is gone",
    ``gone_in`` the values of a path in the answer that do. ``pick`` finds the resource in the answer's list. ``more``
    are further reads for what the first does not tell: by the name to give it, the call and the path in its
    answer. ``unseen`` names inputs that the emulator does not report, or reports wrongly. ``refusals`` are
    texts of errors that are the emulator's and not AWS's, each with the reason to show: the call is then
    recorded. ``enrich`` gives outputs that AWS makes by itself and the emulator does not. ``clear`` is done before
    the delete calls. ``adopt`` is a regular expression of the id that Pulumi's provider imports the type by, where that
    is another than the one that the resource then has; its groups are inputs.
    """

    type: str
    service: str
    create: Call
    id: str
    adopt: str = ""
    read: Call | None = None
    at: str = ""
    outputs: Fixed = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    delete: tuple[Call, ...] = ()
    tags: Tagging | None = None
    names: Names = field(default_factory=dict)
    skip: tuple[str, ...] = ()
    mark: str = ""
    find: Call | None = None
    found: str = ""
    found_id: str = ""
    alike: bool = False
    hook: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    recorded: str = ""
    gone_when: tuple[str, ...] = ()
    gone_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pick: Callable[[Any, Mapping[str, Any]], Any] | None = None
    more: Mapping[str, tuple[Call, str]] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    enrich: Callable[[Session, Mapping[str, Any]], dict[str, Any]] | None = None
    clear: Callable[[Session, Mapping[str, Any]], None] | None = None


def setting(
    type: str,
    service: str,
    put: Call,
    get: Call,
    *,
    id: str,
    at: str = "",
    reset: tuple[Call, ...] = (),
    names: Names | None = None,
    skip: tuple[str, ...] = (),
    outputs: Fixed | None = None,
    refusals: Mapping[str, str] | None = None,
    pick: Callable[[Any, Mapping[str, Any]], Any] | None = None,
) -> Row:
    """A row for a property of another resource: one call sets it, however often."""
    return Row(
        type,
        service,
        create=put,
        id=id,
        read=get,
        at=at,
        groups=(Group(ALL, put),),
        delete=reset,
        names=names or {},
        skip=skip,
        outputs=outputs or {},
        refusals=refusals or {},
        pick=pick,
    )
