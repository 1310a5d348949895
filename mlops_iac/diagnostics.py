"""What went wrong, where, and what to do: the one message type of every phase.

Codes: MI1xxx compose, MI2xxx shape, MI3xxx references and meaning, MI4xxx compile,
MI5xxx policy, MI6xxx plan gates, MI7xxx engine, MI8xxx installed packages' components and policies,
MI9xxx users' own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

ConfigPath = tuple[str | int, ...]
"""Where a value sits in the composed configuration: ``("buckets", "raw", "keep")``."""


class Severity(StrEnum):
    """How bad a diagnostic is; an ``error`` stops the run after its phase."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text the user wrote; lines and columns count from 1.

    ``file`` is relative to the system's folder where the file lies below it, ``pkg:configs/...`` for a
    file shipped with the package, and ``override`` for a command-line override (then ``line`` is 1,
    ``column`` counts in the override's text, and ``text`` holds it).
    """

    file: str
    line: int
    column: int
    text: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about the user's input.

    ``message`` says what is wrong; ``hint`` says what to do. ``path`` is the configuration path it is
    about. ``related`` adds further places, such as the first of two duplicate keys.
    """

    code: str
    message: str
    hint: str = ""
    location: Location | None = None
    path: ConfigPath = ()
    severity: Severity = Severity.ERROR
    related: tuple[tuple[str, Location], ...] = ()


class DiagnosticsError(Exception):
    """Raised at the end of a phase that found at least one error; carries all it found, sorted."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = sort_diagnostics(diagnostics)
        super().__init__("; ".join(f"{d.code} {d.message}" for d in self.diagnostics))


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Stable order for printing: by place, then code, then message; exact duplicates are dropped."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(
            unique,
            key=lambda d: (
                d.location is None,
                d.location or Location("", 0, 0),
                d.code,
                d.message,
            ),
        )
    )


def raise_on_errors(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the sorted diagnostics, or raise ``DiagnosticsError`` when one of them is an error."""
    ordered = sort_diagnostics(diagnostics)
    if any(d.severity is Severity.ERROR for d in ordered):
        raise DiagnosticsError(ordered)
    return ordered


def format_path(path: ConfigPath) -> str:
    """Write a configuration path the way an override does: ``buckets.raw.rules[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
