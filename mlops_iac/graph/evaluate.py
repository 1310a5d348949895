"""Evaluates input values to plain data, given what is known of other resources' outputs.

The same function serves the preview (unknown outputs stay ``UNKNOWN``) and every apply (they are known by then), so
the two cannot disagree on what a value means.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlops_iac.graph.archives import archive, asset
from mlops_iac.graph.values import (
    Archive,
    Join,
    Ref,
    Secret,
    StackOutput,
    TextAsset,
    ToBase64,
    ToJson,
    Value,
)


class Unknown:
    """The type of ``UNKNOWN``: a value that is known only after apply."""

    _instance: Unknown | None = None

    def __new__(cls) -> Unknown:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class SecretValue:
    """An evaluated secret: plain data, without other secrets inside, that must never be shown, and is encrypted in
    state. See ``one_secret``."""

    value: Any

    def __repr__(self) -> str:
        return "SecretValue([secret])"


# Asked first everywhere, and abstract types last: asking whether something is a Mapping is slow.
_SCALARS: Final = (str, bool, int, float, type(None))

Lookup = Callable[[Ref | StackOutput], Any]
"""Answers a reference with plain data, ``UNKNOWN`` or a ``SecretValue``."""


def evaluate(value: Value, lookup: Lookup) -> Any:
    """Plain JSON data of ``value``, with ``UNKNOWN`` and ``SecretValue`` at the places where they arise.

    Text built from an unknown part is unknown as a whole; text built from a secret part is secret as a whole.
    """
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, (Ref, StackOutput)):
        return lookup(value)
    if isinstance(value, dict):
        return {key: evaluate(item, lookup) for key, item in value.items()}
    if isinstance(value, Join):
        return _combine([evaluate(part, lookup) for part in value.parts], lambda parts: "".join(map(_text, parts)))
    if isinstance(value, ToJson):
        return _combine([evaluate(value.value, lookup)], lambda parts: compact_json(parts[0]))
    if isinstance(value, ToBase64):
        return _combine(
            [evaluate(value.value, lookup)], lambda parts: base64.b64encode(_text(parts[0]).encode()).decode()
        )
    if isinstance(value, Secret):
        return one_secret(evaluate(value.value, lookup))
    if isinstance(value, TextAsset):
        return asset(value.text)
    if isinstance(value, Archive):
        return archive({name: entry.text for name, entry in value.entries})
    if isinstance(value, Mapping):
        return {key: evaluate(item, lookup) for key, item in value.items()}
    return [evaluate(item, lookup) for item in value]


def compact_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the one text that ``ToJson`` stands for."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def contains_unknown(value: Any) -> bool:
    """Whether any part of evaluated data is unknown."""
    return _marks(value)[0]


def contains_secret(value: Any) -> bool:
    """Whether any part of evaluated data is secret."""
    return _marks(value)[1]


def _marks(value: Any) -> tuple[bool, bool]:
    """Whether any part of evaluated data is unknown, and whether any is secret."""
    unknown = secret = False
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, _SCALARS):
            continue
        if isinstance(current, (dict, Mapping)):
            pending.extend(current.values())
        elif isinstance(current, list):
            pending.extend(current)
        elif isinstance(current, SecretValue):
            secret = True
            pending.append(current.value)
        elif current is UNKNOWN:
            unknown = True
    return unknown, secret


def reveal(value: Any) -> Any:
    """Plain data with secrets laid open; only for handing to a provider."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, SecretValue):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def one_secret(value: Any) -> SecretValue:
    """``value`` as one secret, which holds no other: what is secret as a whole needs no marks inside."""
    return value if isinstance(value, SecretValue) else SecretValue(reveal(value))


def property_at(outputs: Any, path: Sequence[str | int]) -> Any:
    """The value at ``path`` in evaluated outputs; ``UNKNOWN`` where a part of the way is missing or unknown."""
    current = outputs
    secret = False
    for part in path:
        if isinstance(current, SecretValue):
            current, secret = current.value, True
        members = (
            current if isinstance(current, Mapping) else dict(enumerate(current)) if isinstance(current, list) else {}
        )
        if part not in members:
            return UNKNOWN
        current = members[part]
    return SecretValue(current) if secret and not isinstance(current, SecretValue) else current


def _combine(parts: list[Any], make: Callable[[list[Any]], str]) -> Any:
    unknown, secret = _marks(parts)
    if unknown:
        return UNKNOWN
    return SecretValue(make([reveal(part) for part in parts])) if secret else make(parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact_json(value)
