"""Translates between Pulumi's camelCase properties and a service's parameters, led by botocore's own service model.

Names are matched without regard to case, punctuation and plural; a block that Pulumi flattens is wrapped in
the list that the service wants; a tag map becomes a tag list; a document becomes JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mlops_iac.plan.compare import PROVIDER_DEFAULTS
from mlops_iac.providers.facts import PropertyFacts

Names = Mapping[str, str | None]
"""Parameter names for properties whose names do not match, by dotted path or leaf name; None leaves one out."""

_KEYS: Final = ("Key", "key", "TagKey")
_VALUES: Final = ("Value", "value", "TagValue")


class UnmappedError(Exception):
    """A property has no parameter in the service's model."""


def to_parameters(value: Any, shape: Any, names: Names, path: str = "") -> Any:
    """``value`` as the parameter of that ``shape``. Raises ``UnmappedError`` for a property without a parameter."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(value, shape, names, path)
    if kind == "list":
        if isinstance(value, Mapping) and _is_tag(shape.member):
            key, text = _tag_names(shape.member)
            return [{key: name, text: str(item)} for name, item in value.items()]
        if isinstance(value, Mapping) and set(getattr(shape.member, "members", ())) == {"Name", "Value"}:
            return [{"Name": name, "Value": str(item)} for name, item in value.items()]
        items = value if isinstance(value, list) else [value]
        return [to_parameters(item, shape.member, names, path) for item in items]
    if kind == "map":
        return {str(key): to_parameters(item, shape.value, names, f"{path}.{key}") for key, item in value.items()}
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() in ("true", "enabled", "required")
    if kind == "blob":
        return value if isinstance(value, bytes) else _text(value).encode()
    return value if kind == "timestamp" else _text(value)


def observed(wanted: Any, actual: Any, names: Names, path: str = "") -> Any:
    """What ``actual``, a service's answer, says about the properties in ``wanted``, in Pulumi's form.

    A property that the answer does not have keeps its value: what cannot be seen is not drift.
    """
    if isinstance(wanted, Mapping):
        return _observed_mapping(wanted, actual, names, path)
    if isinstance(wanted, list):
        return _observed_list(wanted, actual, names, path)
    if actual is None or isinstance(actual, Mapping | list):
        if isinstance(wanted, str) and isinstance(actual, Mapping | list):
            return wanted if _document(wanted) == actual else _text(actual)
        return wanted
    if isinstance(wanted, bool):
        return actual if isinstance(actual, bool) else str(actual).lower() in ("true", "enabled", "required")
    if isinstance(wanted, int | float) and not isinstance(actual, bool):
        try:
            number = float(actual)
        except (TypeError, ValueError):
            return wanted
        return wanted if number == wanted else type(wanted)(number)
    if isinstance(wanted, str):
        return _observed_text(wanted, actual)
    return actual


def reported(actual: Any, properties: Mapping[str, PropertyFacts], names: Names, path: str = "") -> dict[str, Any]:
    """Every property that ``actual``, a service's answer, has a value for, in Pulumi's form.

    ``__defaults`` names them all: nobody declared them, so leaving one out is no difference.
    """
    found: dict[str, Any] = {}
    if not isinstance(actual, Mapping):
        return found
    for name, facts in properties.items():
        where = f"{path}.{name}" if path else name
        member = member_for(name, actual, names, where)
        value = _reported_value(actual[member], facts, names, where) if member is not None else None
        if value is not None and value != {} and value != []:
            found[name] = value
    return {**found, PROVIDER_DEFAULTS: sorted(found)} if found else found


def member_for(name: str, members: Iterable[str], names: Names, path: str) -> str | None:
    """The member that a property is called there, or None."""
    available = list(members)
    for key in (path, name):
        if key in names:
            renamed = names[key]
            return renamed if renamed in available else None
    by_norm = {_norm(member): member for member in available}
    norm = _norm(name)
    for candidate in (
        norm,
        f"{norm}s",
        norm.removesuffix("s"),
        norm.removesuffix("es"),
        f"{norm.removesuffix('y')}ies",
    ):
        if candidate in by_norm:
            return by_norm[candidate]
    return None


def tags_of(actual: Any) -> dict[str, str]:
    """A tag list or map as a map, without the tags that AWS or this engine adds."""
    if isinstance(actual, Mapping):
        pairs = dict(actual)
    else:
        pairs = {}
        for tag in actual or ():
            key = next((tag[name] for name in _KEYS if name in tag), None)
            if key is not None:
                pairs[key] = next((tag[name] for name in _VALUES if name in tag), "")
    return {key: value for key, value in sorted(pairs.items()) if not key.startswith(("aws:", "mlops-iac:"))}


def _reported_value(actual: Any, facts: PropertyFacts, names: Names, path: str) -> Any:
    shape = facts.shape
    if shape == "union":
        shapes = {choice.shape for choice in facts.choices}
        structured = "array" if isinstance(actual, list) else "object" if isinstance(actual, Mapping) else "string"
        shape = structured if structured in shapes and "string" not in shapes else "string"
    if actual is None:
        return None
    if path == "tags":
        return tags_of(actual)
    if shape == "array":
        items = actual if isinstance(actual, list) else [actual]
        known = facts.items
        return [_reported_value(item, known, names, path) if known is not None else _plain(item) for item in items]
    if isinstance(actual, list) and shape in ("object", "map"):
        if actual and all(isinstance(item, Mapping) and set(item) == {"Name", "Value"} for item in actual):
            return {item["Name"]: item["Value"] for item in actual}
        actual = actual[0] if len(actual) == 1 else None
    if shape == "object" and facts.properties is not None:
        return reported(actual, facts.properties, names, path)
    if shape == "boolean":
        return actual if isinstance(actual, bool) else str(actual).lower() in ("true", "enabled", "required")
    if shape in ("integer", "number") and not isinstance(actual, Mapping | list):
        try:
            return int(actual) if shape == "integer" else float(actual)
        except ValueError:
            return None
    if shape == "string":
        return _text(actual)
    return _plain(actual)


def _structure(value: Any, shape: Any, names: Names, path: str) -> Any:
    if isinstance(value, str):
        value = json.loads(value)
    if isinstance(value, list):
        value = value[0] if value else {}
    found = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if item is None or names.get(where, "") is None or names.get(name, "") is None:
            continue
        member = member_for(name, shape.members, names, where)
        if member is None:
            raise UnmappedError(f"{where} has no parameter in {shape.name}")
        found[member] = to_parameters(item, shape.members[member], names, where)
    return found


def _observed_mapping(wanted: Mapping[str, Any], actual: Any, names: Names, path: str) -> Any:
    if isinstance(actual, list):
        if path == "tags" or (actual and any(key in actual[0] for key in _KEYS if isinstance(actual[0], Mapping))):
            return tags_of(actual)
        if actual and all(isinstance(item, Mapping) and set(item) == {"Name", "Value"} for item in actual):
            return {item["Name"]: item["Value"] for item in actual}
        if len(actual) != 1:
            return dict(wanted)
        actual = actual[0]
    if path == "tags" and (actual is None or isinstance(actual, Mapping)):
        # A read that answers "no tags" is an answer.
        return tags_of(actual)
    if not isinstance(actual, Mapping):
        return dict(wanted)
    found = {}
    for name, item in wanted.items():
        where = f"{path}.{name}" if path else name
        member = member_for(name, actual, names, where)
        found[name] = item if member is None else observed(item, actual[member], names, where)
    return found


def _observed_list(wanted: list[Any], actual: Any, names: Names, path: str) -> Any:
    if isinstance(actual, Mapping) and len(wanted) == 1:
        return [observed(wanted[0], actual, names, path)]
    if not isinstance(actual, list):
        return wanted
    if len(wanted) != len(actual):
        return [_plain(item) for item in actual]
    if not any(isinstance(item, Mapping | list) for item in [*wanted, *actual]):
        return wanted if sorted(map(str, wanted)) == sorted(map(str, actual)) else actual
    return [observed(item, other, names, path) for item, other in zip(wanted, actual, strict=True)]


def _observed_text(wanted: str, actual: Any) -> str:
    text = actual.decode(errors="replace") if isinstance(actual, bytes) else str(actual)
    if text.lower() == wanted.lower():
        return wanted
    document = _document(wanted)
    if document is not None and document == _document(text):
        return wanted
    return text


def _document(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def plain_answer(value: Any) -> Any:
    """A service's answer as JSON data: times and bytes become text."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain_answer(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_answer(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _is_tag(shape: Any) -> bool:
    return shape.type_name == "structure" and _tag_names(shape) != ("", "")


def _tag_names(shape: Any) -> tuple[str, str]:
    members = getattr(shape, "members", {})
    key = next((name for name in _KEYS if name in members), "")
    value = next((name for name in _VALUES if name in members), "")
    return (key, value) if key and value else ("", "")


def _norm(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list):
        return json.dumps(value, separators=(",", ":"), sort_keys=True)
    return str(value)
