"""Commands as words, and the POSIX shell text that runs exactly them.

Every CI system expands something before the shell sees a script: ``${{ }}``, ``$( )``, ``<< >>``, ``$[ ]``. A word that
could be taken for such an expansion is split by quotes, so that its value is the same in the shell and no expansion
begins in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_OPENERS: Final = re.compile(r"(?<=[$<{\[(])(?=[$<{\[(])")


@dataclass(frozen=True, slots=True)
class Expression:
    """Shell text that is to be expanded: written by a provider's file, never made of a user's words."""

    text: str


Word = str | Expression


@dataclass(frozen=True, slots=True)
class Command:
    """One program call. ``out`` is the file that takes its standard output.

    ``status`` keeps its exit status in a shell variable of that name and goes on; without it, a failure ends the job.
    """

    words: tuple[Word, ...]
    out: str = ""
    status: str = ""


def quote(text: str) -> str:
    """``text`` as one shell word. Raises ``ValueError`` on a NUL, which no shell can pass on."""
    if "\0" in text:
        raise ValueError("a NUL cannot be passed to a program")
    if _PLAIN.fullmatch(text):
        return text
    pieces = (piece.replace("'", "'\"'\"'") for piece in _OPENERS.split(text))
    return "".join(f"'{piece}'" for piece in pieces)


def line(command: Command) -> str:
    """One command as a line of shell."""
    words = " ".join(word.text if isinstance(word, Expression) else quote(word) for word in command.words)
    out = f" > {quote(command.out)}" if command.out else ""
    kept = f" || {command.status}=$?" if command.status else ""
    return f"{words}{out}{kept}"


def script(commands: Iterable[Command]) -> tuple[str, ...]:
    """Commands as lines, for a shell that stops at the first failure; kept statuses start as 0."""
    listed = tuple(commands)
    statuses = dict.fromkeys(command.status for command in listed if command.status)
    return (*(f"{status}=0" for status in statuses), *(line(command) for command in listed))
