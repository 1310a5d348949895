"""Finds and reads configuration files: the user's folder first, then the groups that the package ships.

The only module of the phase that touches the file system. A name is checked before it becomes a path, and
the real path (after symbolic links) must stay below the folder it was looked up in: Hydra itself reads
``../../etc/x``.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mlops_iac.compose import codes
from mlops_iac.compose.findings import Findings
from mlops_iac.compose.limits import Limits
from mlops_iac.compose.tree import Place, Source
from mlops_iac.diagnostics import Location

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")
SUFFIX = ".yaml"
_Filter: TypeAlias = "Callable[[os.DirEntry[str]], bool]"


@dataclass(frozen=True, slots=True)
class Root:
    """A folder to look configuration up in; ``prefix`` is how its files are called in diagnostics."""

    folder: Path
    prefix: str = ""

    def label(self, name: str) -> str:
        """What diagnostics call the file ``name``."""
        return f"{self.prefix}{name}{SUFFIX}"


def package_root() -> Root | None:
    """The groups that the package ships: beside the modules in a wheel, at the top in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "configs", package.parent / "configs"):
        if folder.is_dir():
            return Root(folder, "pkg:configs/")
    return None


def is_safe_name(name: str) -> bool:
    """Whether ``env/prod`` is made of plain names, so that it cannot leave the folder it is looked up in."""
    return all(_NAME.fullmatch(part) for part in name.split("/"))


@dataclass(frozen=True, slots=True)
class Library:
    """The folders in the order in which they are searched."""

    roots: tuple[Root, ...]
    limits: Limits

    def find(self, name: str) -> Iterator[Root]:
        """The roots that have the file ``name``, in order."""
        for root in self.roots:
            if os.path.lexists(root.folder / f"{name}{SUFFIX}"):
                yield root

    def has_group(self, name: str) -> bool:
        """Whether some root has a folder ``name``."""
        return is_safe_name(name) and any((root.folder / name).is_dir() for root in self.roots)

    def options(self, group: str) -> tuple[str, ...]:
        """The options of a group over all roots; without a group, the files of the roots themselves."""
        return self._list(group, lambda entry: entry.name.endswith(SUFFIX))

    def groups(self, parent: str = "") -> tuple[str, ...]:
        """The folders directly below ``parent`` that hold configuration."""
        return self._list(parent, _is_group)

    def read(self, root: Root, name: str, asked_at: Place | None, findings: Findings) -> Source | None:
        """The text of a file, or None after reporting why it cannot be had."""
        label = root.label(name)
        content = _read_bytes(root, name, self.limits, asked_at or Location(label, 1, 1), findings)
        if content is None:
            return None
        text = _decode(label, content, findings)
        if text is None:
            return None
        group, _, option = name.rpartition("/")
        return Source(label, text, group=f"{group}={option}" if group else None)

    def _list(self, folder: str, wanted: _Filter) -> tuple[str, ...]:
        if folder and not is_safe_name(folder):
            return ()
        found: set[str] = set()
        for root in self.roots:
            directory = root.folder / folder
            if directory.is_dir() and _is_below(directory, root.folder):
                with os.scandir(directory) as entries:
                    found.update(entry.name.removesuffix(SUFFIX) for entry in entries if wanted(entry))
        return tuple(sorted(found))


def _is_group(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False) or not _NAME.fullmatch(entry.name):
        return False
    with os.scandir(entry.path) as inner:
        return any(file.name.endswith(SUFFIX) for file in inner)


def _is_below(path: Path, folder: Path) -> bool:
    return _real(path).is_relative_to(_real(folder))


def _real(path: Path) -> Path:
    """Without symbolic links; unlike ``Path.resolve``, leaves a link to itself for ``open`` to complain about."""
    return Path(os.path.realpath(path))


def _read_bytes(root: Root, name: str, limits: Limits, asked_at: Place | Location, findings: Findings) -> bytes | None:
    return read_below(
        root.folder, root.folder / f"{name}{SUFFIX}", root.label(name), limits.file_bytes, asked_at, findings
    )


def read_below(
    folder: Path, path: Path, label: str, limit: int, asked_at: Place | Location, findings: Findings
) -> bytes | None:
    """The content of a regular file whose real path is below ``folder``, or None after reporting why not.

    ``label`` is what diagnostics call it, ``limit`` how many bytes it may have, ``asked_at`` who names it.
    """
    if not _is_below(path, folder):
        linked = Path(os.path.normpath(path)).is_relative_to(folder)
        findings.error(
            codes.OUTSIDE_ROOT,
            f"{label} is a symbolic link to a place outside its folder" if linked else f"{label} is outside the folder",
            "Put the file itself into the folder.",
            asked_at,
        )
        return None
    try:
        # Not blocking: a named pipe in the folder must not make the run wait for a writer.
        descriptor = os.open(_real(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            content = b"" if status.st_size > limit else file.read(limit + 1)
    except OSError as error:
        findings.error(
            codes.UNREADABLE,
            f"{label} cannot be read: {(error.strerror or str(error)).lower()}",
            "Check that it is a file and that you may read it.",
            asked_at,
        )
        return None
    if max(status.st_size, len(content)) > limit:
        findings.error(
            codes.TOO_LARGE,
            f"{label} is larger than {limit:,} bytes",
            "Split the system into several, each with its own folder; of another tool, export only the outputs.",
            Location(label, 1, 1),
        )
        return None
    return content


def _decode(label: str, content: bytes, findings: Findings) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        hint = "Save the file as UTF-8."
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            hint = "The file looks like UTF-16: save it as UTF-8."
        findings.error(
            codes.NOT_UTF8,
            f"the file is not UTF-8: byte 0x{content[error.start]:02X} at offset {error.start}",
            hint,
            Location(label, before.count(b"\n") + 1, column),
        )
        return None
