"""Lines of styled text, and the page that they are written for.

Layout is decided here, in plain characters; Rich only adds colour, and is imported only when there is any.
"""

from __future__ import annotations

import os
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from mlops_iac.render.visible import visible

DEFAULT_WIDTH = 80
_NARROWEST = 40
_WIDEST = 160


class Tone(StrEnum):
    """What a piece of text means, as a Rich style."""

    PLAIN = ""
    QUIET = "dim"
    STRONG = "bold"
    GOOD = "green"
    CHANGED = "yellow"
    BAD = "red"
    REPLACED = "magenta"
    ALARM = "bold red"
    WARN = "bold yellow"
    NOTE = "bold cyan"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
"""One line of output, without its end."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is written on: how wide it is, and what it can show."""

    width: int = DEFAULT_WIDTH
    color: bool = False
    ascii_only: bool = False

    def visible(self, text: str) -> str:
        """Foreign text, harmless and showable on this page."""
        return visible(text, ascii_only=self.ascii_only)


PLAIN_PAGE = Page()
"""80 columns without colour: what a file or a log gets."""


def page_for(stream: TextIO, environ: Mapping[str, str] | None = None) -> Page:
    """The page that ``stream`` is: the terminal's width and colours, or 80 plain columns for a file or pipe.

    ``NO_COLOR`` (https://no-color.org), ``FORCE_COLOR``, ``TERM=dumb`` and ``COLUMNS`` are obeyed.
    """
    env = os.environ if environ is None else environ
    terminal = stream.isatty()
    columns = env.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() and int(columns) else DEFAULT_WIDTH
    if terminal and not columns.isdigit():
        width = shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    wanted = bool(env.get("FORCE_COLOR")) or (terminal and env.get("TERM") != "dumb")
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("_", "-")
    return Page(
        width=min(max(width, _NARROWEST), _WIDEST),
        color=wanted and not env.get("NO_COLOR"),
        ascii_only=not encoding.startswith("utf"),
    )


def line(*parts: str | Span) -> Line:
    """A line of these parts; plain strings have no tone."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def spread(left: Line, right: Span, page: Page) -> list[Line]:
    """``left`` and ``right`` at the two edges of one line; on two lines where they do not fit."""
    used = length(left)
    if not right.text:
        return [left]
    gap = page.width - used - cells(right.text)
    if gap < 2:
        return [left, (Span(" " * max(page.width - cells(right.text), 0)), right)]
    return [(*left, Span(" " * gap), right)]


def paragraph(text: str, page: Page, *, first: Line = (), indent: int = 0, tone: Tone = Tone.PLAIN) -> list[Line]:
    """``text`` wrapped at spaces after ``first``, further lines indented; a word is never broken."""
    start = length(first)
    room = max(page.width - indent, 20)
    # Stands in for `first`, which textwrap must leave room for and never break.
    filler = "\0" * max(start - indent, 0)
    rows = textwrap.wrap(filler + text, room, break_long_words=False, break_on_hyphens=False, drop_whitespace=True) or [
        filler
    ]
    lines: list[Line] = []
    for number, row in enumerate(rows):
        body = Span(row.lstrip("\0"), tone)
        lines.append((*first, body) if number == 0 else (Span(" " * indent), body))
    return lines


def length(parts: Line) -> int:
    """How many columns a line takes."""
    return sum(cells(part.text) for part in parts)


def cells(text: str) -> int:
    """How many columns a text takes: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def to_text(lines: Iterable[Line], page: Page) -> str:
    """The lines as text that ends in a newline, coloured where the page is."""
    rows = [_stripped(parts) for parts in lines]
    if not rows:
        return ""
    if not page.color:
        return "".join("".join(part.text for part in parts) + "\n" for parts in rows)
    return _colored(rows)


def _stripped(parts: Line) -> Line:
    kept = list(parts)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[-1] = Span(kept[-1].text.rstrip(), kept[-1].tone)
    return tuple(kept)


def _colored(rows: Iterable[Line]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    stream = StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", legacy_windows=False)
    for parts in rows:
        text = Text.assemble(*((part.text, part.tone.value) for part in parts), no_wrap=True)
        console.print(text, soft_wrap=True, highlight=False)
    return stream.getvalue()
