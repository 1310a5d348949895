"""The stand-in provider of both engines: a cloud in memory that fails where it is told to."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_iac.engines.local.provider import (
    CheckFailure,
    Created,
    Found,
    OutcomeUnknownError,
    Properties,
    ProviderError,
    ProviderFactory,
    Updated,
)


@dataclass(slots=True)
class Cloud:
    """``objects`` is what exists, by id; ``calls`` what was asked, in order.

    An id is the name of the resource and how often it was created, so that two engines which make the same calls
    get the same ids. ``failing`` holds (verb, resource name): such a call is refused. ``losing`` the same for calls
    that take effect, but whose answer is lost. ``forgotten`` are ids that were retained on purpose.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    failing: frozenset[tuple[str, str]] = frozenset()
    losing: frozenset[tuple[str, str]] = frozenset()
    forgotten: set[str] = field(default_factory=set)
    _made: dict[str, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def factory(self) -> ProviderFactory:
        """Serves every package and configuration."""
        return lambda package, inputs: self

    def check(self, urn: str, type: str, news: Properties, olds: Properties) -> tuple[CheckFailure, ...]:
        return ()

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        with self._guard:
            self._refuse("create", urn, "")
            id = ""
            while not id or id in self.objects:
                self._made[urn] = self._made.get(urn, 0) + 1
                id = f"{_name(urn)}-{self._made[urn]}"
            self.objects[id] = {"urn": urn, "type": type, "inputs": copy.deepcopy(dict(inputs))}
            self.calls.append(("create", urn, id))
            self._lose("create", urn)
        return Created(id, _outputs(id, inputs))

    def read(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> Found | None:
        with self._guard:
            found = self.objects.get(id)
            return None if found is None else Found(id, found["inputs"], _outputs(id, found["inputs"]))

    def adopt(self, urn: str, type: str, id: str, declared: Properties) -> Found | None:
        return self.read(urn, type, id, declared, {})

    def find(self, urn: str, type: str, inputs: Properties) -> tuple[Found, ...]:
        with self._guard:
            return tuple(
                Found(id, item["inputs"], _outputs(id, item["inputs"]))
                for id, item in self.objects.items()
                if item["urn"] == urn and id not in self.forgotten
            )

    def update(
        self, urn: str, type: str, id: str, old_inputs: Properties, old_outputs: Properties, news: Properties
    ) -> Updated:
        with self._guard:
            self._refuse("update", urn, id)
            if id not in self.objects:
                raise ProviderError(f"{id} does not exist")
            self.calls.append(("update", urn, id))
            self.objects[id] = {"urn": urn, "type": type, "inputs": copy.deepcopy(dict(news))}
            self._lose("update", urn)
        return Updated(_outputs(id, news))

    def delete(self, urn: str, type: str, id: str, inputs: Properties, outputs: Properties) -> None:
        with self._guard:
            self._refuse("delete", urn, id)
            self.calls.append(("delete", urn, id))
            self.objects.pop(id, None)
            self._lose("delete", urn)

    def invoke(self, token: str, args: Properties) -> Properties:
        return {}

    def drift(self, name: str, change: Mapping[str, Any] | None) -> None:
        """Somebody else changes the newest object of that name, or deletes it."""
        found = [id for id, item in self.objects.items() if _name(item["urn"]) == name]
        if found and change is None:
            del self.objects[found[-1]]
        elif found and change is not None:
            self.objects[found[-1]]["inputs"].update(change)

    def _refuse(self, verb: str, urn: str, id: str) -> None:
        if (verb, _name(urn)) in self.failing:
            self.calls.append((f"refused {verb}", urn, id))
            raise ProviderError(f"{verb} of {_name(urn)} is refused")

    def _lose(self, verb: str, urn: str) -> None:
        if (verb, _name(urn)) in self.losing:
            raise OutcomeUnknownError(f"the answer to {verb} of {_name(urn)} was lost")


def _outputs(id: str, inputs: Properties) -> dict[str, Any]:
    return {**copy.deepcopy(dict(inputs)), "arn": f"arn:{id}"}


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
