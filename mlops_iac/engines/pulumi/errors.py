"""Shows our diagnostics as the engine shows its own errors."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pulumi

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.render.text import diagnostics_text

TRACEBACK_VARIABLE: Final = "MLOPS_IAC_TRACEBACK"
"""Environment variable that brings the traceback back."""

ALREADY_SHOWN: Final = 32
"""Exit code by which a program tells Pulumi's language host that the user has seen why it ended.

Source: https://github.com/pulumi/pulumi/blob/master/sdk/python/cmd/pulumi-language-python-exec
"""


def end_quietly_when_interrupted() -> None:
    """End the process at an interrupt, for a program of its own (not an inline one).

    The engine interrupts the program as soon as an operation fails, for example because a resource is protected;
    Python's answer would be a traceback of 30 lines below the error that matters. Nothing is lost: the engine keeps
    the state.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(ALREADY_SHOWN))


@contextmanager
def located_errors(folder: Path | None = None) -> Iterator[None]:
    """Within it, diagnostics end the program as the engine shows its own errors: without a traceback.

    ``folder`` is the system's: a line of a file in it is drawn under the message.
    """
    try:
        yield
    except DiagnosticsError as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        raise pulumi.RunError(_explained(error, folder)) from None


def _explained(error: DiagnosticsError, folder: Path | None) -> str:
    """What the engine prints after ``error: ``."""
    sources: dict[str, str] = {}
    for item in error.diagnostics:
        file = folder / item.location.file if folder is not None and item.location is not None else None
        if file is not None and item.location is not None and file.is_file():
            sources[item.location.file] = file.read_text(encoding="utf-8", errors="replace")
    return "the layer cannot be registered\n\n" + diagnostics_text(error.diagnostics, sources=sources)
