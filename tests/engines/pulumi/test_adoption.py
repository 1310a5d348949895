"""Adopting through the real engine: by the program's own ``import`` option, with nothing made and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi_harness import needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from by_hand import Hands, check_adoption, declared, needs_server
from local.fake import COMPONENT, NAMED, UNNAMED, key, node
from local.fake import stack as stack_of
from pulumi_world import engine, graph, prepare, world

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import OwnPreview
from mlops_iac.engines.pulumi.adoption import Order
from mlops_iac.engines.pulumi.laptop import FACTORY
from mlops_iac.graph.nodes import Graph
from mlops_iac.graph.values import Ref
from mlops_iac.plan.adoption import NOT_FOUND, wanted_by_name
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op

HERE = {"parent": key(COMPONENT, "all")}
STACK = stack_of(
    node(COMPONENT, "all", {}, custom=False),
    node(UNNAMED, "net", {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"}, **HERE),
    node(NAMED, "jobs", {"name": "jobs", "tags": {"net": Ref(key(UNNAMED, "net"), ("id",))}}, **HERE),
    node(NAMED, "slow", {"name": "slow", "delaySeconds": 9}, **HERE),
    node(NAMED, "later", {"name": "later"}, **HERE),
    outputs={"jobs": Ref(key(NAMED, "jobs"), ("arn",)), "later": Ref(key(NAMED, "later"), ("arn",))},
)


def by_hand(root: Path, id: str, type: str, inputs: dict[str, Any]) -> None:
    provider = world(root)
    provider._write(provider._path(id), {"urn": "by hand", "type": type, "inputs": inputs})


def ops(found: Graph, snapshots: Any) -> dict[str, Op]:
    plan = plan_graph(found, snapshots, "the state")
    return {change.name: change.op for stack in plan.stacks for change in stack.changes if change.custom}


@needs_cli
def test_the_program_imports_what_exists(root: Path) -> None:
    by_hand(root, "subnet-1", UNNAMED, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"})
    by_hand(root, "jobs", NAMED, {"name": "jobs", "tags": {"net": "subnet-1"}})
    by_hand(root, "slow", NAMED, {"name": "slow", "delaySeconds": 5})
    runner = engine(root)
    found = runner.named(graph(root, STACK))

    wrong = runner.read_existing(found, wanted_by_name(found, [("net", "subnet-2"), ("jobs", "jobs")]))
    assert [(item.code, "subnet-2" in item.message) for item in wrong.failures] == [(NOT_FOUND, True)]
    assert runner.snapshots(found) == {}

    wanted = wanted_by_name(found, [("net", "subnet-1"), ("jobs", "jobs"), ("slow", "slow")])
    read = runner.read_existing(found, wanted)
    assert read.failures == () and [item.id for item in read.resources] == ["subnet-1", "jobs", "slow"]
    told = {item.id: [(change.path, change.old, change.new) for change in item.diff] for item in read.resources}
    assert told == {"subnet-1": [], "jobs": [], "slow": [("delaySeconds", 5, 9)]}
    assert read.replacements() == () and runner.snapshots(found) == {}, "nothing is recorded by looking"

    done = runner.adopt(found, read)
    assert done.ok, done.failures
    (snapshot,) = runner.snapshots(found).values()
    live = {urn.rpartition("::")[2]: resource for urn, resource in snapshot.live().items()}
    assert live["jobs"].parent == live["all"].urn and live["jobs"].provider is not None
    assert live["jobs"].property_dependencies["tags"] == (live["net"].urn,)
    assert live["slow"].inputs["delaySeconds"] == 5 and "later" not in live
    assert {verb for verb, _ in world(root).calls()} == {"read"}, "nothing was made or changed"
    expected = {"aws": Op.SAME, "net": Op.SAME, "jobs": Op.SAME, "slow": Op.UPDATE, "later": Op.CREATE}
    assert ops(found, runner.snapshots(found)) == expected
    assert runner.own_preview(plan_graph(found, runner.snapshots(found), "the state"), found) == OwnPreview()

    again = runner.read_existing(found, wanted)
    assert again.resources == () and [item.id for item in again.known] == ["subnet-1", "jobs", "slow"]
    assert runner.up(found).ok
    assert {verb for verb, urn in world(root).calls() if urn.endswith("::jobs")} == {"read"}


@needs_cli
def test_what_would_be_replaced_is_told_and_what_fails_leaves_the_state(root: Path) -> None:
    by_hand(root, "other", NAMED, {"name": "other"})
    runner = engine(root)
    found = runner.named(graph(root, STACK))
    read = runner.read_existing(found, wanted_by_name(found, [("later", "other")]))
    assert [item.replaced for item in read.resources] == [("name",)] and len(read.replacements()) == 1
    (root / "world/objects/other.json").unlink()
    with pytest.raises(DiagnosticsError):
        runner.adopt(found, read)
    assert runner.snapshots(found) == {}


def test_an_order_reaches_the_program_and_nobody_else() -> None:
    wanted = wanted_by_name(Graph("fraud", "dev", (STACK,)), [("jobs", "queue=1")])
    order = Order.read(
        json.loads(json.dumps(Order.of(wanted, {"data": {"a": 1}}, as_it_is=True).write()))["MLOPS_IAC_ADOPT"]
    )
    assert order is not None and order.as_it_is and order.foreseen == {"data": {"a": 1}}
    assert [order.id_of(node) for node in STACK.nodes if order.id_of(node)] == ["queue=1"]
    assert Order.read(None) is None and Order.read("") is None


@pytest.fixture
def hands(root: Path) -> Iterator[Hands]:
    """On the servers that the engine finds."""
    made = Hands(root / ".mlops-iac" / "pulumi")
    yield made
    made.stop()


@needs_cli
@needs_server
def test_layers_are_adopted_applied_and_destroyed(hands: Hands, root: Path) -> None:
    stacks = declared().stacks
    prepare(root, *(stack.layer for stack in stacks))
    check_adoption(engine(root, FACTORY), hands, graph(root, *stacks))
