"""The engine behind our verbs: the real CLI by the Automation API, over a provider whose objects are files."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi_harness import needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from local.fake import NAMED, UNNAMED, chain, key, node
from local.fake import stack as stack_of
from pulumi_world import drive, engine, graph, world
from result_shape import check_shape

from mlops_iac.diagnostics import DiagnosticsError, Location
from mlops_iac.engines.codes import PROTECTED
from mlops_iac.engines.events import Event, EventKind, OwnPreview
from mlops_iac.engines.pulumi.codes import CHECKPOINT_LOST, DISAGREEMENT, NO_PIP, RESOURCE_FAILED, STACK_LOCKED
from mlops_iac.graph.nodes import Node
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Change, Op
from mlops_iac.state.checkpoint import parse_urn

pytestmark = needs_cli


def names(root: Path) -> list[str]:
    return sorted(parse_urn(item["urn"]).name for item in world(root).objects().values())


def test_the_life_of_a_system(root: Path) -> None:
    events: list[Event] = []
    runs = engine(root, on_event=events.append)
    first = graph(root, chain(8))
    made = runs.up(first)
    assert made.ok, made.failures
    assert made.summary() == {**dict.fromkeys(Op, 0), Op.CREATE: 6}
    check_shape("up", made)
    assert {event.kind for event in events} == {EventKind.STARTED, EventKind.DONE}
    assert names(root) == ["net00", "net01", "net02", "q00", "q01", "q02"]
    assert made.stacks[0].outputs == {"first": "arn:aws:fake:::q00"}
    assert oct((root / ".mlops-iac" / "passphrase").stat().st_mode)[-3:] == "600"
    state = "".join(path.read_text() for path in (root / ".mlops-iac").rglob("*.json"))
    assert "correct horse" not in state

    again = runs.up(first)
    assert again.ok and again.summary() == {**dict.fromkeys(Op, 0), Op.SAME: 6}

    second = graph(root, chain(8, timeout=60, cidr="10.1"))
    plan = plan_graph(second, runs.snapshots(second), "the state")
    assert runs.own_preview(plan, second) == OwnPreview()
    planned = {c.urn: c.op for s in plan.stacks for c in s.changes if _is_told(c) and c.op is not Op.SAME}
    changed = runs.up(second)
    assert changed.ok, changed.failures
    assert {outcome.urn: outcome.op for outcome in changed.stacks[0].done} == planned
    assert set(planned.values()) == {Op.REPLACE, Op.UPDATE}

    for path in (root / "world" / "objects").glob("q01.json"):
        item = json.loads(path.read_text())
        item["inputs"]["visibilityTimeoutSeconds"] = 5
        path.write_text(json.dumps(item))
    (root / "world" / "objects" / "q02.json").unlink()
    before = runs.states.exported("fraud-data", "dev")
    looked = runs.look(second)
    assert looked.ok and runs.states.exported("fraud-data", "dev") == before
    assert {item.name: item.actual.get("visibilityTimeoutSeconds") for item in looked.stacks[0].drift}["q01"] == 5
    few = runs.look(second, urns=[item.urn for item in looked.stacks[0].drift if item.gone])
    assert [(item.name, item.gone) for item in few.stacks[0].drift] == [("q02", True)]
    assert runs.look(second, urns=()).stacks == ()
    assert runs.look(replace(second, stacks=())).stacks[0].drift == looked.stacks[0].drift, "of a lost layer too"
    refreshed = runs.refresh(second)
    check_shape("refresh", refreshed)
    for result in (looked, refreshed):
        drift = {item.name: (item.gone, [change.path for change in item.diff]) for item in result.stacks[0].drift}
        assert drift == {"q01": (False, ["visibilityTimeoutSeconds"]), "q02": (True, [])}
    mended = runs.up(second)
    assert mended.ok, mended.failures
    assert {outcome.name: outcome.op for outcome in mended.stacks[0].done} == {"q01": Op.UPDATE, "q02": Op.CREATE}

    gone = runs.destroy(second)
    check_shape("destroy", gone)
    assert gone.ok and gone.summary()[Op.DELETE] == 6 and names(root) == []
    assert runs.snapshots(second) == {}


def _is_told(change: Change) -> bool:
    return change.custom and not change.type.startswith("pulumi:")


def located(name: str, **options: Any) -> Node:
    made = node(NAMED, name, {"name": name}, **options)
    return replace(made, component=("buckets", name), source=Location("system.yaml", 7, 3))


def test_a_failure_is_located_and_stops_only_what_depends_on_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_FAIL", "::bad")
    runs = engine(root, continue_on_error=True)
    after = node(UNNAMED, "after", {"vpcId": "v"}, depends_on=(key(NAMED, "bad"),))
    result = runs.up(graph(root, stack_of(located("bad"), after, located("other"))))
    assert not result.ok and not result.stopped
    (failure,) = result.failures
    assert failure.code == RESOURCE_FAILED
    assert "create failed" in failure.message and "the cloud says no" in failure.message
    assert (str(failure.location), failure.path) == ("system.yaml:7:3", ("buckets", "bad"))
    assert names(root) == ["other"]
    assert [parse_urn(urn).name for urn in result.stacks[0].skipped] == ["after"]
    check_shape("up", result)


def test_a_layer_stops_at_its_first_failure_by_itself(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi registers what is independent in no certain order, so some of the others may come before what fails."""
    monkeypatch.setenv("WORLD_FAIL", "::bad")
    runs = engine(root, parallel=1)
    others = [f"other-{number}" for number in range(8)]
    made = graph(root, stack_of(*map(located, ("bad", *others))))
    result = runs.up(made)
    assert [failure.code for failure in result.failures] == [RESOURCE_FAILED]
    left = [parse_urn(urn).name for urn in result.stacks[0].skipped]
    assert left
    assert sorted([*names(root), *left]) == others
    assert [parse_urn(urn).name for verb, urn in world(root).calls() if verb == "create"][-1] == "bad"
    monkeypatch.delenv("WORLD_FAIL")
    assert runs.up(made).ok
    assert names(root) == ["bad", *others]


def test_an_environment_without_pip_is_told_with_the_way_to_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "none").mkdir()
    (root / "none" / "pip.py").write_text("raise ModuleNotFoundError('No module named pip')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "none"), os.environ["PYTHONPATH"]]))
    (failure,) = engine(root).up(graph(root, stack_of(located("one")))).failures
    assert failure.code == NO_PIP and "uv pip install pip" in failure.hint
    assert names(root) == []


def test_a_protected_resource_is_refused_before_anything_is_deleted(root: Path) -> None:
    runs = engine(root)
    made = graph(root, stack_of(node(NAMED, "kept", {"name": "kept"}, protect=True), located("other")))
    assert runs.up(made).ok
    with pytest.raises(DiagnosticsError) as caught:
        runs.destroy(made)
    assert [item.code for item in caught.value.diagnostics] == [PROTECTED]
    assert names(root) == ["kept", "other"]


def test_what_the_engine_would_do_otherwise_is_said(root: Path) -> None:
    runs = engine(root)
    made = graph(root, stack_of(located("one")))
    assert runs.up(made).ok
    claimed = plan_graph(made, {}, "nothing, although it is deployed")
    (found,) = runs.own_preview(claimed, made).diagnostics
    assert found.code == DISAGREEMENT and "the plan says create, the engine same" in found.message
    assert str(found.location) == "system.yaml:7:3"


def test_a_lost_checkpoint_is_not_an_empty_stack(root: Path) -> None:
    runs = engine(root)
    made = graph(root, stack_of(located("one")))
    assert runs.up(made).ok
    checkpoint = root / ".mlops-iac/pulumi/backend/.pulumi/stacks/fraud-data/dev.json"
    text = checkpoint.read_bytes()
    for damage in (checkpoint.unlink, lambda: checkpoint.write_bytes(text[: len(text) // 2])):
        damage()
        with pytest.raises(DiagnosticsError) as caught:
            runs.up(made)
        assert caught.value.diagnostics[0].code == CHECKPOINT_LOST
    checkpoint.write_bytes((root / ".mlops-iac/pulumi/checkpoints/fraud-data/dev.json").read_bytes())
    assert runs.up(made).summary()[Op.SAME] == 1


def test_a_live_lock_is_kept_and_cancel_releases_it(root: Path) -> None:
    runs = engine(root)
    made = graph(root, stack_of(located("one")))
    assert runs.up(made).ok
    lock = root / ".mlops-iac/pulumi/backend/.pulumi/locks/organization/fraud-data/dev/x.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = {
        "pid": os.getppid(),
        "username": "u",
        "hostname": os.uname().nodename,
        "timestamp": "2026-01-01T00:00:00Z",
    }
    lock.write_text(json.dumps(holder))
    result = runs.up(made)
    assert [item.code for item in result.failures] == [STACK_LOCKED]
    assert lock.exists()
    assert runs.cancel(made) == ("fraud-data, stack dev",)
    assert runs.up(made).ok


def test_an_interrupt_finishes_what_is_in_flight_and_starts_nothing_new(root: Path) -> None:
    run = drive(root, "chain(8)", WORLD_WAIT="::net00")
    waiting = root / "world" / "waiting"
    while not waiting.exists():
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    _until_delivered(run.pid)
    (root / "world" / "go").touch()
    output, _ = run.communicate()
    assert output.strip() == "stopped"
    made = graph(root, chain(8))
    state = engine(root).snapshots(made)["fraud-data"]
    assert not state.pending
    known = sorted(
        parse_urn(item.urn).name for item in state.resources if item.custom and item.type != "pulumi:providers:aws"
    )
    assert known == names(root) and len(known) < 6


def _until_delivered(pid: int) -> None:
    """Return when the process has taken every signal that was sent to it."""
    status = Path(f"/proc/{pid}/status")
    while any(
        int(line.split()[1], 16) for line in status.read_text().splitlines() if line.startswith(("SigPnd", "ShdPnd"))
    ):
        pass
