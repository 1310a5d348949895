"""Compares two evaluated values, and says where inside they differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from mlops_iac.graph.archives import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, SIGNATURE_KEY
from mlops_iac.graph.evaluate import (
    UNKNOWN,
    SecretValue,
    reveal,
)
from mlops_iac.plan.alignment import align
from mlops_iac.plan.model import Kind, PropertyChange
from mlops_iac.plan.paths import PropertyPath, format_property

PROVIDER_DEFAULTS: Final = "__defaults"
"""Key under which Pulumi's Terraform bridge lists, in state inputs, the properties that it filled in
itself."""

_ABSENT: Final = object()


class Difference(NamedTuple):
    """One place at which two values differ; ``old`` or ``new`` is None where the place does not exist."""

    path: PropertyPath
    kind: Kind
    old: Any
    new: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every place at which the inputs ``new`` differ from ``old``, in path order.

    Lists are compared by index. A null counts as absent, as in Pulumi. Two texts that both hold a JSON
    document are compared as documents, so that spacing and key order make no difference. A secret is
    compared by what is inside and reported as a whole, both sides secret; one that the state holds sealed
    counts as equal. Assets and archives are compared by content.
    """
    found = _Found()
    _mapping(old, new, (), found)
    return found


def differences_to_read(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """``differences`` as people read them: list items are compared with the same item, wherever it stands.

    The index of what is deleted is the old one, every other index the new one: to take the deletions out, put the
    additions in and make the updates, in this order, gives ``new``. An item that moved is deleted and added.
    """
    found = _Found(aligned=True)
    _mapping(old, new, (), found)
    return found


def as_changes(found: Iterable[Difference]) -> tuple[PropertyChange, ...]:
    """Differences as property changes that nobody has judged."""
    return tuple(PropertyChange(format_property(item.path), item.kind, item.old, item.new) for item in found)


def without_defaults(value: Any) -> Any:
    """``value`` without the lists of what a provider filled in, at any depth."""
    if isinstance(value, SecretValue):
        return SecretValue(without_defaults(value.value))
    if isinstance(value, Mapping):
        return {key: without_defaults(item) for key, item in value.items() if key != PROVIDER_DEFAULTS}
    return [without_defaults(item) for item in value] if isinstance(value, list) else value


class _Found(list[Difference]):
    """What was found so far; ``aligned``: compare a list's items with the same one and not by index."""

    def __init__(self, *, aligned: bool = False) -> None:
        super().__init__()
        self.aligned = aligned


def _value(old: Any, new: Any, path: PropertyPath, found: _Found) -> None:
    if old is new:
        return
    if isinstance(old, SecretValue) or isinstance(new, SecretValue):
        _secret(old, new, path, found)
    elif old is UNKNOWN or new is UNKNOWN:
        found.append(Difference(path, Kind.UPDATE, old, new))
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        signatures = old.get(SIGNATURE_KEY), new.get(SIGNATURE_KEY)
        if signatures == (None, None):
            _mapping(old, new, path, found)
        else:
            _asset(old, new, signatures, path, found)
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        _list(old, new, path, found)
    elif not _same_scalar(old, new) and not _document(old, new, path, found):
        found.append(Difference(path, Kind.UPDATE, old, new))


def _mapping(old: Mapping[str, Any], new: Mapping[str, Any], path: PropertyPath, found: _Found) -> None:
    filled_in: Iterable[str] = old.get(PROVIDER_DEFAULTS) or ()
    for key in sorted({*old, *new}):
        if key == PROVIDER_DEFAULTS:
            continue
        before, after = old.get(key), new.get(key)
        if after is None and key in filled_in:
            continue
        _member(before, after, (*path, key), found)


def _list(old: Any, new: Any, path: PropertyPath, found: _Found) -> None:
    if found.aligned:
        pairs = align(old, new, _equal)
        kept, known = {i for i, _ in pairs}, {j: i for i, j in pairs}
        found.extend(Difference((*path, i), Kind.DELETE, old[i], None) for i in range(len(old)) if i not in kept)
        for j, item in enumerate(new):
            if j in known:
                _value(old[known[j]], item, (*path, j), found)
            else:
                found.append(Difference((*path, j), Kind.ADD, None, item))
        return
    shared = min(len(old), len(new))
    for i in range(shared):
        _value(old[i], new[i], (*path, i), found)
    found.extend(Difference((*path, i), Kind.DELETE, old[i], None) for i in range(shared, len(old)))
    found.extend(Difference((*path, i), Kind.ADD, None, new[i]) for i in range(shared, len(new)))


def _equal(old: Any, new: Any) -> bool:
    found = _Found()
    _value(old, new, (), found)
    return not found


def _member(before: Any, after: Any, path: PropertyPath, found: _Found) -> None:
    if before is None and after is None:
        return
    if before is None:
        found.append(Difference(path, Kind.ADD, None, after))
    elif after is None:
        found.append(Difference(path, Kind.DELETE, before, None))
    else:
        _value(before, after, path, found)


def _secret(old: Any, new: Any, path: PropertyPath, found: _Found) -> None:
    before, after = reveal(old), reveal(new)
    if before is UNKNOWN:
        return
    inside = _Found()
    _value(before, after, path, inside)
    if inside:
        found.append(Difference(path, Kind.UPDATE, SecretValue(before), SecretValue(after)))


def _asset(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    signatures: tuple[Any, Any],
    path: PropertyPath,
    found: _Found,
) -> None:
    if signatures == (ARCHIVE_SIGNATURE, ARCHIVE_SIGNATURE) and "assets" in old and "assets" in new:
        # By entries, which says what changed inside.
        _mapping(old["assets"], new["assets"], path, found)
        return
    same_kind = signatures in ((ASSET_SIGNATURE, ASSET_SIGNATURE), (ARCHIVE_SIGNATURE, ARCHIVE_SIGNATURE))
    if not same_kind or old.get("hash") != new.get("hash"):
        found.append(Difference(path, Kind.UPDATE, old, new))


def _same_scalar(old: Any, new: Any) -> bool:
    # Python holds True == 1; the providers do not. 1 and 1.0 are one number, since JSON has one kind.
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _document(old: Any, new: Any, path: PropertyPath, found: _Found) -> bool:
    """Compare two JSON texts as documents; False when either is none, or when the whole of it changed."""
    before, after = _parse(old), _parse(new)
    if before is _ABSENT or after is _ABSENT or type(before) is not type(after):
        return False
    _value(before, after, path, found)
    return True


def _parse(text: Any) -> Any:
    if not isinstance(text, str) or not text.lstrip().startswith(("{", "[")):
        return _ABSENT
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _ABSENT
