"""Runs a scenario with the real Pulumi engine: the CLI, a language host and providers served from this process.

The CLI is started once a run: ``pulumi up`` previews and then updates. Nothing else is started, since it is told where
the host of the program and the provider plugins listen already.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import events_pb2_grpc, language_pb2_grpc, provider_pb2_grpc

from mlops_iac.engines.layers import run_layers
from mlops_iac.engines.local.provider import Properties, Provider
from mlops_iac.engines.local.store import Store
from mlops_iac.engines.pulumi.codes import MISSING_OUTPUT
from mlops_iac.engines.pulumi.plugin_server import ProviderServer
from mlops_iac.engines.pulumi.program import register
from mlops_iac.graph.nodes import Stack
from mlops_iac.state.checkpoint import STACK_REFERENCE, STACK_TYPE
from mlops_iac.state.snapshot import Snapshot

from .cloud import Cloud
from .known import fault
from .observe import Run, Seen, plain, records
from .programs import STACK, SYSTEM, Action, Scenario, Step, order

CLI = shutil.which("pulumi")
PASSPHRASE = "parity"
PACKAGES = ("aws", "kubernetes")


class BrokenRunError(Exception):
    """A run of Pulumi broke by a fault of its own that ``known.FAULTS`` names; the text is the reason."""


class _Events(events_pb2_grpc.EventsServicer):
    """Receives the engine's events: one stream for the preview, one for the update."""

    def __init__(self) -> None:
        self.streams: list[list[dict[str, Any]]] = []

    def StreamEvents(self, requests: Any, context: Any) -> empty_pb2.Empty:
        stream: list[dict[str, Any]] = []
        self.streams.append(stream)
        stream.extend(json.loads(request.event) for request in requests)
        return empty_pb2.Empty()


class RealEngine:
    """The engine with everything around it; a context manager. ``folder`` is best on a file system in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fresh = folder / "fresh"
        self._stack: Stack | None = None
        self._cloud = Cloud()
        self._events = _Events()
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(self._program), self._server)
        events_pb2_grpc.add_EventsServicer_to_server(self._events, self._server)
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._plugins: dict[str, int] = {}
        self._servers = [self._server]
        for package in PACKAGES:
            server = grpc.server(futures.ThreadPoolExecutor(32))
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServer(package, self._factory), server)
            self._plugins[package] = server.add_insecure_port("127.0.0.1:0")
            self._servers.append(server)
        # Reads the checkpoints; one passphrase and one salt, so that the key is derived once.
        self._reader = Store(folder / "reader", environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE})

    def __enter__(self) -> RealEngine:
        for server in self._servers:
            server.start()
        self._fresh.mkdir(parents=True)
        (self._folder / "home").mkdir()
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.stop(None)

    def run(self, scenario: Scenario) -> Iterator[Run]:
        """What each step showed; raises ``BrokenRunError``. A layer has no stack before it is first run."""
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        (work / "state").mkdir(parents=True)
        self._cloud = Cloud()
        for step in scenario.steps:
            yield self._step(work, step)

    def _step(self, work: Path, step: Step) -> Run:
        for name, change in step.drift:
            self._cloud.drift(name, change)
        self._cloud.failing = step.failing
        for stack in step.chosen.values():
            self._init(work, stack.project)
        states = {layer: self._unlinked(work, stack.project) for layer, stack in step.chosen.items()}
        done = run_layers(
            order(step, states),
            lambda layer: self._layer(work, step.action, step.chosen[layer]),
            parallel=1,
            cancelled=lambda: False,
        )
        return {layer.value: seen for layer, seen in done.results.items()}

    def _init(self, work: Path, project: str) -> None:
        """Make the stack, once for all scenarios."""
        fresh, folder = self._fresh / project, work / project
        if not fresh.exists():
            (fresh / "state").mkdir(parents=True)
            (fresh / project).mkdir()
            (fresh / project / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
            self._run(fresh, project, "stack", "init", STACK)
        if not folder.exists():
            shutil.copytree(fresh, work, dirs_exist_ok=True)

    def _layer(self, work: Path, action: Action, stack: Stack) -> Seen:
        self._stack = stack
        self._cloud.calls.clear()
        self._events.streams.clear()
        here = f"127.0.0.1:{self._port}"
        options = [
            "--stack",
            STACK,
            "--event-log",
            f"tcp://{here}",
            "--client",
            here,
            "--exec-kind",
            "auto.inline",
        ]
        if action == "refresh":
            options += ["--yes", "--skip-preview"]
        elif action != "preview":
            options += ["--yes", "--continue-on-error"]
        done = self._run(work, stack.project, action, *options, check=False)
        streams = self._events.streams
        text = done.stdout + done.stderr
        # An update previews first; one that needs what another stack does not export ends where it begins.
        refused = action in ("up", "destroy") and (len(streams) < 2 or f"{MISSING_OUTPUT} stack" in text)
        reason = fault(text)
        if reason is not None:
            raise BrokenRunError(reason)
        assert "panic" not in text, text
        snapshot = self._state(work, stack.project)
        return Seen(
            {} if action == "refresh" or not streams else _steps(streams[0]),
            list(self._cloud.calls),
            refused,
            done.returncode != 0,
            records(snapshot),
            plain(snapshot.outputs),
        )

    def _state(self, work: Path, project: str) -> Snapshot:
        path = work / "state" / ".pulumi" / "stacks" / project / f"{STACK}.json"
        snapshot = self._reader.read(path.read_text(encoding="utf-8"), str(path))
        # Default providers: the program names every provider, but the engine makes one for the stack's own use.
        kept = tuple(item for item in snapshot.resources if "::default" not in item.urn)
        return replace(snapshot, resources=kept)

    def _unlinked(self, work: Path, project: str) -> Snapshot:
        """A state as ours is, which does not say what its program read: a destroy then goes by what is declared."""
        state = self._state(work, project)
        return replace(state, resources=tuple(item for item in state.resources if item.type != STACK_REFERENCE))

    def _run(self, work: Path, project: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AWS_"))}
        environment = {
            **kept,
            "PULUMI_HOME": str(self._folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{work / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in self._plugins.items()),
            "PULUMI_PYTHON_CMD": sys.executable,
        }
        done = subprocess.run(
            [str(CLI), *arguments, "--non-interactive", "--color", "never"],
            cwd=work / project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        self.output = done.stdout + done.stderr
        return done

    def _factory(self, package: str, config: Properties) -> Provider:
        return self._cloud

    def _program(self) -> None:
        assert self._stack is not None
        register(self._stack, system=SYSTEM)


def _steps(events: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The steps that a preview announces, by URN; same steps, the stack and the engine's own are left out."""
    found: dict[str, list[str]] = {}
    for event in events:
        step = event.get("resourcePreEvent", {}).get("metadata")
        if step is None or step["op"] == "same":
            continue
        if step["type"] not in (STACK_TYPE, STACK_REFERENCE) and "::default" not in step["urn"]:
            found.setdefault(step["urn"], []).append(step["op"])
    return {urn: sorted(names) for urn, names in sorted(found.items())}
