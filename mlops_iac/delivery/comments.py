"""Reports as a forge takes them: no longer than it allows, and without HTML where it shows none.

A report in Markdown is lines, fenced blocks, and parts that are folded away in ``<details>``, as ``render/markdown.py``
and ``render/drift.py`` write them. It is shortened by whole parts, so that nothing is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Final

_FENCE: Final = re.compile(r"\s*(`{3,})[^`]*")
_SUMMARY: Final = re.compile(r"<details(?: open)?><summary>(.*)</summary>")
_CODE: Final = re.compile(r"<code>(.*?)</code>")
_NOTE: Final = 200
"""Characters that are kept for saying what was left out."""


def sized(texts: Sequence[str], limit: int) -> str:
    """Texts below each other in ``limit`` characters; what does not fit is shortened, or counted, and that is said."""
    kept: list[str] = []
    room = limit - _NOTE
    for index, text in enumerate(texts):
        if len(text) <= room:
            kept.append(text)
            room -= len(text) + 2
            continue
        part = shortened(text, room)
        kept += [part] if part else []
        left = len(texts) - index - bool(part)
        if left:
            kept.append(f"_{left} of {len(texts)} reports are too long for this comment; the run keeps them as files._")
        break
    return "\n\n".join(kept)


def shortened(text: str, limit: int) -> str:
    """The beginning of a report: folded parts that do not fit are left out, and so is all after a line that does not.

    Nothing where not even the first lines fit.
    """
    room = limit - _NOTE
    kept: list[str] = []
    pieces, left = list(_parts(text)), 0
    for index, part in enumerate(pieces):
        if len(part) + 1 <= room:
            kept.append(part)
            room -= len(part) + 1
        elif part.startswith("<details"):
            left += 1
        else:
            left += sum(bool(other.strip()) for other in pieces[index:])
            break
    if not any(part.strip() for part in kept):
        return ""
    parted = "1 part" if left == 1 else f"{left} parts"
    said = f"_Left out for length: {parted}; the run keeps the whole report as a file._"
    return "\n".join(kept).rstrip("\n") + (f"\n\n{said}" if left else "")


def without_html(text: str) -> str:
    """The same report for a forge that shows tags as they are written: folded parts stand open below their titles."""
    rows = []
    for row, fenced in _lines(text):
        summary = _SUMMARY.fullmatch(row)
        if fenced:
            rows.append(row)
        elif summary is not None:
            title = unescape(_CODE.sub(r"`\1`", summary[1]))
            rows.append(f"**{title}**")
        elif row != "</details>" and not row.startswith("<!-- "):
            rows.append(row)
    return "\n".join(rows).strip("\n") + ("\n" if text.endswith("\n") else "")


def _parts(text: str) -> Iterator[str]:
    """Lines, and as one piece each what is fenced or folded away."""
    kept: list[str] = []
    folded = 0
    for row, fenced in _lines(text):
        if not fenced:
            folded += bool(_SUMMARY.fullmatch(row)) - (row == "</details>")
        kept.append(row)
        if not folded and not (fenced and not _closes(kept, row)):
            yield "\n".join(kept)
            kept = []
    if kept:
        yield "\n".join(kept)


def _closes(kept: Sequence[str], row: str) -> bool:
    """Whether ``row`` ends the fence that the first of ``kept`` opened."""
    opened = _FENCE.fullmatch(kept[0])
    return len(kept) > 1 and opened is not None and row.strip() == opened[1]


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a fenced block, whose text is foreign."""
    fence = ""
    for row in text.splitlines():
        opened = _FENCE.fullmatch(row)
        if fence:
            yield row, True
            fence = "" if row.strip() == fence else fence
        else:
            fence = opened[1] if opened is not None else ""
            yield row, bool(fence)
