"""What the stacks of a Pulumi backend hold, read and written through the CLI."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.state import checkpoint
from mlops_iac.state.snapshot import Snapshot


class PulumiStates:
    """The states of a site's projects."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def snapshot(self, project: Project) -> Snapshot:
        """The state of a project's stack, empty where that does not exist.

        Secrets whose provider needs more than a passphrase stay sealed. Raises ``DiagnosticsError``.
        """
        document = self._site.workspace(project).exported()
        if document is None or not (document.get("deployment") or {}).get("resources"):
            return Snapshot(project.name, project.stack)
        expected = (project.name, project.stack)
        source = f"the state of {project.name}, stack {project.address}"
        return checkpoint.read(json.dumps(document), self._site.store.unseal, source=source, expected=expected)

    def snapshots(self, projects: Collection[Project]) -> Iterable[Snapshot]:
        """The same of several, in their order."""
        with ThreadPoolExecutor(max_workers=len(LAYERS)) as pool:
            return list(pool.map(self.snapshot, projects))

    def exported(self, project: Project) -> str:
        """A stack's state as ``pulumi stack export`` writes it, secrets sealed."""
        return json.dumps(self._site.workspace(project).exported() or {"version": checkpoint.VERSION, "deployment": {}})

    def put(self, project: Project, text: str) -> None:
        """Put a ``pulumi stack export`` in the place of a stack's state. Raises ``DiagnosticsError``."""
        with tempfile.NamedTemporaryFile("w", dir=self._site.home, suffix=".json", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            self._site.workspace(project).imported(file.name)
