"""The engine's event stream becomes our events and results; the streams are what the real engine once said."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from pulumi_harness import CLI, GOLDEN, HERE, needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from dataclasses import replace

from local.fake import chain
from pulumi.automation.events import EngineEvent
from pulumi_world import engine, graph, prepare

from mlops_iac.diagnostics import Location
from mlops_iac.engines.events import Event, EventKind
from mlops_iac.engines.pulumi.codes import RESOURCE_FAILED
from mlops_iac.engines.pulumi.laptop import Laptop
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.graph.nodes import Stack
from mlops_iac.plan.model import Op
from mlops_iac.state.checkpoint import parse_urn

EVENTS = GOLDEN / "events"
CHANGED = chain(6, timeout=60, cidr="10.1")


def replay(name: str, stack: Stack) -> tuple[UpdateLog, list[Event]]:
    seen: list[Event] = []
    log = UpdateLog(stack, seen.append, monotonic=lambda: 1.0)
    for line in (EVENTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        log(EngineEvent.from_json(json.loads(line)))
    return log, seen


def done(log: UpdateLog) -> dict[str, Op]:
    return {outcome.name: outcome.op for outcome in log.done}


def test_a_first_apply_creates() -> None:
    log, seen = replay("up", chain(6))
    assert done(log) == dict.fromkeys(["net00", "net01", "q00", "q01"], Op.CREATE)
    assert (log.same, log.failures, log.unreached) == (0, (), {})
    for name in done(log):
        assert [event.kind for event in seen if event.name == name] == [EventKind.STARTED, EventKind.DONE]


def test_updates_and_replacements_are_told_apart_and_the_old_copy_is_no_operation() -> None:
    log, seen = replay("change", CHANGED)
    assert done(log) == {"net00": Op.REPLACE, "net01": Op.REPLACE, "q00": Op.UPDATE, "q01": Op.UPDATE}
    progress = [(event.name, event.message) for event in seen if event.kind is EventKind.PROGRESS]
    assert sorted(progress) == [(name, "the replaced copy is deleted") for name in ("net00", "net01")]


def test_what_did_not_change_is_counted_and_not_shown() -> None:
    log, seen = replay("same", CHANGED)
    assert (log.same, done(log), seen) == (4, {}, [])


def test_a_failure_is_at_its_line_and_what_depends_on_it_is_listed() -> None:
    first = chain(6)
    located = tuple(
        replace(node, source=Location("system.yaml", 9, 3), component=("buckets", "raw")) for node in first.nodes
    )
    log, seen = replay("failed", replace(first, nodes=located))
    (failure,) = log.failures
    assert failure.code == RESOURCE_FAILED
    assert "net00: create failed" in failure.message and "the cloud says no" in failure.message
    assert (str(failure.location), failure.path) == ("system.yaml:9:3", ("buckets", "raw"))
    assert [event.kind for event in seen if event.name == "net00"] == [EventKind.STARTED, EventKind.FAILED]
    assert {parse_urn(urn).name for urn in log.unreached} >= {"q00"}
    assert "net01" in done(log)


def test_a_refresh_shows_what_drifted_and_what_is_gone() -> None:
    log, _ = replay("refresh", CHANGED)
    drift = {
        item.name: (item.gone, [(change.path, change.old, change.new) for change in item.diff]) for item in log.drift
    }
    assert drift == {"q00": (False, [("visibilityTimeoutSeconds", 60, 5)]), "q01": (True, [])}


def test_an_item_between_others_is_shown_as_that() -> None:
    first, between, last = ({"name": name} for name in ("first", "between", "last"))
    log = UpdateLog(CHANGED, lambda event: None)
    for line in (EVENTS / "refresh.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        about = told.get("resOutputsEvent", {}).get("metadata", {})
        if about.get("urn", "").endswith("::q00"):
            about["old"]["inputs"] = {"rules": [first, last]}
            about["new"]["inputs"] = {"rules": [first, between, last]}
        log(EngineEvent.from_json(told))
    (drift,) = (item for item in log.drift if not item.gone)
    assert [(item.path, item.kind, item.new) for item in drift.to_read] == [("rules[1]", "add", between)]
    assert [item.path for item in drift.diff] == ["rules[1].name", "rules[2]"], "what rules decide by"


def test_a_destroy_deletes() -> None:
    log, _ = replay("destroy", CHANGED)
    assert set(done(log).values()) == {Op.DELETE}
    assert {"net00", "net01", "q00"} <= set(done(log))


def test_no_secret_is_in_what_the_engine_said() -> None:
    assert not [path for path in EVENTS.iterdir() if "correct horse" in path.read_text(encoding="utf-8")]


@needs_cli
def test_the_streams_are_recorded(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written anew with ``--update-golden``; otherwise only that the engine still says as many steps."""
    prepare(tmp_path)
    monkeypatch.setenv("WORLD", str(tmp_path / "world"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[2])]))
    engine(tmp_path)
    laptop = Laptop(tmp_path / ".mlops-iac" / "pulumi", factory="pulumi_world:make")

    def pulumi(*arguments: str) -> int:
        command = [str(CLI), *arguments, "--stack", "dev", "--non-interactive"]
        debug = {"PULUMI_DEBUG_COMMANDS": "true"}
        environ = {**os.environ, **laptop.environ(os.environ["PATH"]), **debug}
        return subprocess.run(command, cwd=laptop.projects / "data", env=environ, capture_output=True).returncode

    def record(name: str, *arguments: str, ok: bool = True) -> None:
        log = tmp_path / f"{name}.jsonl"
        assert (pulumi(*arguments, "--yes", "--event-log", str(log)) == 0) is ok, name
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        text = "".join(f"{json.dumps({**event, 'timestamp': 0}, sort_keys=True)}\n" for event in events)
        golden = EVENTS / f"{name}.jsonl"
        if request.config.getoption("--update-golden", default=False):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text, encoding="utf-8")
        assert sorted(_steps(text)) == sorted(_steps(golden.read_text(encoding="utf-8")))

    up = ("up", "--skip-preview", "--parallel", "1")
    assert pulumi("stack", "init", "--no-select") == 0
    graph(tmp_path, chain(6))
    monkeypatch.setenv("WORLD_FAIL", "::net00")
    record("failed", *up, "--continue-on-error", ok=False)
    monkeypatch.delenv("WORLD_FAIL")
    assert pulumi("destroy", "--yes", "--skip-preview") == 0
    record("up", *up)
    graph(tmp_path, CHANGED)
    record("change", *up)
    record("same", *up)
    queue = tmp_path / "world" / "objects" / "q00.json"
    item = json.loads(queue.read_text())
    queue.write_text(json.dumps({**item, "inputs": {**item["inputs"], "visibilityTimeoutSeconds": 5}}))
    (tmp_path / "world" / "objects" / "q01.json").unlink()
    record("refresh", "refresh", "--skip-preview")
    record("destroy", "destroy", "--skip-preview")


def _steps(text: str) -> list[tuple[str, str]]:
    found = (json.loads(line).get("resOutputsEvent") for line in text.splitlines())
    return [(event["metadata"]["op"], event["metadata"]["urn"]) for event in found if event]
