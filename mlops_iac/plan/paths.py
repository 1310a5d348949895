"""Property paths: where a value sits inside a resource's inputs, and the text form that Pulumi gives it.

Text: ``spec.containers[0].image``, ``tags["app/name"]``, ``pools[*].size``; ``*`` stands for any key or
index. Source: https://www.pulumi.com/docs/iac/concepts/options/ignorechanges/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

PropertyPath = tuple[str | int, ...]
"""Keys and list indexes from the outside in."""

WILDCARD: Final = "*"

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_PART: Final = re.compile(
    r"""
    \.? (?: \[ (?: "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<index>[0-9]+) | (?P<any>\*) ) \]
        | (?P<plain>[^.\[]+) )
    """,
    re.VERBOSE,
)


def format_property(path: Sequence[str | int]) -> str:
    """The text of a path; keys that are not plain names are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text


def parse_property(text: str) -> PropertyPath:
    """The path that ``text`` names. Raises ``ValueError`` on text that names none."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise ValueError(f"{text!r} is not a property path: nothing fits at character {position + 1}")
        if found["quoted"] is not None:
            parts.append(re.sub(r"\\(.)", r"\1", found["quoted"]))
        elif found["index"] is not None:
            parts.append(int(found["index"]))
        else:
            parts.append(found["any"] or found["plain"])
        position = found.end()
    return tuple(parts)


def covers(pattern: PropertyPath, path: PropertyPath) -> bool:
    """Whether ``path`` is ``pattern`` or lies below it; ``*`` in the pattern fits any part."""
    return len(pattern) <= len(path) and all(
        want in (WILDCARD, have) for want, have in zip(pattern, path, strict=False)
    )


def touches(pattern: PropertyPath, path: PropertyPath) -> bool:
    """Whether one of the two contains the other: a change of ``path`` changes something at ``pattern``."""
    return all(want in (WILDCARD, have) for want, have in zip(pattern, path, strict=False))


def restore(new: Mapping[str, Any], old: Mapping[str, Any], pattern: PropertyPath) -> dict[str, Any]:
    """A copy of ``new`` whose values at ``pattern`` are those of ``old``; absent there means absent here.

    Only the way down to the restored values is copied. A list item that only one side has is left as it is,
    since an index does not say which item it was.
    """
    if not pattern:
        return dict(old)
    return _restore_mapping(new, old, pattern)


def _restore_mapping(new: Mapping[str, Any], old: Mapping[str, Any], pattern: PropertyPath) -> dict[str, Any]:
    head, rest = pattern[0], pattern[1:]
    copy = dict(new)
    for key in sorted({*new, *old}) if head == WILDCARD else [str(head)]:
        if not rest:
            if key in old:
                copy[key] = old[key]
            else:
                copy.pop(key, None)
        elif key in new and key in old:
            copy[key] = _restore_value(new[key], old[key], rest)
    return copy


def _restore_value(new: Any, old: Any, pattern: PropertyPath) -> Any:
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        return _restore_mapping(new, old, pattern)
    if not isinstance(new, list) or not isinstance(old, list):
        return new
    head, rest = pattern[0], pattern[1:]
    put: Callable[[Any, Any], Any] = (lambda n, o: _restore_value(n, o, rest)) if rest else (lambda n, o: o)
    return [put(item, old[i]) if i < len(old) and head in (WILDCARD, i) else item for i, item in enumerate(new)]
