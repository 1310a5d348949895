"""Marks that stand in a specification for text that nobody may see, or that nobody knows yet.

A secret that was read from elsewhere, or an output of a resource outside the graph, cannot be a plain string in the
configuration. A mark takes its place: builders pass it on, and put it into longer texts, as they do with any text.
When the graph is made every mark becomes the value that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.graph.values import (
    Join,
    Secret,
    TextAsset,
    ToBase64,
    ToJson,
    Value,
    join,
)

_MARK: Final = re.compile("⟦[^⟦⟧]*⟧")
_BRACKETS: Final = re.compile("[⟦⟧]")


class MangledMarkError(ValueError):
    """A mark was cut, or used where only text that is known can stand; the message holds what is left of it."""


def mark(path: ConfigPath) -> str:
    """The mark for the value at ``path``, readable where a configuration is shown."""
    return f"⟦{format_path(path)}⟧"


def holds_mark(data: Any, marks: Mapping[str, Value]) -> bool:
    """Whether plain data holds one of the marks, as a whole text or in one."""
    if isinstance(data, str):
        return "⟦" in data and any(found in marks for found in _MARK.findall(data))
    if isinstance(data, Mapping):
        return any(holds_mark(item, marks) for item in data.values())
    return isinstance(data, list | tuple) and any(holds_mark(item, marks) for item in data)


def resolve_marks(value: Value, marks: Mapping[str, Value]) -> Value:
    """A copy of ``value`` with what each mark stands for; raises ``MangledMarkError`` for what is left of others."""
    if isinstance(value, str):
        return _text(value, marks) if _BRACKETS.search(value) else value
    if isinstance(value, Mapping):
        if any(_MARK.search(key) for key in value):
            raise MangledMarkError(next(key for key in value if _MARK.search(key)))
        return {key: resolve_marks(item, marks) for key, item in value.items()}
    if isinstance(value, Join):
        return join(*(resolve_marks(part, marks) for part in value.parts))
    if isinstance(value, ToJson):
        return ToJson(resolve_marks(value.value, marks))
    if isinstance(value, ToBase64):
        return ToBase64(resolve_marks(value.value, marks))
    if isinstance(value, Secret):
        return Secret(resolve_marks(value.value, marks))
    if isinstance(value, TextAsset):
        if any(found in marks for found in _MARK.findall(value.text)):
            raise MangledMarkError(value.text[:80])
        return value
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [resolve_marks(item, marks) for item in value]
    return value


def _text(text: str, marks: Mapping[str, Value]) -> Value:
    parts: list[Value] = []
    end = 0
    for found in _MARK.finditer(text):
        if found.group() in marks:
            parts += [text[end : found.start()], marks[found.group()]]
            end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and _BRACKETS.search(part) for part in parts):
        raise MangledMarkError(text)
    present = [part for part in parts if part != ""]
    return present[0] if len(present) == 1 else join(*present)
