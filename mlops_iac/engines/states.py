"""The states that an engine keeps, as ``mlops-iac state`` works on them: without any configuration."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlops_iac.state.snapshot import PendingOperation, ResourceState, Snapshot


@dataclass(frozen=True, slots=True)
class Backup:
    """An older state that is whole. ``serial`` grows with each; it is the state's own where the engine counts.

    ``dropped`` is what was under way in it and is forgotten when it is restored: see ``States.dropped``.
    """

    path: Path
    serial: int
    resources: int
    dropped: tuple[PendingOperation, ...] = ()


class States(Protocol):
    """Reads and mends states by (project, stack).

    Every method raises ``DiagnosticsError`` where a state cannot be read, is damaged or cannot be written; what changes
    one is called inside ``locked`` and keeps the state before as a backup.
    """

    def stacks(self) -> tuple[tuple[str, str], ...]:
        """(project, stack) of everything that has a state, sorted."""
        ...

    def load(self, project: str, stack: str) -> Snapshot:
        """The state of a stack, empty where it was never deployed; changes nothing."""
        ...

    def exported(self, project: str, stack: str) -> str:
        """The state as ``pulumi stack import`` reads it, secrets sealed."""
        ...

    def read(self, text: str, source: str) -> Snapshot:
        """The state in a ``pulumi stack export``, sound enough to take the place of another."""
        ...

    def dropped(self, imported: Snapshot) -> tuple[PendingOperation, ...]:
        """The operations that were under way in an export and that taking it over forgets; the others are settled by
        the next apply, as after a crash."""
        ...

    def locked(self, command: str) -> AbstractContextManager[object]:
        """Keep every other run of ours away."""
        ...

    def take_over(self, text: str, source: str) -> Snapshot:
        """Put a ``pulumi stack export`` in the place of the state that it is of; answers what is there then."""
        ...

    def take_out(self, snapshot: Snapshot, resource: ResourceState) -> None:
        """Take one resource of a loaded state out of it, and leave what it stands for alone.

        ``state.removal`` says whether that may be.
        """
        ...

    def backups(self, project: str, stack: str) -> tuple[Backup, ...]:
        """The older states that are whole, newest first."""
        ...

    def restore(self, project: str, stack: str) -> Backup | None:
        """Put the newest backup in the state's place; None where there is none. What is there is kept."""
        ...
