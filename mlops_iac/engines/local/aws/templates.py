"""Fills ``{name.path|default}`` placeholders in call parameters, ids and outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\{([a-zA-Z_][\w.:-]*)(?:\|([^}]*))?\}")
_OF_THE_PROVIDER: Final = frozenset({"account", "region", "partition", "logical"})


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What a template gives when one of its placeholders has no value."""


def fill(template: Any, context: Mapping[str, Any]) -> Any:
    """``template`` with its placeholders filled; entries without a value are left out of mappings and lists.

    A text that is one placeholder gives the value itself. A template with a missing part is ``MISSING`` as a whole.
    """
    if isinstance(template, Mapping):
        filled = {key: fill(item, context) for key, item in template.items()}
        return {key: item for key, item in filled.items() if item is not MISSING}
    if isinstance(template, list | tuple):
        return [item for item in (fill(item, context) for item in template) if item is not MISSING]
    if not isinstance(template, str):
        return template
    whole = _PLACEHOLDER.fullmatch(template)
    if whole is not None:
        return _lookup(whole, context)
    parts = [_lookup(match, context) for match in _PLACEHOLDER.finditer(template)]
    if any(part is MISSING for part in parts):
        return MISSING
    values = iter(parts)
    return _PLACEHOLDER.sub(lambda _: _text(next(values)), template)


def parts_of(template: str, text: str) -> dict[str, str] | None:
    """What the placeholders of ``template`` stand for in ``text``; None where the text has another form.

    What a placeholder has by itself, and what the provider fills in, is left out.
    """
    pattern, end = "", 0
    placeholders = list(_PLACEHOLDER.finditer(template))
    for match in placeholders:
        pattern += re.escape(template[end : match.start()])
        last = match.end() == len(template)
        pattern += "(.+)" if last else "(.*?)" if match[2] == "" else "(.+?)"
        end = match.end()
    found = re.fullmatch(pattern + re.escape(template[end:]), text)
    if found is None:
        return None
    parts = zip(placeholders, found.groups(), strict=True)
    return {match[1]: part for match, part in parts if match[1] not in _OF_THE_PROVIDER and part != match[2]}


def form_of(template: str) -> str:
    """A template as a form for people: ``role:name``."""
    return _PLACEHOLDER.sub(lambda match: match[1].rpartition(".")[2], template)


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted path, None where a part of the way is missing. ``""`` is the value itself."""
    for part in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.lstrip("-").isdigit() and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _lookup(match: re.Match[str], context: Mapping[str, Any]) -> Any:
    value = value_at(context, match[1])
    if value is None:
        return MISSING if match[2] is None else match[2]
    return value


def _text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else str(value)
