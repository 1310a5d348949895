"""Soak: a system is made, changed and destroyed again and again, and each cycle one run is killed at a random moment.

Nothing is left behind by a cycle: no file, lock, process, temporary file or object of the provider. A handful of cycles
always, as many as ``MLOPS_IAC_SOAK`` says otherwise (200 is the figure of the reliability table).
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops_iac.engines.local import moto_server
from mlops_iac.engines.local.engine import LocalEngine, LocalOptions
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref, Secret, StackOutput, Value
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.state.checkpoint import verify

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

CYCLES = int(os.environ.get("MLOPS_IAC_SOAK", "5"))
SEED = int(os.environ.get("MLOPS_IAC_SOAK_SEED", "24"))
ACCOUNT, REGION = "111122223333", "eu-west-1"
QUEUE, TOPIC, BUCKET = "aws:sqs/queue:Queue", "aws:sns/topic:Topic", "aws:s3/bucket:Bucket"
VERSIONING, PARAMETER = "aws:s3/bucketVersioning:BucketVersioning", "aws:ssm/parameter:Parameter"
TAG = "MLOPS_IAC_SOAK_TAG"
"""Environment variable by which every process that a cycle started is known."""
KEPT = {".gitignore", "lock.guard", "passphrase", "moto.log"}
"""What stays in the state folder when everything is destroyed, beside the states with their backups."""

Verb = Callable[[LocalEngine], Any]


def some_system(chance: random.Random) -> Graph:
    """Two layers of random resources with random properties; a change between two of them does a bit of everything."""
    names = chance.sample(("a", "b", "c", "d", "e"), chance.randint(2, 5))
    data = [_node("data", BUCKET, "raw", {"bucket": f"soak-raw-{chance.choice('12')}"})]
    raw = data[0].key
    status = {"status": chance.choice(("Enabled", "Suspended"))}
    data.append(
        _node("data", VERSIONING, "raw.versioning", {"bucket": Ref(raw, ("id",)), "versioningConfiguration": status})
    )
    for name in names:
        inputs: dict[str, Value] = {
            "name": f"soak-{name}{chance.choice(('', '-x'))}",
            "delaySeconds": chance.randint(0, 3),
            "tags": {"bucket": Ref(raw, ("arn",))},
        }
        data.append(_node("data", QUEUE, name, inputs))
    first = data[2].key
    topic = _node("operations", TOPIC, "alerts", {"name": "soak-alerts", "displayName": chance.choice("xyz")})
    key = _node(
        "operations",
        PARAMETER,
        "key",
        {"name": "/soak/key", "type": "SecureString", "value": Secret(chance.choice("pq") * 9)},
    )
    place = _node(
        "operations",
        PARAMETER,
        "queue",
        {"name": "/soak/queue", "type": "String", "value": StackOutput("data", "queue")},
    )
    operations = [item for item in (topic, key, place) if chance.random() < 0.8]
    stacks = [_stack(Layer.DATA, data, {"queue": Ref(first, ("arn",))})]
    if operations:
        stacks.append(_stack(Layer.OPERATIONS, operations, {}))
    return Graph("soak", "dev", tuple(stacks))


def _node(layer: str, type: str, name: str, inputs: dict[str, Value]) -> Node:
    return Node(NodeKey(layer, type, name), inputs, Options(provider=NodeKey(layer, "pulumi:providers:aws", "aws")))


def _stack(layer: Layer, nodes: list[Node], outputs: dict[str, Value]) -> Stack:
    provider = Node(
        NodeKey(layer.value, "pulumi:providers:aws", "aws"), {"region": REGION, "allowedAccountIds": [ACCOUNT]}
    )
    return Stack(layer, f"soak-{layer.value}", "dev", (provider, *nodes), outputs)


def in_child(root: Path, verb: Verb, temporary: Path, tag: str, kill: tuple[int, float] | None = None) -> bool:
    """Run ``verb`` in a process of its own, killed ``kill`` (events, and seconds after the last); was it killed?"""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            os.environ[TAG], os.environ["TMPDIR"], tempfile.tempdir = tag, str(temporary), None
            engine = LocalEngine(root, LocalOptions(environ={}, on_event=lambda event: _tell(write)))
            _tell(write)
            result = verb(engine)
            assert result.ok, [item.message for stack in result.stacks for item in stack.failures]
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    killed = False
    if kill is not None:
        events, seconds = kill
        if all(os.read(read, 1) for _ in range(events)):
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
    while os.read(read, 1000):
        pass
    os.close(read)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    assert killed or os.WEXITSTATUS(status) == 0, "the run failed"
    return killed


def _tell(descriptor: int) -> None:
    with suppress(OSError):
        os.write(descriptor, b".")


class Cloud:
    """What moto holds, as somebody sees it who does not know this tool."""

    def __init__(self, folder: Path) -> None:
        server = moto_server.find(folder)
        assert server is not None, "the moto server is gone"
        self._endpoint = server.endpoint

    def objects(self) -> set[str]:
        """The id of everything."""
        found = {item["Name"] for item in self._of("s3").list_buckets()["Buckets"]}
        found |= set(self._of("sqs").list_queues().get("QueueUrls", ()))
        found |= {item["TopicArn"] for item in self._of("sns").list_topics()["Topics"]}
        return found | {item["Name"] for item in self._of("ssm").describe_parameters()["Parameters"]}

    def _of(self, service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self._endpoint, region_name=REGION, **keys)


def processes(tag: str) -> Iterator[tuple[int, str]]:
    """(pid, command) of every process of a cycle that runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{TAG}={tag}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def left(root: Path) -> set[str]:
    """Every file of the system's folder that has no business there when everything is destroyed."""
    files = {path.relative_to(root / ".mlops-iac") for path in root.rglob("*") if path.is_file()}
    states = {path for path in files if path.parts[0] == "state" and path.name.startswith(("dev.json", "dev.bak"))}
    return {str(path) for path in files - states} - KEPT


def check(root: Path, wanted: Graph) -> None:
    """The cloud holds what is declared once, and the state knows all of it as it is."""
    states = LocalEngine(root, LocalOptions(environ={})).snapshots(wanted)
    known = [
        item for state in states.values() for item in state.resources if item.custom and "providers" not in item.type
    ]
    assert not any(state.pending or verify(state) for state in states.values())
    # A bucket's versioning is no object of its own.
    objects = Cloud(root / ".mlops-iac").objects()
    assert sorted(str(item.id) for item in known if item.type != VERSIONING) == sorted(objects)
    plan = plan_graph(wanted, states, "the state")
    assert {op for op, count in plan.summary().items() if count} <= {Op.SAME}


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: hundreds of runs wait for the disk at each step otherwise."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as made:
        yield Path(made)


@pytest.mark.timeout(60 * max(CYCLES, 10))
def test_nothing_is_left_behind(folder: Path) -> None:
    root, temporary = folder / "system", folder / "temporary"
    root.mkdir()
    temporary.mkdir()
    chance, kills, tag = random.Random(SEED), 0, secrets.token_hex(8)
    try:
        for cycle in range(CYCLES):
            before, after = some_system(chance), some_system(chance)
            victim = chance.choice(("up", "edit", "edit", "destroy"))
            kill = (chance.randint(1, 12), chance.choice((0.0, 0.0, chance.uniform(0, 0.3))))
            steps: dict[str, Verb] = {
                "up": lambda engine, graph=before: engine.up(graph),  # type: ignore[misc]
                "edit": lambda engine, graph=after: engine.up(graph),  # type: ignore[misc]
                "destroy": lambda engine, graph=after: engine.destroy(graph),  # type: ignore[misc]
            }
            for name, verb in steps.items():
                if name == victim:
                    kills += in_child(root, verb, temporary, tag, kill)
                in_child(root, verb, temporary, tag)
                if name != "destroy":
                    check(root, before if name == "up" else after)
            objects = Cloud(root / ".mlops-iac").objects()
            LocalEngine(root, LocalOptions(environ={})).stop_if_empty()
            where = f"cycle {cycle} of seed {SEED}: {victim} killed after {kill}"
            assert objects == set(), where
            assert left(root) == set(), where
            assert list(temporary.iterdir()) == [], where
            assert list(processes(tag)) == [], where
    finally:
        for pid, _ in processes(tag):
            os.kill(pid, signal.SIGKILL)
    backups = list(root.rglob("dev.bak*"))
    assert len(backups) <= 6, "three of each stack"
    print(f"{CYCLES} cycles, {kills} killed: nothing is left behind")
