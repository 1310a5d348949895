"""Reads IAM policy documents out of resource inputs, in whichever of their allowed spellings they come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue


def statements(document: Any) -> list[dict[str, Any]] | None:
    """The statements of a policy document given as JSON text or data; None where it is not known or not readable."""
    if isinstance(document, SecretValue):
        document = document.value
    if document is UNKNOWN:
        return None
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return None
    if not isinstance(document, Mapping):
        return None
    found = document.get("Statement", [])
    return [dict(item) for item in (found if isinstance(found, list) else [found])]


def allows(document: Any) -> Iterator[dict[str, Any]]:
    """The statements that allow something."""
    yield from (statement for statement in statements(document) or () if statement.get("Effect") == "Allow")


def listed(value: Any) -> list[str]:
    """A policy element that may be one string or a list of them, as a list."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def principals(statement: Mapping[str, Any]) -> list[str]:
    """Every principal of a statement; ``*`` for anybody."""
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        return [item for value in principal.values() for item in listed(value)]
    return listed(principal)


def condition_keys(statement: Mapping[str, Any]) -> set[str]:
    """The condition keys that a statement uses, in lower case."""
    condition = statement.get("Condition")
    if not isinstance(condition, Mapping):
        return set()
    return {str(key).lower() for keys in condition.values() if isinstance(keys, Mapping) for key in keys}
