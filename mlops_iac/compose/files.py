"""Reads the files that a configuration names: text below the system's folder, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

LARGEST_FILE: Final = 10_000_000
"""Bytes that a file may have."""


class UnreadableFileError(Exception):
    """A file that cannot be had: ``what`` ends the sentence "file ... ", ``hint`` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def resolved_inside(root: Path, relative: str) -> Path:
    """The real path of something below ``root``.

    Raises ``UnreadableFileError`` where it leads out of the folder, by ``..``, absolutely or through a symbolic link.
    """
    folder = root.resolve()
    try:
        path = (folder / relative).resolve()
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"cannot be read ({error.__class__.__name__})", "check its name") from None
    if not path.is_relative_to(folder):
        raise UnreadableFileError("is outside the system's folder", "name a file inside it")
    return path


def text_inside(root: Path, relative: str) -> str:
    """The text of a file below ``root``. Raises ``UnreadableFileError``."""
    file = resolved_inside(root, relative)
    try:
        if not file.is_file():
            raise UnreadableFileError("does not exist", f"create it below {root.resolve().name}/")
        if file.stat().st_size > LARGEST_FILE:
            raise UnreadableFileError("is larger than 10 MB", "keep data out of scripts")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UnreadableFileError("is not UTF-8 text", "save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(f"cannot be read ({error.__class__.__name__})", "check its name") from None
