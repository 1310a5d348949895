"""Generated files on disk: compared, written, and never over a file that somebody wrote by hand."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlops_iac.delivery.project import Project
from mlops_iac.delivery.provider import GENERATED, Provider
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

FOREIGN_FILE: Final = "MI7302"
"""The file that delivery would write exists, and was not written by it."""
UNFIT_FOLDER: Final = "MI7303"
"""The system's folder cannot be named in a CI file: it is outside the repository, or has control characters."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A file that is not what the system says; ``diff`` is a unified diff from what is there."""

    path: str
    diff: str


def delivery_files(project: Project, provider: Provider) -> dict[str, str]:
    """Path below the repository's root and text of everything that the provider needs."""
    return {provider.file.format(system=project.system): provider.render(project)}


def folder_in(root: Path, folder: Path) -> str:
    """The system's folder as CI files name it, from the repository's root.

    Raises ``DiagnosticsError`` where it is not inside, or has characters that do not belong on a line.
    """
    try:
        found = folder.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        text, hint = f"{folder} is not inside the repository {root}", "give the repository's folder with --root"
        raise DiagnosticsError([Diagnostic(UNFIT_FOLDER, text, hint)]) from None
    if not found.isprintable():
        text = f"the folder {found!r} has a control character in its name, which CI files cannot hold"
        raise DiagnosticsError([Diagnostic(UNFIT_FOLDER, text, "rename it")])
    return found


def stale(root: Path, files: Mapping[str, str]) -> tuple[Stale, ...]:
    """What differs from ``files`` below ``root``."""
    found = []
    for path, text in files.items():
        there = _read(root / path)
        if there != text:
            lines = difflib.unified_diff(
                there.splitlines(keepends=True), text.splitlines(keepends=True), path, f"{path} (from system.yaml)"
            )
            found.append(Stale(path, "".join(lines)))
    return tuple(found)


def write(root: Path, files: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
    """Write what differs, and say which; raises ``DiagnosticsError``, before any write, on a file of somebody's own."""
    differing = [item.path for item in stale(root, files)]
    foreign = [path for path in differing if (there := _read(root / path)) and GENERATED not in there[:200]]
    if foreign and not force:
        raise DiagnosticsError(
            Diagnostic(
                FOREIGN_FILE,
                f"{path} exists and was not written by `mlops-iac delivery`",
                "move it away, or give --force to replace it",
            )
            for path in foreign
        )
    for path in differing:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return tuple(differing)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
