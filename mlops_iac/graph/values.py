"""Values that a resource input may hold besides plain JSON: the vocabulary of a Pulumi YAML program.

A builder composes these instead of strings, so that a cross-resource reference stays visible to the diff, the
policies and the linker, and compiles to the same thing in every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class NodeKey(NamedTuple):
    """Identifies a node in the whole system: layer, Pulumi type token, logical name, and the kind of its component.

    The kind keeps a bucket ``raw`` and a catalog ``raw`` apart; Pulumi does so by the type of the parent.
    """

    layer: str
    type: str
    name: str
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.layer}/{self.type}/{self.name}"


@dataclass(frozen=True, slots=True)
class Ref:
    """An output of another resource: ``Ref(key, ("arn",))``; path ``("id",)`` is its provider id."""

    node: NodeKey
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class StackOutput:
    """An output that another layer's stack exports. Made by the linker, not by builders."""

    layer: str
    name: str


@dataclass(frozen=True, slots=True)
class Join:
    """Text with values in it, joined without separator; a ``Ref`` part is known only after apply."""

    parts: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ToJson:
    """The compact JSON text of a value, keys sorted (``fn::toJSON`` in Pulumi YAML)."""

    value: Value


@dataclass(frozen=True, slots=True)
class ToBase64:
    """The base64 text of a string value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is encrypted in state and masked in every output."""

    value: Value


@dataclass(frozen=True, slots=True)
class TextAsset:
    """A file whose content is this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of named assets, for example the code of a Lambda function."""

    entries: tuple[tuple[str, TextAsset], ...]


Value = (
    None
    | bool
    | int
    | float
    | str
    | Sequence["Value"]
    | Mapping[str, "Value"]
    | Ref
    | StackOutput
    | Join
    | ToJson
    | ToBase64
    | Secret
    | TextAsset
    | Archive
)
"""Anything an input may hold."""

_SCALARS = (str, bool, int, float, type(None), TextAsset, Archive)


def join(*parts: Value) -> Value:
    """Concatenate text and references; plain text stays a plain string."""
    flat: list[Value] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Join) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not flat:
        return ""
    if len(flat) == 1 and isinstance(flat[0], str):
        return flat[0]
    return Join(tuple(flat))


def children(value: Value) -> Iterable[Value]:
    """The values directly inside ``value``."""
    # Abstract types last: asking whether something is a Mapping costs more than all the rest of a walk.
    if isinstance(value, _SCALARS):
        return ()
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, Join):
        return value.parts
    if isinstance(value, (ToJson, ToBase64, Secret)):
        return (value.value,)
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, Sequence) else ()


def references(value: Value) -> Iterator[Ref | StackOutput]:
    """Every reference inside ``value``, in reading order."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, (Ref, StackOutput)):
            yield current
        elif not isinstance(current, str):
            pending.extend(reversed([*children(current)]))


def origins(value: Value, exports: Mapping[tuple[str, str], Value]) -> Iterator[Ref]:
    """The resource outputs that ``value`` is made of, stack outputs followed through ``exports`` (layer, name)."""
    for reference in references(value):
        if isinstance(reference, Ref):
            yield reference
        else:
            yield from origins(exports.get((reference.layer, reference.name)), exports)


def rewrite(value: Value, leaf: Callable[[Ref], Value]) -> Value:
    """A copy of ``value`` with every ``Ref`` replaced by ``leaf(ref)``."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Ref):
        return leaf(value)
    if isinstance(value, (dict, Mapping)):
        return {key: rewrite(item, leaf) for key, item in value.items()}
    if isinstance(value, Join):
        return join(*(rewrite(part, leaf) for part in value.parts))
    if isinstance(value, ToJson):
        return ToJson(rewrite(value.value, leaf))
    if isinstance(value, ToBase64):
        return ToBase64(rewrite(value.value, leaf))
    if isinstance(value, Secret):
        return Secret(rewrite(value.value, leaf))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rewrite(item, leaf) for item in value]
    return value
