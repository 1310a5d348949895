"""A small registry with every shape that a spec can have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from mlops_iac.components.component import Component, Outputs
from mlops_iac.components.registry import Registry
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.quantities import Cron, Duration, Percent, Size


class ShelfSpec(Spec, kw_only=True):
    """A shelf."""

    classification: Annotated[Literal["internal", "public"], doc("How sensitive it is.")] = "internal"
    versioning: Annotated[bool, doc("Whether old books stay.")] = True
    keep: Annotated[Duration | None, doc("How long books are kept.")] = None
    width: Annotated[int, doc("Its width.", unit="cm", ge=10, le=300)] = 80
    weight: Annotated[float, doc("Most that it carries.", unit="kg", ge=0)] = 20.5
    title: Annotated[str, doc("What is written on it.", min_length=3, max_length=12)] = "books"
    room: Annotated[str, doc("Room it stands in.", pattern="^[A-Z][0-9]+$", expects="a room such as B12")] | None = None
    books: Annotated[list[str], doc("Titles on it.")] = []
    limits: Annotated[dict[Literal["child", "adult"], int], doc("Books a reader may take.")] = {}
    code: Annotated[str, doc("Code of its lock.", pattern="^[0-9]{4}$", expects="four digits", secret=True)] = "0000"
    owner: Annotated[str | list[str], doc("Who looks after it.")] = "library"
    size: Annotated[Literal["auto"] | int, doc("Rows, or auto.")] = "auto"
    lamp: Annotated[Lamp | None, doc("Its lamp.")] = None


class Lamp(Spec, kw_only=True):
    """A lamp."""

    bulbs: Annotated[int, doc("How many bulbs.", ge=1)]
    colour: Annotated[str, doc("Colour of its light.")] = "white"


class ReadStep(Spec, kw_only=True, tag_field="kind", tag="read"):
    """Read a book."""

    book: Annotated[str, doc("Which book.")]
    share: Annotated[Percent, doc("How much of it.")] = Percent.parse("100%")


class CopyStep(Spec, kw_only=True, tag_field="kind", tag="copy"):
    """Copy a book."""

    pages: Annotated[Annotated[list[int], doc("Which pages.", min_length=1)], doc("Which pages.")]
    paper: Annotated[Size, doc("Size of the paper.")] = Size(1000)


class TaskSpec(Spec, kw_only=True):
    """A task."""

    steps: Annotated[dict[Name, ReadStep | CopyStep], doc("What to do, in order.")]
    schedule: Annotated[Cron | None, doc("When it runs.")] = None


class LocalDeskSpec(Spec, kw_only=True):
    """A desk in the house."""

    places: Annotated[int, doc("Readers at once.", ge=1)] = 1
    from_: Annotated[str, doc("Day it opens.")] = msgspec.field(default="monday", name="from")


class RemoteDeskSpec(Spec, kw_only=True):
    """A desk elsewhere."""

    backend: Annotated[Literal["remote"], doc("This back end.")]
    url: Annotated[str, doc("Where it is.", pattern="^https://", expects="an https address")]


class DoorSpec(Spec, kw_only=True):
    """The door."""

    open: Annotated[bool, doc("Whether readers may come.")] = True


def component(kind: str, spec: type[Spec], **options: Any) -> Component[Any, Any]:
    return Component(
        kind=kind,
        label=kind.removesuffix("s"),
        layer=options.pop("layer", Layer.DATA),
        token=f"test:{kind}",
        spec=spec,
        build=lambda name, spec, ctx: Outputs(),
        **options,
    )


@pytest.fixture(scope="session")
def library() -> Registry:
    return Registry(
        {
            "shelves": {None: component("shelves", ShelfSpec)},
            "tasks": {None: component("tasks", TaskSpec)},
            "desks": {
                "local": component("desks", LocalDeskSpec, backend="local"),
                "remote": component("desks", RemoteDeskSpec, backend="remote", default_backend=False),
            },
            "door": {None: component("door", DoorSpec, many=False, always=True)},
        }
    )
