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

from mlops_iac.engines.local.provider import Properties, Provider
from mlops_iac.engines.local.store import Store
from mlops_iac.engines.pulumi.plugin_server import ProviderServer
from mlops_iac.engines.pulumi.program import register
from mlops_iac.graph.nodes import Stack
from mlops_iac.state.snapshot import Snapshot

from .cloud import Cloud
from .known import fault
from .observe import Seen, plain, records
from .programs import PROJECT, STACK, Scenario, Step

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
        fresh = self._folder / "fresh"
        for name in ("state", "project"):
            (fresh / name).mkdir(parents=True)
        (self._folder / "home").mkdir()
        (fresh / "project" / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        self._run(fresh, "stack", "init", STACK)
        return self

    def __exit__(self, *error: object) -> None:
        for server in self._servers:
            server.stop(None)

    def run(self, scenario: Scenario) -> Iterator[Seen]:
        """What each step showed; raises ``BrokenRunError``."""
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(self._folder / "fresh", work)
        self._cloud = Cloud()
        for step in scenario.steps:
            yield self._step(work, step)

    def _step(self, work: Path, step: Step) -> Seen:
        self._stack = step.stack
        for name, change in step.drift:
            self._cloud.drift(name, change)
        self._cloud.calls.clear()
        self._cloud.failing = step.failing
        self._events.streams.clear()
        here = f"127.0.0.1:{self._port}"
        options = [
            "--stack",
            STACK,
            "--yes",
            "--event-log",
            f"tcp://{here}",
            "--client",
            here,
            "--exec-kind",
            "auto.inline",
        ]
        if step.action == "refresh":
            options += ["--skip-preview"]
        else:
            options += ["--continue-on-error"]
        done = self._run(work, step.action, *options, check=False)
        streams = self._events.streams
        refused = step.action != "refresh" and len(streams) < 2
        text = done.stdout + done.stderr
        reason = fault(text)
        if reason is not None:
            raise BrokenRunError(reason)
        assert "panic" not in text, text
        snapshot = self._state(work)
        return Seen(
            {} if step.action == "refresh" or not streams else _steps(streams[0]),
            list(self._cloud.calls),
            refused,
            done.returncode != 0,
            records(snapshot),
            plain(snapshot.outputs),
        )

    def _state(self, work: Path) -> Snapshot:
        path = work / "state" / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json"
        snapshot = self._reader.read(path.read_text(encoding="utf-8"), str(path))
        # Default providers: the program names every provider, but the engine makes one for the stack's own use.
        kept = tuple(item for item in snapshot.resources if "::default" not in item.urn)
        return replace(snapshot, resources=kept)

    def _run(self, work: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
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
            cwd=work / "project",
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
        register(self._stack, system=PROJECT.removesuffix("-data"))


def _steps(events: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The steps that a preview announces, by URN; same steps, the stack and the engine's own are left out."""
    found: dict[str, list[str]] = {}
    for event in events:
        step = event.get("resourcePreEvent", {}).get("metadata")
        if step is None or step["op"] == "same":
            continue
        if step["type"] != "pulumi:pulumi:Stack" and "::default" not in step["urn"]:
            found.setdefault(step["urn"], []).append(step["op"])
    return {urn: sorted(names) for urn, names in sorted(found.items())}
