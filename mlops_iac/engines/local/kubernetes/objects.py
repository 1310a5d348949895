"""Objects as they are applied, and what a live object says about the properties that were declared."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.plan.compare import PROVIDER_DEFAULTS

MARK: Final = "mlops-iac/urn"
"""Annotation with the URN of the resource that an object belongs to: by it an interrupted create is found again."""
PATCH: Final = "Patch"
"""How the kinds end that change objects of others."""
_OF_THE_SERVER: Final = frozenset(
    {"creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)


def kind_of(type: str, inputs: Mapping[str, Any]) -> tuple[str, str]:
    """API version and kind of a resource: what it says itself, else what its type token says."""
    module, _, kind = type.partition(":")[2].rpartition(":")
    version = module.removeprefix("core/")
    return str(inputs.get("apiVersion") or version), str(inputs.get("kind") or kind)


def manifest(
    urn: str, api_version: str, kind: str, inputs: Mapping[str, Any], namespace: str | None, name: str
) -> dict[str, Any]:
    """The object to apply, with our mark."""
    metadata = dict(inputs.get("metadata") or {})
    metadata["name"] = name
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["annotations"] = {**(metadata.get("annotations") or {}), MARK: urn}
    body = {key: value for key, value in inputs.items() if value is not None and key != "status"}
    return {**body, "apiVersion": api_version, "kind": kind, "metadata": metadata}


def live(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An object as outputs: without the book-keeping of field managers."""
    metadata = {key: value for key, value in (answer.get("metadata") or {}).items() if key != "managedFields"}
    return {**answer, "metadata": metadata}


def as_declared(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An object as its inputs may have been; ``__defaults`` names everything, since nobody declared it."""
    kept = {key: value for key, value in answer.items() if key != "status"}
    metadata = {key: value for key, value in (answer.get("metadata") or {}).items() if key not in _OF_THE_SERVER}
    found: dict[str, Any] = _with_defaults({**kept, "metadata": metadata})
    return found


def mark_of(answer: Mapping[str, Any]) -> str | None:
    """The URN that an object carries."""
    annotations = (answer.get("metadata") or {}).get("annotations") or {}
    found: str | None = annotations.get(MARK)
    return found


def observed(wanted: Any, applied: Any, actual: Any) -> Any:
    """``wanted``, with the actual value where the object differs from ``applied``, the result of applying it.

    Comparing with ``wanted`` itself would find another spelling of the same quantity to be a difference.
    """
    if applied == actual:
        return wanted
    if isinstance(wanted, Mapping):
        after, before = _mapping(applied), _mapping(actual)
        found = {
            key: observed(value, after.get(key), before.get(key))
            for key, value in wanted.items()
            if key in before or key not in after
        }
        return found if found or before else actual
    if isinstance(wanted, list) and isinstance(applied, list) and isinstance(actual, list):
        if len(wanted) == len(applied) == len(actual):
            return [observed(item, *pair) for item, pair in zip(wanted, zip(applied, actual, strict=True), strict=True)]
        return actual
    return actual


def with_string_data(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret with its data as text, too: the API takes ``stringData`` and never gives it."""
    texts = {}
    for key, value in (answer.get("data") or {}).items():
        try:
            texts[key] = base64.b64decode(value, validate=True).decode()
        except ValueError:
            continue
    return {**answer, "stringData": texts}


def _with_defaults(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {**{key: _with_defaults(item) for key, item in value.items()}, PROVIDER_DEFAULTS: sorted(value)}
    return [_with_defaults(item) for item in value] if isinstance(value, list) else value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
