"""Which IAM actions manage a resource type, and which resources each of them can be limited to.

``permissions.json`` is written by ``.ci/generate_permissions.py`` from the handlers of CloudFormation's resource
schemas and the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

TABLE: Final = Path(__file__).with_name("permissions.json")


@dataclass(frozen=True, slots=True)
class Action:
    """One IAM action. ``reads``: it changes nothing. ``resources``: ARN formats that it can be limited to, if any."""

    name: str
    reads: bool
    resources: tuple[str, ...]

    @property
    def service(self) -> str:
        """Its prefix: ``s3`` of ``s3:CreateBucket``."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Permission:
    """What managing a resource type takes, as a component states it whose type the table does not have.

    ``actions`` are IAM actions, ``resources`` the ARN formats that they can be limited to, as the Service Authorization
    Reference writes them: ``arn:${Partition}:braket:${Region}:${Account}:job/${JobName}``.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()


def actions_for(type: str, declared: Mapping[str, Permission] | None = None) -> tuple[Action, ...]:
    """What it takes to create, read, update and delete a resource of a type; empty for a type that is not known.

    ``declared`` is what components state, by type; it counts for types that the table does not have.
    """
    known = tuple(_action(name) for name in _table()["types"].get(type, "").split())
    stated = (declared or {}).get(type)
    if known or stated is None:
        return known
    return tuple(Action(name, _reads(name), stated.resources) for name in sorted(stated.actions))


def only_everywhere(action: str) -> bool:
    """Whether an action is known to take no narrower resource than ``*``."""
    row = _table()["actions"].get(action)
    return row is not None and "|" not in row


def _reads(action: str) -> bool:
    row = _table()["actions"].get(action)
    return row.startswith("r") if row else action.partition(":")[2].startswith(("Describe", "Get", "List"))


@cache
def _action(name: str) -> Action:
    access, *kinds = _table()["actions"][name].split("|")
    service = name.partition(":")[0]
    formats: Mapping[str, str] = _table()["resources"]
    return Action(name, access == "r", tuple(formats[f"{service}:{kind}"] for kind in kinds))


@cache
def _table() -> Mapping[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
