"""Facts about a Pulumi resource type: its properties, which of them force a replacement, which are secret.

The data under ``data/`` is written by ``python -m mlops_iac.providers.generate``; reading it needs no Pulumi
SDK. One file holds one service, is parsed on first use and kept. A property is written as ``name:`` and then

=========  ====================================================================================
``!``      required
``^``      a change forces a replacement
``?``      a change forces a replacement under a condition only the provider can evaluate
``*``      secret
``s i n``  string, integer, number
``b a``    boolean, anything
``[x``     array of x
``{x``     map of x
``#Name``  object whose properties stand under ``Name`` in the same file; bare ``#`` is a free-form object
``x|y``    either
=========  ====================================================================================

Sources: https://www.pulumi.com/docs/iac/using-pulumi/pulumi-packages/schema/ for the vocabulary,
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/diff.go for Kubernetes.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
ValuePath = tuple[str | int, ...]
"""Where a value sits in a resource's inputs: ``("scalingConfig", "maxSize")``."""

_SHAPES = {"s": "string", "i": "integer", "n": "number", "b": "boolean", "a": "any"}
_ARTICLE = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "map": "a map",
    "object": "an object",
}


class Replaces(StrEnum):
    """Whether a change of a property forces the provider to replace the resource."""

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


class _LazyProperties(Mapping[str, "PropertyFacts"]):
    """The properties of an object; each is decoded when it is asked for."""

    def __init__(self, line: str, table: _Table) -> None:
        self._line = line
        self._table = table
        self._decoded: dict[str, PropertyFacts] = {}

    @cached_property
    def _specs(self) -> dict[str, str]:
        return dict(spec.split(":", 1) for spec in self._line.split())

    def __getitem__(self, name: str) -> PropertyFacts:
        found = self._decoded.get(name)
        if found is None:
            found = self._decoded[name] = _decode(self._specs[name], self._table)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def required(self) -> Iterator[str]:
        """Names of the properties that have to be there."""
        return (name for name, spec in self._specs.items() if "!" in spec)

    def secret(self) -> Iterator[str]:
        """Names of the properties whose values are secret."""
        return (name for name, spec in self._specs.items() if "*" in spec)


@dataclass(frozen=True)
class PropertyFacts:
    """What is known of one property.

    ``shape`` is string, integer, number, boolean, array, map, object, any or union. ``items`` describes the
    members of an array or a map, ``properties`` those of an object (``None`` for a free-form one), and
    ``choices`` the members of a union.
    """

    shape: str
    required: bool = False
    replaces: Replaces = Replaces.NEVER
    secret: bool = False
    items: PropertyFacts | None = None
    properties: Mapping[str, PropertyFacts] | None = None
    choices: tuple[PropertyFacts, ...] = ()


@dataclass(frozen=True)
class TypeFacts:
    """What is known of one resource type.

    ``outputs`` are the properties beyond ``inputs`` (every resource also has ``id``). ``physical_name`` is
    the path of the input that names the resource in its provider, where one does; ``autonamed`` tells that
    the provider makes a random name up when it is left out. ``open`` types accept unknown properties.
    ``defaults`` are the inputs that Pulumi's SDK class fills in where they are left out.
    """

    token: str
    inputs: Mapping[str, PropertyFacts]
    outputs: Mapping[str, PropertyFacts] = field(default_factory=dict)
    taggable: bool = False
    physical_name: ValuePath | None = None
    autonamed: bool = False
    open: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the inputs and outputs that are secret as a whole."""
        names: set[str] = set()
        for group in (self.inputs, self.outputs):
            names.update(group.secret() if isinstance(group, _LazyProperties) else ())
        return frozenset(names)

    def replaced_by(self, path: Sequence[str | int]) -> Replaces:
        """Whether a change of the value at ``path`` (or of anything in it) replaces the resource.

        Compare leaf by leaf: a property that replaces inside an object that does not is found only by a path
        that leads to it.
        """
        verdict = Replaces.NEVER
        for facts in self._along(path):
            if facts.replaces is Replaces.ALWAYS:
                return Replaces.ALWAYS
            if facts.replaces is Replaces.MAYBE:
                verdict = Replaces.MAYBE
        return verdict

    def is_secret(self, path: Sequence[str | int]) -> bool:
        """Whether the value at ``path`` is a secret, by itself or as part of one."""
        return any(facts.secret for facts in self._along(path))

    def deletes_first(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether a replacement has to delete before it creates: both sides claim the same physical name.

        A name that was written down and stays the same cannot be held by two resources at once; a made-up
        one is made up anew. The providers do this by themselves for names they could have made up
        (``autonamed``); for others the resource needs the ``deleteBeforeReplace`` option.
        """
        if self.physical_name is None:
            return False
        before, after = _value_at(old, self.physical_name), _value_at(new, self.physical_name)
        if after is None or before != after:
            return False
        namespace = ("metadata", "namespace")
        return self.physical_name[0] != "metadata" or _value_at(old, namespace) == _value_at(new, namespace)

    def _along(self, path: Sequence[str | int]) -> Iterator[PropertyFacts]:
        group: Mapping[str, PropertyFacts] | None = self.inputs
        facts: PropertyFacts | None = None
        for part in path:
            if group is not None and isinstance(part, str):
                facts = group.get(part)
                if facts is None and group is self.inputs:
                    facts = self.outputs.get(part)
            else:
                facts = facts.items if facts is not None else None
            if facts is None:
                return
            yield facts
            group = next((f.properties for f in (facts, *facts.choices) if f.properties is not None), None)


@dataclass(frozen=True)
class Problem:
    """Something about a resource's inputs that its provider would refuse."""

    path: ValuePath
    message: str
    hint: str = ""


class _Table:
    """One data file: its types and the objects that their properties refer to."""

    def __init__(self, name: str) -> None:
        text = (DATA / f"{name}.json").read_text(encoding="utf-8")
        data: dict[str, dict[str, Any]] = json.loads(text)
        self.types = data["types"]
        self._objects: dict[str, str] = data["objects"]
        self._properties: dict[str, _LazyProperties] = {}

    def properties(self, name: str) -> _LazyProperties:
        found = self._properties.get(name)
        if found is None:
            found = self._properties[name] = _LazyProperties(self._objects[name], self)
        return found


@cache
def _table(name: str) -> _Table | None:
    return _Table(name) if (DATA / f"{name}.json").is_file() else None


@cache
def facts_of(token: str) -> TypeFacts | None:
    """Facts about a type token, or ``None`` for a type that is unknown.

    A Kubernetes kind that is not built in (a custom resource) is known as free-form.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    if package == "pulumi":
        file = "providers"
    elif package == "kubernetes":
        file = "kubernetes"
    else:
        file = f"{package}-{module.partition('/')[0]}"
    table = _table(file) if kind else None
    row = table.types.get(token) if table is not None else None
    if table is None or row is None:
        return _custom_resource(token, module) if package == "kubernetes" and kind else None
    inputs = _LazyProperties(row["in"], table)
    name: str | None = row.get("name")
    return TypeFacts(
        token=token,
        inputs=inputs,
        outputs=_LazyProperties(row.get("out", ""), table),
        taggable="tags" in inputs and inputs["tags"].shape == "map",
        physical_name=tuple(name.rstrip("+").split(".")) if name else None,
        autonamed=bool(name and name.endswith("+")),
        open=bool(row.get("open")),
        defaults=row.get("default", {}),
    )


def known_tokens(file: str) -> tuple[str, ...]:
    """All type tokens of a data file such as ``aws-s3`` or ``kubernetes``."""
    table = _table(file)
    return tuple(table.types) if table is not None else ()


def check_inputs(token: str, inputs: Mapping[str, Any]) -> list[Problem]:
    """Compare a resource's inputs with its type: unknown properties, wrong shapes, missing required ones.

    A value that is no plain JSON (a reference to another resource) matches every shape. Unknown types give
    one problem.
    """
    facts = facts_of(token)
    if facts is None:
        return [Problem((), f"unknown resource type {token!r}", _similar_token(token))]
    return list(_check_object((), inputs, facts.inputs, closed=not facts.open))


def _check_object(
    path: ValuePath, value: Mapping[str, Any], properties: Mapping[str, PropertyFacts], *, closed: bool
) -> Iterator[Problem]:
    for name, member in value.items():
        if name in properties:
            if member is not None:
                yield from _check_value((*path, name), member, properties[name])
        elif closed:
            close = difflib.get_close_matches(name, properties, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(properties))}"
            yield Problem((*path, name), f"unknown property `{_written((*path, name))}`", hint)
    if isinstance(properties, _LazyProperties):
        for name in properties.required():
            if value.get(name) is None:
                where = _written((*path, name))
                yield Problem((*path, name), f"missing required property `{where}`", f"set `{where}`")


def _check_value(path: ValuePath, value: object, facts: PropertyFacts) -> Iterator[Problem]:
    shape = _shape_of(value)
    if shape is None or facts.shape == "any":
        return
    if facts.shape == "union":
        fitting = [choice for choice in facts.choices if _fits(shape, choice)]
        if not fitting:
            expected = " or ".join(_ARTICLE[choice.shape] for choice in facts.choices)
            yield Problem(path, f"`{_written(path)}` must be {expected}, not {_ARTICLE[shape]}")
            return
        attempts = [list(_check_value(path, value, choice)) for choice in fitting]
        yield from min(attempts, key=len)
        return
    if not _fits(shape, facts):
        yield Problem(path, f"`{_written(path)}` must be {_ARTICLE[facts.shape]}, not {_ARTICLE[shape]}")
        return
    if isinstance(value, list) and facts.items is not None:
        for index, member in enumerate(value):
            yield from _check_value((*path, index), member, facts.items)
    elif isinstance(value, dict):
        if facts.items is not None:
            for name, member in value.items():
                yield from _check_value((*path, name), member, facts.items)
        elif facts.properties is not None:
            yield from _check_object(path, value, facts.properties, closed=True)


def _fits(shape: str, facts: PropertyFacts) -> bool:
    if facts.shape == "number":
        return shape in ("number", "integer")
    if facts.shape in ("map", "object"):
        return shape == "map"
    return facts.shape in (shape, "any")


def _shape_of(value: object) -> str | None:
    """The shape of a plain value; ``None`` for a reference or an absent value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    if isinstance(value, dict):
        return "map"
    return None


def _decode(spec: str, table: _Table) -> PropertyFacts:
    start = 0
    while spec[start] in "!^?*":
        start += 1
    flags, body = spec[:start], spec[start:]
    replaces = Replaces.ALWAYS if "^" in flags else Replaces.MAYBE if "?" in flags else Replaces.NEVER
    required, secret = "!" in flags, "*" in flags
    if body in _SHAPES:
        return PropertyFacts(_SHAPES[body], required, replaces, secret)
    if "|" in body:
        choices = tuple(_decode(choice, table) for choice in body.split("|"))
        return PropertyFacts("union", required, replaces, secret, choices=choices)
    if body[0] == "#":
        properties = table.properties(body[1:]) if len(body) > 1 else None
        return PropertyFacts("object", required, replaces, secret, properties=properties)
    shape = "array" if body[0] == "[" else "map"
    return PropertyFacts(shape, required, replaces, secret, items=_decode(body[1:], table))


def _custom_resource(token: str, module: str) -> TypeFacts | None:
    """Free-form facts for a kind of a group that Kubernetes itself does not own."""
    table = _table("kubernetes")
    group, _, version = module.partition("/")
    if table is None or not version or group in _builtin_groups():
        return None
    row = table.types["kubernetes:apiextensions.k8s.io:CustomResource"]
    return TypeFacts(
        token=token,
        inputs=_LazyProperties(row["in"], table),
        physical_name=("metadata", "name"),
        autonamed=True,
        open=True,
    )


@cache
def _builtin_groups() -> frozenset[str]:
    return frozenset(token.split(":")[1].partition("/")[0] for token in known_tokens("kubernetes"))


def _similar_token(token: str) -> str:
    package, _, rest = token.partition(":")
    module = rest.partition(":")[0]
    file = "kubernetes" if package == "kubernetes" else f"{package}-{module.partition('/')[0]}"
    close = difflib.get_close_matches(token, known_tokens(file), n=1)
    return f"did you mean `{close[0]}`?" if close else ""


def _value_at(value: object, path: ValuePath) -> object:
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _written(path: ValuePath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
