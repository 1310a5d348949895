"""A provider that creates nothing: outputs are the inputs and texts that stand for what a cloud would compute.

The computed outputs are those that somebody reads: their paths stand in the JSON file that ``ECHO_OUTPUTS`` names
({type: [path, ...]}); ``ECHO_COMPUTED`` is a text to give in their place. Every call is appended to ``ECHO_LOG``.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlops_iac.engines.local.provider import (
    CheckFailure,
    Created,
    Found,
    Properties,
    Updated,
)


def computed(type: str, name: str, path: tuple[str | int, ...]) -> str:
    """What stands for the output at ``path`` of a created resource."""
    return os.environ.get("ECHO_COMPUTED") or f"({type.rpartition(':')[2]} {name} {'.'.join(map(str, path))})"


def identity(type: str, name: str) -> str:
    """The id of a created resource."""
    return f"{type.rpartition(':')[2]}-{name}"


def outputs_of(type: str, name: str, inputs: Mapping[str, Any], paths: Collection[list[str | int]]) -> dict[str, Any]:
    """The inputs, with the computed text at every path that they do not have."""
    found: dict[str, Any] = copy.deepcopy(dict(inputs))
    for path in paths:
        _fill(found, path, computed(type, name, tuple(path)))
    return found


def make(package: str, config: Properties) -> EchoProvider:
    """The factory that the plugin server calls."""
    return EchoProvider(package)


class EchoProvider:
    """See the module."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._paths = json.loads(Path(os.environ["ECHO_OUTPUTS"]).read_text(encoding="utf-8"))

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        self._note("check", urn, news)
        return ()

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        self._note("create", urn, inputs)
        return Created(identity(type, _name(urn)), self._outputs(urn, type, inputs))

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        self._note("read", urn, inputs)
        return Found(id, inputs, outputs)

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        return self.read(urn, type, id, declared, {})

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        return ()

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        self._note("update", urn, news)
        return Updated(self._outputs(urn, type, news))

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        self._note("delete", urn, inputs)

    def invoke(self, token: str, args: Properties) -> Properties:
        self._note("invoke", token, args)
        return {}

    def _outputs(self, urn: str, type: str, inputs: Properties) -> dict[str, Any]:
        return outputs_of(type, _name(urn), inputs, self._paths.get(type, ()))

    def _note(self, call: str, urn: str, values: Properties) -> None:
        with Path(os.environ["ECHO_LOG"]).open("a", encoding="utf-8") as log:
            log.write(json.dumps({"call": call, "urn": urn, "values": values}) + "\n")


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _fill(container: Any, path: list[str | int], text: str) -> None:
    first, *rest = path
    if isinstance(first, int):
        while len(container) <= first:
            container.append({} if rest and isinstance(rest[0], str) else [])
    elif first not in container:
        container[first] = text if not rest else [] if isinstance(rest[0], int) else {}
    if isinstance(first, int) and not rest:
        container[first] = text
    elif rest:
        _fill(container[first], rest, text)
