"""Asks git about the repository around a system's folder."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it fails: no repository, no such commit, no git."""
    try:
        finished = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        return None
    return finished.stdout if finished.returncode == 0 else None
