"""Groovy source of declarative pipelines: blocks, calls and text that cannot be anything but text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Block:
    """``head { ... }``; items are lines or further blocks."""

    head: str
    items: tuple[Item, ...]


Item = str | Block


def text(value: str) -> str:
    """A literal whose value is ``value``: single quotes expand nothing."""
    return f"'{value.translate(_ESCAPED)}'"


def script(lines: Iterable[str]) -> str:
    """A literal of several lines, each for itself readable."""
    escaped = (line.replace("\\", "\\\\").replace("'''", "\\'\\'\\'") for line in lines)
    return "'''\n" + "".join(f"{line}\n" for line in escaped) + "'''"


def source(item: Item, depth: int = 0) -> str:
    """The text of a block."""
    return "".join(f"{line}\n" for line in _lines(item, depth))


def _lines(item: Item, depth: int) -> Iterator[str]:
    indent = "    " * depth
    if isinstance(item, str):
        yield f"{indent}{item}"
        return
    yield f"{indent}{item.head} {{"
    for inner in item.items:
        yield from _lines(inner, depth + 1)
    yield f"{indent}}}"
