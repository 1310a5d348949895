"""What the stacks of a Pulumi backend hold, read and written through the CLI."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pulumi.automation import CommandError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.files import make_private_folder, read_text, temporary_folder, write_atomic
from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.codes import NO_PROJECT, NO_STACK
from mlops_iac.engines.pulumi.projects import Project, names_in
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.engines.states import Backup
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.state import checkpoint
from mlops_iac.state.snapshot import PendingOperation, ResourceState, Snapshot

BACKUPS: Final = 3
"""How many exports from before a change of ours are kept of each stack, in the system's folder."""


class PulumiStates:
    """The states of a site's projects. See ``engines.states.States`` for what is done by (project, stack)."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def snapshot(self, project: Project) -> Snapshot:
        """The state of a project's stack, empty where that does not exist.

        Secrets whose provider needs more than a passphrase stay sealed. Raises ``DiagnosticsError``.
        """
        document = self._exported(project)
        if document is None or not (document.get("deployment") or {}).get("resources"):
            return Snapshot(project.name, project.stack)
        expected = (project.name, project.stack)
        source = f"the state of {project.name}, stack {project.address}"
        return checkpoint.read(json.dumps(document), self._site.store.unseal, source=source, expected=expected)

    def snapshots(self, projects: Collection[Project]) -> list[Snapshot]:
        """The same of several, in their order."""
        with ThreadPoolExecutor(max_workers=len(LAYERS)) as pool:
            return list(pool.map(self.snapshot, projects))

    def _exported(self, project: Project) -> dict[str, Any] | None:
        self._site.check(project)
        return self._site.workspace(project).exported()

    def put(self, project: Project, text: str) -> None:
        """Put a ``pulumi stack export`` in the place of a stack's state. Raises ``DiagnosticsError``."""
        with temporary_folder(self._site.home, "import") as folder:
            file = Path(folder) / "state.json"
            file.write_text(text, encoding="utf-8")
            self._site.workspace(project).imported(str(file))

    def stacks(self) -> tuple[tuple[str, str], ...]:
        """(project, stack) of every stack that the backend has of the projects."""
        with ThreadPoolExecutor(max_workers=len(LAYERS)) as pool:
            found = [item for stacks in pool.map(self._stacks_of, self._projects()) for item in stacks]
        return tuple(sorted((item.name, item.stack) for item in found))

    def load(self, project: str, stack: str) -> Snapshot:
        """The state of a stack, empty where it does not exist."""
        return self.snapshot(self._of(project, stack))

    def exported(self, project: str, stack: str) -> str:
        """A stack's state as ``pulumi stack export`` writes it, secrets sealed."""
        found = self._exported(self._of(project, stack))
        document = found or {"version": checkpoint.VERSION, "deployment": {}}
        return json.dumps(document, indent=4, ensure_ascii=False) + "\n"

    def read(self, text: str, source: str) -> Snapshot:
        """The snapshot in a ``pulumi stack export``."""
        return checkpoint.read(text, self._site.store.unseal, source=source, only_read=True)

    def dropped(self, imported: Snapshot) -> tuple[PendingOperation, ...]:
        """All that was under way: ``pulumi stack import`` removes it."""
        return imported.pending

    def locked(self, command: str) -> AbstractContextManager[object]:
        """Hold the lock of the system's folder; a stack itself is locked by each command of the CLI."""
        return self._site.store.locked(command, force=self._site.options.force)

    def take_over(self, text: str, source: str) -> Snapshot:
        """Import an export, whole: what this program does not know of it stays."""
        imported = self.read(text, source)
        project = self._of(imported.project, imported.stack)
        if not self._site.workspace(project).exists():
            hint = f"make it once: cd {project.folder} && pulumi stack init {project.address}"
            raise DiagnosticsError([Diagnostic(NO_STACK, f"there is no stack {project.name}/{project.stack}", hint)])
        self._back_up(project)
        self.put(project, text)
        self._site.keep(project)
        return self.snapshot(project)

    def take_out(self, snapshot: Snapshot, resource: ResourceState) -> None:
        """``pulumi state delete``, which leaves everything else in the state as it is."""
        project = self._of(snapshot.project, snapshot.stack)
        self._back_up(project)
        self._site.workspace(project).forgotten(resource.urn)
        self._site.keep(project)

    def backups(self, project: str, stack: str) -> tuple[Backup, ...]:
        """The exports that were kept before each change of ours, newest first; before them the copy of a checkpoint
        that a backend of files has lost."""
        found = []
        owner = self._of(project, stack)
        backend = self._site.backend(owner)
        if backend is not None and backend.is_lost(owner):
            copy = backend.copy(owner)
            resources = self.read(read_text(copy), str(copy)).resources
            newest = max((number for number, _ in self._kept(project, stack)), default=0)
            found.append(Backup(copy, newest + 1, len(resources)))
        for number, path in self._kept(project, stack):
            try:
                snapshot = self.read(read_text(path), str(path))
            except DiagnosticsError:
                continue
            found.append(Backup(path, number, len(snapshot.resources), self.dropped(snapshot)))
        return tuple(found)

    def restore(self, project: str, stack: str) -> Backup | None:
        """Import the newest of them, or put a lost checkpoint back; what is there is kept."""
        found = self.backups(project, stack)
        if not found:
            return None
        owner = self._of(project, stack)
        backend = self._site.backend(owner)
        if backend is not None and backend.is_lost(owner):
            backend.put_back(owner)
            return found[0]
        self.take_over(read_text(found[0].path), str(found[0].path))
        return found[0]

    def _projects(self) -> list[Project]:
        """Every project, with no stack chosen."""
        self._site.refuse_no_projects()
        folder = self._site.folder
        return [Project(layer, name, folder / layer.value, "") for layer, name in names_in(folder).items()]

    def _stacks_of(self, project: Project) -> list[Project]:
        """Every stack that the backend has of a project, of whatever environment; also those whose checkpoint is lost,
        which the CLI does not list, or lists nothing for."""
        backend = self._site.backend(project)
        if backend is not None:
            named = [replace(project, stack=name) for name in backend.names(project)]
            if any(map(backend.is_lost, named)):
                return named
        try:
            listed = self._site.workspace(project).list_stacks()
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, project)]) from error
        parts = (summary.name.rpartition("/") for summary in listed)
        return [replace(project, organization=owner, stack=stack) for owner, _, stack in parts]

    def _of(self, project: str, stack: str) -> Project:
        """The stack of that name, also where the backend has none."""
        found = next((item for item in self._projects() if item.name == project), None)
        if found is None:
            names = ", ".join(item.name for item in self._projects()) or "none"
            text, hint = f"no project here is called {project!r}", f"the projects in {self._site.folder}: {names}"
            raise DiagnosticsError([Diagnostic(NO_PROJECT, text, hint)])
        there = (item for item in self._stacks_of(found) if item.stack == stack)
        return next(there, replace(found, stack=stack))

    def _back_up(self, project: Project) -> None:
        """Keep the state as it is, and of older ones the newest."""
        folder = self._folder(project.name)
        make_private_folder(folder)
        kept = self._kept(project.name, project.stack)
        number = kept[0][0] + 1 if kept else 1
        write_atomic(folder / f"{project.stack}.{number}.json", self.exported(project.name, project.stack).encode())
        for _, path in kept[BACKUPS - 1 :]:
            path.unlink(missing_ok=True)

    def _kept(self, project: str, stack: str) -> list[tuple[int, Path]]:
        """Number and path of each export that was kept, newest first."""
        found = []
        for path in self._folder(project).glob("*.json"):
            matched = re.fullmatch(rf"{re.escape(stack)}\.(\d+)\.json", path.name)
            if matched:
                found.append((int(matched[1]), path))
        return sorted(found, reverse=True)

    def _folder(self, project: str) -> Path:
        return self._site.home / "exports" / project
