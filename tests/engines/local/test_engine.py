"""The local target end to end: several layers, a real moto server, its loss, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.codes import NOT_TRIED
from mlops_iac.engines.local import moto_server
from mlops_iac.engines.local.aws.session import Session
from mlops_iac.engines.local.codes import EMULATOR_GONE, NOT_LOOPBACK
from mlops_iac.engines.local.engine import LocalEngine, LocalOptions
from mlops_iac.engines.lock import process_start
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.state.edits import key_of

AWS = "pulumi:providers:aws"
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
TOPIC = "aws:sns/topic:Topic"
ALARM = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


def layer(layer: Layer, outputs: Mapping[str, Value], *nodes: tuple[str, str, dict[str, Value]]) -> Stack:
    provider = NodeKey(layer.value, AWS, "aws")
    made = [Node(provider, {"region": "eu-central-1", "allowedAccountIds": ["111122223333"]})]
    for type, name, inputs in nodes:
        made.append(Node(NodeKey(layer.value, type, name), inputs, Options(provider=provider)))
    return Stack(layer, f"fraud-{layer.value}", "dev", tuple(made), outputs)


def system(status: str = "Enabled", *, operations: bool = True) -> Graph:
    topic = NodeKey("foundation", TOPIC, "alerts")
    bucket = NodeKey("data", BUCKET, "raw")
    stacks = [
        layer(Layer.FOUNDATION, {"topic": Ref(topic, ("arn",))}, (TOPIC, "alerts", {"name": "alerts"})),
        layer(
            Layer.DATA,
            {"bucket": Ref(bucket, ("arn",))},
            (BUCKET, "raw", {"bucket": "fraud-raw", "tags": {"topic": StackOutput("foundation", "topic")}}),
            (
                VERSIONING,
                "raw.versioning",
                {"bucket": Ref(bucket, ("id",)), "versioningConfiguration": {"status": status}},
            ),
        ),
    ]
    if operations:
        alarm = {"alarmName": "all", "alarmRule": "TRUE", "alarmActions": [StackOutput("foundation", "topic")]}
        stacks.append(layer(Layer.OPERATIONS, {}, (ALARM, "all", alarm)))
    return Graph("fraud", "dev", tuple(stacks))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LocalEngine]:
    engine = LocalEngine(tmp_path, LocalOptions(environ={}))
    yield engine
    engine.stop()


def test_the_life_of_a_system(engine: LocalEngine) -> None:
    first = engine.up(system())
    assert first.ok and first.summary()[Op.CREATE] == 4
    assert [outcome.type for stack in first.stacks for outcome in stack.recorded] == [ALARM]
    assert engine.load_snapshots("dev")["fraud-data"].outputs == {"bucket": "arn:aws:s3:::fraud-raw"}
    again = engine.up(system())
    assert again.summary() == {**dict.fromkeys(Op, 0), Op.SAME: 4}
    plan = plan_graph(system("Suspended"), engine.load_snapshots("dev"), "the local state")
    planned = {change.urn: change.op for stack in plan.stacks for change in stack.changes if change.op is not Op.SAME}
    changed = engine.up(system("Suspended"))
    assert {outcome.urn: outcome.op for stack in changed.stacks for outcome in stack.done} == planned
    gone = engine.up(system("Suspended", operations=False))
    assert gone.summary()[Op.DELETE] == 1
    end = engine.destroy(system())
    assert end.ok and [stack.project for stack in end.stacks] == ["fraud-data", "fraud-foundation"]
    assert all(not snapshot.resources for snapshot in engine.load_snapshots("dev").values())


def test_a_destroy_that_died_after_its_last_resource_is_finished_by_the_next(engine: LocalEngine) -> None:
    assert engine.up(system()).ok
    states = engine.states
    ledger = states.open("fraud-data", "dev")
    ledger.edit(drop=tuple(map(key_of, ledger.snapshot().resources)))
    assert states.load("fraud-data", "dev").outputs and states.is_unfinished("fraud-data", "dev")
    assert engine.destroy(system()).ok
    assert not states.load("fraud-data", "dev").outputs
    assert not any(states.is_unfinished(*stack) for stack in states.stacks())


def test_drift_is_found_and_mended(engine: LocalEngine) -> None:
    engine.up(system())
    server = moto_server.find(engine.states.folder)
    assert server is not None
    session = Session(server.endpoint, "eu-central-1", "111122223333")
    suspended = {"Bucket": "fraud-raw", "VersioningConfiguration": {"Status": "Suspended"}}
    session.call("s3", "put_bucket_versioning", suspended)
    before = engine.load_snapshots("dev")
    looked = engine.look(system())
    assert engine.load_snapshots("dev") == before
    without = replace(system(), stacks=system().stacks[:1])
    assert engine.look(without) == looked, "layers that the graph lost are read too"
    (urn,) = (drift.urn for stack in looked.stacks for drift in stack.drift)
    few = engine.look(system(), urns=(urn,))
    assert [len(stack.drift) + stack.same for stack in few.stacks] == [1, 0, 0], "in the order of their names"
    assert not any(stack.drift for stack in engine.look(system(), urns=()).stacks)
    for result in (looked, engine.refresh()):
        drift = [item for stack in result.stacks for item in stack.drift]
        assert [(item.name, item.diff[0].path, item.diff[0].new) for item in drift] == [
            ("raw.versioning", "versioningConfiguration.status", "Suspended")
        ]
    assert engine.up(system()).summary()[Op.UPDATE] == 1
    assert not [item for stack in engine.refresh().stacks for item in stack.drift]


def test_a_lost_emulator_is_said(engine: LocalEngine) -> None:
    engine.up(system())
    moto_server.stop(engine.states.folder)
    for attempt in (lambda: engine.up(system()), lambda: engine.destroy(system()), lambda: engine.look(system())):
        with pytest.raises(DiagnosticsError) as caught:
            attempt()
        assert caught.value.diagnostics[0].code == EMULATOR_GONE
        assert "3 AWS resources" in caught.value.diagnostics[0].message
    refreshed = engine.refresh()
    assert sum(item.gone for stack in refreshed.stacks for item in stack.drift) == 3
    assert engine.up(system()).summary()[Op.CREATE] == 3


def test_forgetting_a_lost_emulator(engine: LocalEngine) -> None:
    engine.up(system())
    moto_server.stop(engine.states.folder)
    assert engine.destroy(system(), forget=True).ok
    assert engine.up(system()).summary()[Op.CREATE] == 4


def test_an_unreachable_emulator_drops_nothing(engine: LocalEngine, tmp_path: Path) -> None:
    engine.up(system())
    before = engine.load_snapshots("dev")
    away = LocalEngine(tmp_path, LocalOptions(endpoint="http://127.0.0.1:9", environ={}))
    result = away.refresh()
    assert not result.ok and len(result.failures) == 3
    after = engine.load_snapshots("dev")
    assert {key: item.resources for key, item in after.items()} == {key: item.resources for key, item in before.items()}


def test_only_this_machine(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path, LocalOptions(endpoint="https://sns.eu-central-1.amazonaws.com", environ={}))
    with pytest.raises(DiagnosticsError) as caught:
        engine.up(system())
    assert caught.value.diagnostics[0].code == NOT_LOOPBACK


def test_what_reads_a_failed_layer_is_not_tried_and_everything_else_is(engine: LocalEngine) -> None:
    good = system()
    reader = (TOPIC, "late", {"name": "late", "displayName": StackOutput("data", "bucket")})
    stacks = (
        good.stacks[0],
        layer(Layer.DATA, {}, (BUCKET, "raw", {"bucket": "NOT a bucket name"})),
        layer(Layer.SERVING, {}, reader),
        good.stacks[2],
    )
    result = engine.up(Graph("fraud", "dev", stacks))
    done = [stack.project for stack in result.stacks]
    assert not result.ok and done == ["fraud-foundation", "fraud-data", "fraud-operations"]
    assert "Invalid bucket name" in result.failures[0].message
    (note,) = [note for note in result.notes if note.code == NOT_TRIED]
    assert note.message == "the serving layer was not tried: it waits for the data layer, which failed"


SIGNALLED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from local.fake import FakeProvider, chain
from mlops_iac.engines.local.emulators import Emulators
from mlops_iac.engines.local.engine import LocalEngine, LocalOptions
from mlops_iac.graph.nodes import Graph
root = Path({root!r})
class Slow(FakeProvider):
    def create(self, urn, type, inputs):
        created = super().create(urn, type, inputs)
        if len(self.objects()) == 3:
            print("third", flush=True)
            sys.stdin.readline()
        return created
Emulators._make = lambda self, package, inputs: Slow(root / "cloud")
result = LocalEngine(root, LocalOptions(parallel=1, environ={{}})).up(Graph("fraud", "dev", (chain(20),)))
print(result.stopped, len(result.stacks[0].done), flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order(tmp_path: Path, number: int) -> None:
    """What is in flight is finished and saved, nothing new starts, the lock is free."""
    program = SIGNALLED.format(tests=str(Path(__file__).parents[1]), root=str(tmp_path))
    run = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert run.stdin is not None and run.stdout is not None
    assert run.stdout.readline() == "third\n"
    run.send_signal(number)
    _until_delivered(run.pid)
    run.stdin.write("\n")
    run.stdin.flush()
    assert run.stdout.readline() == "True 3\n"
    assert run.wait() == 0
    engine = LocalEngine(tmp_path, LocalOptions(environ={}))
    snapshot = engine.load_snapshots("dev")["fraud-data"]
    assert snapshot.pending == () and sum(item.type.startswith("aws:") for item in snapshot.resources) == 3
    with engine.states.locked("next") as previous:
        assert previous is None


def _until_delivered(pid: int) -> None:
    """Wait until no signal is pending for the process any more: its handler's flag is set by then."""
    while any(
        line.startswith(("SigPnd", "ShdPnd")) and int(line.split()[1], 16)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    ):
        os.sched_yield()
    deadline = time.monotonic() + 30
    while _sleeping(pid) is False and time.monotonic() < deadline:
        os.sched_yield()


def _sleeping(pid: int) -> bool:
    return all(
        (task / "stat").read_text().rpartition(")")[2].split()[0] == "S" for task in Path(f"/proc/{pid}/task").iterdir()
    )


def test_the_server_is_found_again_and_ends(tmp_path: Path) -> None:
    server = moto_server.start(tmp_path, "123456789012")
    assert moto_server.find(tmp_path) == server
    assert moto_server.stop(tmp_path)
    assert process_start(server.pid) is None
    assert moto_server.find(tmp_path) is None and not moto_server.stop(tmp_path)


def test_only_some_layers_are_applied_and_the_others_are_read_as_deployed(engine: LocalEngine) -> None:
    first = engine.up(system(), (Layer.FOUNDATION,))
    assert [stack.project for stack in first.stacks] == ["fraud-foundation"]
    assert engine.snapshots(system()).keys() == {"fraud-foundation"}
    second = engine.up(system(operations=False), (Layer.DATA,))
    assert second.ok and [stack.project for stack in second.stacks] == ["fraud-data"]
    topic = engine.load_snapshots("dev")["fraud-foundation"].outputs["topic"]
    bucket = next(item for item in engine.load_snapshots("dev")["fraud-data"].resources if item.type == BUCKET)
    assert bucket.inputs["tags"] == {"topic": topic}
    gone = engine.destroy(system(), (Layer.DATA,))
    assert [stack.project for stack in gone.stacks] == ["fraud-data"]
    assert engine.snapshots(system()).keys() == {"fraud-foundation"}
