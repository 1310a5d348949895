"""Where Pulumi's engine runs for a system: its CLI, the folder of its projects, the backend and, on a laptop, the
emulators."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines import lock
from mlops_iac.engines.events import Event, OnEvent
from mlops_iac.engines.local.emulators import EmulatorOptions, Emulators
from mlops_iac.engines.local.provider import ProviderFactory
from mlops_iac.engines.local.store import FOLDER, Store
from mlops_iac.engines.pulumi.cli import find_cli
from mlops_iac.engines.pulumi.codes import NO_PROJECT
from mlops_iac.engines.pulumi.file_backend import FileBackend
from mlops_iac.engines.pulumi.laptop import FACTORY, Laptop
from mlops_iac.engines.pulumi.plugin_server import factory_named
from mlops_iac.engines.pulumi.program import OVERRIDES_VARIABLE
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.run_pack import RunPolicies
from mlops_iac.engines.pulumi.workspace import Workspace
from mlops_iac.engines.signals import on_signals
from mlops_iac.graph.naming import STACKS
from mlops_iac.graph.nodes import LAYERS, Graph, Layer
from mlops_iac.state.snapshot import Snapshot

_FALLBACK: Final = "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"


@dataclass(frozen=True, slots=True)
class PulumiOptions:
    """How the engine runs.

    ``local``: against the emulators of this machine instead of the cloud; ``factory`` (``module:function``) then makes
    the providers. ``stacks``: folder of the projects, by default ``stacks`` beside the system's YAML. ``stack``: name
    of every layer's stack, instead of the one whose settings name the environment. ``overrides``: those that the graph
    was composed with. ``policies``: what the offline check of the graph left to be judged while the engine runs; None
    judges nothing. ``install``: let Pulumi's installer fetch a CLI where there is none.
    ``continue_on_error``: within a layer, go on with what does not depend on what failed. Not the default, as it is not
    Pulumi's, whose engine (3.260) may hang then or write an invalid state: tests/engines/parity/known.py names when.
    """

    local: bool = False
    parallel: int = 8
    stacks: Path | None = None
    stack: str | None = None
    overrides: tuple[str, ...] = ()
    policies: RunPolicies | None = None
    context: str | None = None
    factory: str = FACTORY
    install: bool = False
    continue_on_error: bool = False
    force: bool = False
    command: str = "mlops-iac"
    on_event: OnEvent = lambda event: None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class Site:
    """The system in the folder ``root``. Reads no configuration, and runs nothing by itself.

    ``theirs`` is the folder of the user's projects, ``folder`` of those that run; ``environ`` is added to the
    environment of each command. ``notes`` collects what a run has to tell beside its results.
    """

    def __init__(self, root: Path, options: PulumiOptions) -> None:
        given = options.environ
        self.root = root
        self.options = options
        self.home = root / FOLDER / "pulumi"
        self.cli = find_cli(given, install=options.install)
        self.theirs = options.stacks or root / STACKS
        self.folder = self.theirs
        self.laptop: Laptop | None = None
        self.emulators: Emulators | None = None
        self.notes: list[Diagnostic] = []
        path = given.get("PATH", "")
        self.environ: dict[str, str] = {
            OVERRIDES_VARIABLE: json.dumps(options.overrides),
            # The programs run in the Python that runs this one, whether or not its environment is activated.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), path]),
            "PULUMI_PYTHON_CMD": given.get("PULUMI_PYTHON_CMD") or sys.executable,
            # A checkout may lack what `pulumi stack init` wrote into the settings; the state names the provider too.
            _FALLBACK: given.get(_FALLBACK) or "true",
        }
        if options.local:
            self.laptop = Laptop(self.home, context=options.context, factory=options.factory)
            self.environ |= self.laptop.environ(path)
            self.emulators = Emulators(self.home, EmulatorOptions(context=options.context, environ=given))
            self.folder = self.laptop.projects
        self.store = Store(self.home, environ={**given, **self.environ})
        self._guard = threading.Lock()
        self._backends: dict[Layer, FileBackend | None] = {}

    def refuse_no_projects(self) -> None:
        """Raise ``DiagnosticsError`` where the user has no projects; a laptop gets them by its first run."""
        if self.laptop is None and not (self.folder / LAYERS[0].value / "Pulumi.yaml").exists():
            text = f"there are no Pulumi projects of this system in {self.folder}"
            hint = "`mlops-iac init` writes them for a new system; name another folder with --stacks"
            raise DiagnosticsError([Diagnostic(NO_PROJECT, text, hint)])

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold our lock and pass interrupts on to the CLI, with fresh notes."""
        self.notes = []
        self.cli.interrupted = False
        with (
            self.store.locked(self.options.command, force=self.options.force),
            on_signals(self.cli.interrupt),
        ):
            lock.sweep(self.home)
            yield

    def start_emulators(self, graph: Graph, states: Callable[[], Iterable[Snapshot]]) -> None:
        """One process starts the servers: plugins of layers that run at the same time would start one each.

        Raises ``DiagnosticsError`` where a server is gone that held resources of ``states``.
        """
        if self.emulators is None or self.options.factory != FACTORY:
            return
        hint = "`mlops-iac destroy --forget` with the same options empties the state"
        self.emulators.refuse_lost(states(), hint)
        make = self.emulators.factory()
        for node in graph.nodes():
            if node.type == "pulumi:providers:aws":
                make("aws", {"allowedAccountIds": node.inputs.get("allowedAccountIds")})
                break
        if any(node.type.startswith("kubernetes:") for node in graph.nodes()):
            make("kubernetes", {})
        self.note(self.emulators.notes)

    def emulated(self) -> ProviderFactory:
        """The providers of the emulators, in this process."""
        if self.options.factory != FACTORY:
            factory: ProviderFactory = factory_named(self.options.factory)
            return factory
        if self.emulators is None:
            raise ValueError("a cloud has no emulators")
        return self.emulators.factory()

    def workspace(self, project: Project, environ: Mapping[str, str] | None = None) -> Workspace:
        """A workspace of its own: one cannot run two commands at once."""
        return Workspace(project, self.cli, {**self.environ, **(environ or {})})

    def backend(self, project: Project) -> FileBackend | None:
        """The project's backend where it is one of files. Raises ``DiagnosticsError`` when nobody is logged in."""
        with self._guard:
            if project.layer not in self._backends:
                url = self.workspace(project).backend_url()
                self._backends[project.layer] = FileBackend.at(url, self.home / "checkpoints")
            return self._backends[project.layer]

    def check(self, project: Project) -> None:
        """Raise ``DiagnosticsError`` where a backend of files has lost the project's checkpoint."""
        backend = self.backend(project)
        if backend is not None:
            target = " --target local" if self.options.local else ""
            command = f"mlops-iac state restore {project.name} --stack {project.stack} --engine pulumi{target}"
            backend.mend(project)
            backend.check(project, command)

    def keep(self, project: Project) -> None:
        """Make what a command wrote outlive a power cut, where the backend does not see to that."""
        backend = self.backend(project)
        if backend is not None:
            backend.keep(project)

    def note(self, found: Iterable[Diagnostic]) -> None:
        """Tell something beside the results."""
        with self._guard:
            self.notes += found

    def emit(self, event: Event) -> None:
        """Pass one event on, from any thread."""
        with self._guard:
            self.options.on_event(event)
