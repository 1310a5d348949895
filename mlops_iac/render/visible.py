"""Values as short, harmless text: secrets masked, control characters shown, long things described.

Everything that a user, a provider or an emulator wrote passes through here before it is printed: a name
must not be able to move the cursor, reverse the reading direction or end a line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.graph.archives import ARCHIVE_SIGNATURE, ASSET_SIGNATURE, SIGNATURE_KEY
from mlops_iac.graph.evaluate import (
    UNKNOWN,
    SecretValue,
)

MASK: Final = "[secret]"
KNOWN_LATER: Final = "known after apply"

_KEPT_PREFIX: Final = 6
_LEAST: Final = 5
_PLACEHOLDER: Final = re.compile(r"\$\{[\w./-]+:[\w./:-]+ ([^{}]+)\}")
"""An output of a resource that was never deployed (`plan.outputs.Placeholders`): its type is left out."""
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str, *, ascii_only: bool = False) -> str:
    """``text`` on one line, with characters that do not show (control, bidi, zero-width) written as escapes.

    ``ascii_only`` writes every character beyond ASCII so, for terminals that cannot show it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_character(char, ascii_only) for char in text)


def show(value: Any, limit: int, *, ascii_only: bool = False) -> str:
    """A value in about ``limit`` characters: whole where it fits, else its kind and size."""
    text = visible(_inline(value), ascii_only=ascii_only)
    if len(text) <= limit:
        return text
    described = _described(value)
    return described if described is not None else shorten(text, limit, ascii_only=ascii_only)


def show_pair(old: Any, new: Any, limit: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """Old and new value in about ``limit`` characters together; of two long texts, the part that differs."""
    old, new = _file_texts(old, new)
    if isinstance(old, str) and isinstance(new, str) and "\n" in old and "\n" in new:
        return _first_line_that_differs(old, new, limit, ascii_only)
    whole = [visible(_inline(value), ascii_only=ascii_only) for value in (old, new)]
    if sum(map(len, whole)) <= limit:
        return whole[0], whole[1]
    half = max(limit // 2, _LEAST)
    if isinstance(old, str) and isinstance(new, str):
        gap = ellipsis(ascii_only)
        too_much = max(map(len, whole)) - half + len(gap)
        skipped = min(_shared_prefix(whole[0], whole[1]) - _KEPT_PREFIX, too_much)
        if skipped > _KEPT_PREFIX:
            whole = [gap + text[skipped:] for text in whole]
        return _fit(whole[0], whole[1], limit, ascii_only)
    texts = [_described(value) if len(text) > half else text for value, text in zip((old, new), whole, strict=True)]
    filled = [text if text is not None else raw for text, raw in zip(texts, whole, strict=True)]
    return _fit(filled[0], filled[1], limit, ascii_only)


def shorten(text: str, limit: int, *, ascii_only: bool = False) -> str:
    """``text`` cut at its end, the cut marked."""
    gap = ellipsis(ascii_only)
    return text if len(text) <= limit else text[: max(limit - len(gap), 1)] + gap


def ellipsis(ascii_only: bool) -> str:
    """The mark of something left out."""
    return "..." if ascii_only else "…"


def plain_json(value: Any) -> Any:
    """Evaluated data as JSON data: secrets and unknowns as tagged objects, nothing else changed."""
    if isinstance(value, SecretValue):
        return {"$secret": True}
    if value is UNKNOWN:
        return {"$unknown": True}
    if isinstance(value, Mapping):
        return {key: plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    return value


def _character(char: str, ascii_only: bool) -> str:
    if char == "\n":
        return "\\n"
    if char == "\t":
        return "\\t"
    if unicodedata.category(char) in _HIDDEN_CATEGORIES or (ascii_only and not char.isascii()):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def _inline(value: Any) -> str:
    """The value in one line of JSON, with marks in the places that hold no plain data."""
    if isinstance(value, SecretValue):
        return MASK
    if value is UNKNOWN:
        return KNOWN_LATER
    if isinstance(value, str):
        return json.dumps(_PLACEHOLDER.sub(r"${\1}", value), ensure_ascii=False)
    if isinstance(value, Mapping):
        described = _asset(value)
        if described is not None:
            return described
        return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return json.dumps(value)


def _described(value: Any) -> str | None:
    """A long value by its kind and size; None for one that is better cut."""
    if isinstance(value, Mapping):
        return _asset(value) or "{" + _count(len(value), "key") + "}"
    if isinstance(value, list | tuple):
        return "[" + _count(len(value), "item") + "]"
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")) and _is_json(value):
        return f"JSON of {len(value):,} characters"
    if isinstance(value, str) and "\n" in value:
        return f"text of {_count(value.count(chr(10)) + 1, 'line')}"
    return None


def _file_texts(old: Any, new: Any) -> tuple[Any, Any]:
    """The contents of two files where both are at hand, so that what differs can be shown; else the values."""
    if all(isinstance(item, Mapping) and item.get(SIGNATURE_KEY) == ASSET_SIGNATURE for item in (old, new)):
        texts = old.get("text"), new.get("text")
        if all(isinstance(text, str) for text in texts):
            return texts
    return old, new


def _asset(value: Mapping[str, Any]) -> str | None:
    signature = value.get(SIGNATURE_KEY)
    if signature == ASSET_SIGNATURE:
        return f"file {str(value.get('hash', ''))[:8]}"
    if signature == ARCHIVE_SIGNATURE:
        entries = value.get("assets")
        size = f" of {_count(len(entries), 'file')}" if isinstance(entries, Mapping) else ""
        return f"archive{size} {str(value.get('hash', ''))[:8]}"
    return None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _first_line_that_differs(old: str, new: str, limit: int, ascii_only: bool) -> tuple[str, str]:
    before, after = old.split("\n"), new.split("\n")
    shared = min(len(before), len(after))
    line = next((i for i in range(shared) if before[i] != after[i]), shared)
    label = f"line {line + 1}: "
    pair = [
        visible(_inline(lines[line].strip()) if line < len(lines) else "(end)", ascii_only=ascii_only)
        for lines in (before, after)
    ]
    first, second = _fit(pair[0], pair[1], limit - len(label), ascii_only)
    return label + first, second


def _fit(old: str, new: str, limit: int, ascii_only: bool) -> tuple[str, str]:
    """Cut the longer of two texts first, so that a short one stays whole."""
    half = max(limit // 2, _LEAST)
    if len(old) <= half:
        return old, shorten(new, max(limit - len(old), _LEAST), ascii_only=ascii_only)
    if len(new) <= half:
        return shorten(old, max(limit - len(new), _LEAST), ascii_only=ascii_only), new
    return shorten(old, half, ascii_only=ascii_only), shorten(new, half, ascii_only=ascii_only)


def _shared_prefix(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
