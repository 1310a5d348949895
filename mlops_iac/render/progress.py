"""What an apply is doing, while it does it: one line for each finished operation, and what is running on a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TextIO

from mlops_iac.plan.model import Op
from mlops_iac.render.page import Line, Page, Span, Tone, cells, line, page_for, paragraph, spread, to_text
from mlops_iac.render.results import Step
from mlops_iac.render.text import PAST, SYMBOLS, TONES
from mlops_iac.render.visible import shorten

_ERASE: Final = "\r\x1b[2K"
_OUTCOMES: Final = {
    "failed": ("failed", Tone.ALARM),
    "recorded": ("recorded", Tone.WARN),
    "skipped": ("not tried", Tone.WARN),
    "resolved": ("resolved", Tone.NOTE),
}
_RUNNING: Final = frozenset({"started", "progress"})


def step_lines(step: Step, page: Page) -> list[Line]:
    """The lines that one event adds to a log; none for an operation that has only begun."""
    if step.kind in _RUNNING:
        return []
    op = step.op or Op.SAME
    word, tone = _OUTCOMES.get(step.kind, (PAST[op], TONES[op]))
    timed = f"{word} {step.seconds:6.1f}s" if step.seconds else f"{word}{' ' * 8}"
    head = line(Span(f"  {SYMBOLS[op] if step.op else ' ':<3} ", tone), page.visible(step.name))
    lines = spread(head, Span(timed, tone), page)
    if step.message and step.kind != "done":
        lines += paragraph(page.visible(step.message), page, first=line("      "), indent=6, tone=Tone.QUIET)
    return lines


@dataclass(slots=True)
class Progress:
    """Prints events as they come; call it with each, and ``close`` it at the end.

    On a terminal the last line shows what is running; a file or pipe gets finished operations only. ``total`` is
    how many operations were planned, 0 where that is not known.
    """

    stream: TextIO
    total: int = 0
    page: Page = field(init=False)
    live: bool = field(init=False)
    finished: int = 0
    running: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page = page_for(self.stream)
        self.live = self.stream.isatty() and self.page.color

    def __call__(self, step: Step) -> None:
        """Show one event."""
        if step.kind in _RUNNING:
            self.running[step.urn] = step.name
        else:
            self.running.pop(step.urn, None)
            self.finished += 1
        self._write(to_text(step_lines(step, self.page), self.page))

    def close(self) -> None:
        """Take the line of running operations away."""
        self.running.clear()
        self._write("")

    def _write(self, text: str) -> None:
        status = self._status() if self.live else ""
        self.stream.write((_ERASE if self.live else "") + text + status)
        self.stream.flush()

    def _status(self) -> str:
        if not self.running:
            return ""
        count = f"{self.finished}/{self.total}  " if self.total else f"{self.finished}  "
        names = ", ".join(self.page.visible(name) for name in self.running.values())
        room = self.page.width - cells(count) - 1
        return count + shorten(names, room, ascii_only=self.page.ascii_only)
