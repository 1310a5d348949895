"""What Pulumi's file backend lacks: a lock that a dead holder does not keep, and a checkpoint that outlives power loss.

The backend locks by writing a file that nobody removes when its process is killed, renames checkpoints without fsync,
and cannot read one whose file of attributes was cut off by a kill. Around every change the stack's checkpoint is
therefore made durable, with a copy in the system's folder; a lock whose process on this host is dead is released, and
attributes that were cut off are removed.
Sources: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go and, for the attributes,
https://pkg.go.dev/gocloud.dev/blob/fileblob
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.files import make_private_folder, sync_folder, write_atomic
from mlops_iac.engines.lock import process_start
from mlops_iac.engines.pulumi.codes import CHECKPOINT_LOST
from mlops_iac.engines.pulumi.projects import Project

_ENDING: Final = 10.0
"""Seconds that an engine may take to end once its plugins have."""


class FileBackend:
    """The backend below ``root``, with copies of checkpoints below ``copies``."""

    def __init__(self, root: Path, copies: Path) -> None:
        self._root = root / ".pulumi"
        self._copies = copies

    @classmethod
    def at(cls, url: str, copies: Path) -> FileBackend | None:
        """The backend that ``url`` names; None for another kind, which has its own guarantees."""
        parsed = urlparse(url)
        if parsed.scheme != "file":
            return None
        place = unquote(parsed.netloc + parsed.path)
        return cls(Path(place).expanduser().resolve(), copies)

    def checkpoint(self, project: Project) -> Path:
        """The file that holds the stack's state."""
        return self._root / "stacks" / project.name / f"{project.stack}.json"

    def copy(self, project: Project) -> Path:
        """Our copy of it."""
        return self._copies / project.name / f"{project.stack}.json"

    def names(self, project: Project) -> set[str]:
        """The stacks of a project that have a checkpoint, whole or not, or a copy of one."""
        folders = (file(project).parent for file in (self.checkpoint, self.copy))
        return {path.stem for folder in folders for path in folder.glob("*.json")}

    def is_lost(self, project: Project) -> bool:
        """Whether the checkpoint is gone or was cut off, and a copy of it is whole."""
        return self.copy(project).exists() and not _is_whole(self.checkpoint(project))

    def check(self, project: Project, command: str) -> None:
        """Raise ``DiagnosticsError`` where the checkpoint is lost; ``command`` puts it back."""
        if not self.is_lost(project):
            return
        path, copy = self.checkpoint(project), self.copy(project)
        state = "is gone" if not path.exists() else "is damaged"
        raise DiagnosticsError(
            [
                Diagnostic(
                    CHECKPOINT_LOST,
                    f"the checkpoint {path} {state}; a copy of it from before is whole",
                    f"`{command}` puts that back; or delete {copy} when the stack was removed on purpose",
                )
            ]
        )

    def put_back(self, project: Project) -> None:
        """Put the copy in a lost checkpoint's place; what is left of that is kept with the suffix ``.damaged``."""
        path = self.checkpoint(project)
        make_private_folder(path.parent)
        if path.exists():
            path.replace(path.with_name(f"{path.name}.damaged"))
        self.mend(project)
        write_atomic(path, self.copy(project).read_bytes())

    def mend(self, project: Project) -> None:
        """Remove attributes of the checkpoint that were cut off: they say nothing of the state, and it is not read with
        them."""
        checkpoint = self.checkpoint(project)
        attributes = checkpoint.with_name(f"{checkpoint.name}.attrs")
        if attributes.exists() and not _is_whole(attributes):
            attributes.unlink(missing_ok=True)

    def keep(self, project: Project) -> None:
        """Make the checkpoint survive a power cut, and copy it. Raises ``DiagnosticsError`` when that fails."""
        path = self.checkpoint(project)
        if not _is_whole(path):
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
        copy = self.copy(project)
        make_private_folder(copy.parent)
        write_atomic(copy, path.read_bytes())

    def holds_resources(self) -> bool:
        """Whether any stack of any project has a resource that some provider manages."""
        for path in (self._root / "stacks").glob("*/*.json"):
            try:
                latest = json.loads(path.read_bytes())["checkpoint"]["latest"] or {}
                types = [item["type"] for item in latest.get("resources") or () if item.get("custom")]
            except (OSError, ValueError, KeyError, TypeError):
                return True
            if any(not type.startswith("pulumi:") for type in types):
                return True
        return False

    def release_dead(self, project: Project) -> tuple[str, ...]:
        """Remove locks whose process on this host is dead; answers who held them."""
        dead = {path: pid for path, pid in self._holders(project) if process_start(pid) is None}
        for path in dead:
            path.unlink(missing_ok=True)
        return tuple(f"pid {pid}" for pid in dead.values())

    def wait_until_released(self, project: Project) -> None:
        """Wait a little for processes of this host that hold the stack, and are known to be about to end."""
        deadline = time.monotonic() + _ENDING
        while any(process_start(pid) is not None for _, pid in self._holders(project)) and time.monotonic() < deadline:
            threading.Event().wait(0.1)

    def _holders(self, project: Project) -> Iterator[tuple[Path, int]]:
        """The locks of processes of this host."""
        for path in sorted((self._root / "locks").glob(f"*/{project.name}/{project.stack}/*.json")):
            try:
                holder = json.loads(path.read_text(encoding="utf-8"))
                pid, host = int(holder["pid"]), str(holder["hostname"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if host == socket.gethostname():
                yield path, pid


def _is_whole(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (OSError, ValueError):
        return False
