"""Plugins that outlive their engine: a call that was under way when the engine was killed still takes effect.

A plugin holds a lock in its project's folder while it runs, which the kernel drops with the process. Whoever settles
what a dead run had begun waits for it first: what is not there yet may be about to be.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from mlops_iac.engines.files import FILE_MODE

NAME: Final = ".plugins.lock"
PATIENCE: Final = 300.0
"""Seconds to wait: an engine whose caller is dead may finish its whole layer."""


def _pause() -> None:
    threading.Event().wait(0.1)


def hold(folder: Path) -> None:
    """Say that this process works for the project in ``folder``, until it ends. A folder that is read-only is not
    marked."""
    with suppress(OSError):
        fcntl.flock(_open(folder), fcntl.LOCK_SH)


def wait_until_unused(folder: Path, patience: float = PATIENCE, pause: Callable[[], None] = _pause) -> bool | None:
    """Return when no process works for the project: True when one did. None when one still does after ``patience``.

    ``pause`` is what happens between two looks.
    """
    if not folder.is_dir():
        return False
    deadline = time.monotonic() + patience
    waited = False
    descriptor = _open(folder)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = True
                if time.monotonic() > deadline:
                    return None
                pause()
            else:
                return waited
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    return os.open(folder / NAME, os.O_RDWR | os.O_CREAT, FILE_MODE)
