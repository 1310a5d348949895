"""What goes around a file backend: locks of dead processes, durable copies of checkpoints."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.pulumi.file_backend import FileBackend
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.graph.nodes import Layer

PROJECT = Project(Layer.DATA, "fraud-data", Path("stacks/data"), "dev")


@pytest.fixture
def backend(tmp_path: Path) -> FileBackend:
    made = FileBackend.at(f"file://{tmp_path}/state", tmp_path / "copies")
    assert made is not None
    return made


def test_other_backends_have_guarantees_of_their_own(tmp_path: Path) -> None:
    for url in ("s3://states", "https://app.pulumi.com/acme", "gs://states"):
        assert FileBackend.at(url, tmp_path) is None


def test_only_the_lock_of_a_dead_process_of_this_host_is_released(backend: FileBackend, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    folder = tmp_path / "state/.pulumi/locks/organization/fraud-data/dev"
    folder.mkdir(parents=True)
    here = socket.gethostname()
    holders = {"dead": (ended.pid, here), "live": (os.getpid(), here), "remote": (ended.pid, "other-host")}
    for name, (pid, host) in holders.items():
        (folder / f"{name}.json").write_text(json.dumps({"pid": pid, "hostname": host}))
    (folder / "broken.json").write_text("{")
    assert backend.release_dead(PROJECT) == (f"pid {ended.pid}",)
    assert sorted(path.stem for path in folder.iterdir()) == ["broken", "live", "remote"]


def test_a_checkpoint_is_copied_and_its_loss_is_noticed(backend: FileBackend) -> None:
    backend.check(PROJECT, "")
    path = backend.checkpoint(PROJECT)
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 3}')
    backend.keep(PROJECT)
    assert backend.copy(PROJECT).read_text() == '{"version": 3}'
    backend.check(PROJECT, "")
    path.write_text('{"vers')
    backend.keep(PROJECT)
    assert backend.copy(PROJECT).read_text() == '{"version": 3}', "a damaged checkpoint never replaces the copy"
    for state in ("is damaged", "is gone"):
        assert backend.is_lost(PROJECT) and backend.names(PROJECT) == {"dev"}
        with pytest.raises(DiagnosticsError, match=state) as caught:
            backend.check(PROJECT, "put it back")
        assert "`put it back`" in caught.value.diagnostics[0].hint
        assert str(backend.copy(PROJECT)) in caught.value.diagnostics[0].hint
        left = path.read_text() if path.exists() else None
        backend.put_back(PROJECT)
        assert not backend.is_lost(PROJECT) and path.read_text() == '{"version": 3}'
        damaged = path.with_name("dev.json.damaged")
        assert (damaged.read_text() if damaged.exists() else None) == left
        damaged.unlink(missing_ok=True)
        path.unlink()


@pytest.mark.parametrize(("text", "kept"), [("", False), ('{"user.con', False), ('{"user.content_type": ""}', True)])
def test_attributes_that_a_kill_cut_off_are_removed(backend: FileBackend, text: str, kept: bool) -> None:
    backend.mend(PROJECT)
    path = backend.checkpoint(PROJECT)
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 3}')
    attributes = path.with_name("dev.json.attrs")
    attributes.write_text(text)
    backend.mend(PROJECT)
    assert attributes.exists() == kept
    assert path.read_text() == '{"version": 3}'


def test_servers_are_needed_as_long_as_any_stack_of_any_environment_has_resources(backend: FileBackend) -> None:
    assert not backend.holds_resources()
    for stack, types in {
        "dev": ["pulumi:pulumi:Stack", "pulumi:providers:aws"],
        "staging": ["aws:s3/bucket:Bucket"],
    }.items():
        path = backend.checkpoint(Project(Layer.DATA, "fraud-data", Path("stacks/data"), stack))
        path.parent.mkdir(parents=True, exist_ok=True)
        resources = [{"type": type, "custom": "Stack" not in type} for type in types]
        path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}))
        assert backend.holds_resources() is (stack == "staging")
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": None}}))
    assert not backend.holds_resources()
