"""Writing files so that a crash, a full disk or a power cut leaves the old content or the new, never a part."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import WRITE_FAILED
from mlops_iac.state.codes import NOT_JSON, UNREADABLE

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_private_folder(path: Path) -> None:
    """Create ``path`` and its parents for this user only. Raises ``DiagnosticsError`` when that fails."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise write_failure(path, error) from error


def read_text(path: Path) -> str:
    """The text of a state or a plan. Raises ``DiagnosticsError`` naming path and cause."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        cause = error.strerror or str(error)
        raise _failure(UNREADABLE, f"cannot read {path}: {cause}", "check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise _failure(NOT_JSON, f"{path} is not UTF-8 text", "restore a backup") from error


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``: temporary file beside it, fsync, rename, fsync of the folder.

    Raises ``DiagnosticsError`` naming path and cause; the old content is then still whole.
    """
    temporary = path.with_name(temporary_name(path.name))
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise write_failure(path, error) from error


def temporary_name(name: str) -> str:
    """What a file is called that is to go with this process; ``lock.sweep`` knows by it whose it was."""
    return f".{name}.{os.getpid()}.tmp"


def temporary_folder(parent: Path, name: str) -> TemporaryDirectory[str]:
    """A folder in ``parent`` that goes when it is left; where the process dies, with the next ``lock.sweep``."""
    return TemporaryDirectory(dir=parent, prefix=f".{name}.", suffix=f".{os.getpid()}.tmp")


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte. Raises ``OSError``."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(path: Path) -> None:
    """Make a rename or a new file in ``path`` survive a power cut. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_failure(path: Path, error: OSError) -> DiagnosticsError:
    """The error to raise when ``path`` could not be written."""
    cause = error.strerror or str(error)
    return DiagnosticsError(
        [
            Diagnostic(
                WRITE_FAILED,
                f"cannot write {path}: {cause}",
                "what was there before is unharmed; free space or fix the permissions and run the command again",
            )
        ]
    )


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
