"""A reviewed plan is what the local engine does: no more without drift, and nothing that is not in it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import RunResult, StackResult
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.provider import Created, Properties, Provider, RecordingProvider
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.evaluate import contains_unknown
from mlops_iac.graph.nodes import Graph, Layer, Node, Stack
from mlops_iac.graph.values import NodeKey, Ref
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.plan.reviewed import NOT_PLANNED, Reviewed
from mlops_iac.plan.saved import SavedPlan, state_problems
from mlops_iac.state import passphrase
from mlops_iac.state.snapshot import Snapshot

from .saved import QUEUE, TOPIC, saved_plan, systems


@pytest.fixture(autouse=True, scope="module")
def quick_keys() -> Iterator[None]:
    """The strength of a key is no matter here, and every state has a salt of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "ITERATIONS", 1)
        yield


@dataclass(frozen=True, slots=True)
class Cloud(RecordingProvider):
    """Creates resources with ids and ARNs of its own; ``answers`` are outputs by logical name instead of those."""

    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)

    def create(self, urn: str, type: str, inputs: Properties) -> Created:
        name = urn.rpartition("::")[2]
        self.made[urn] += 1
        id = f"{name}-{self.made[urn]}"
        return Created(id, {**inputs, "arn": f"arn:{id}", **self.answers.get(name, {})})


def apply(graph: Graph, store: Store, cloud: Provider, reviewed: Reviewed | None = None) -> dict[str, Snapshot]:
    """Apply every layer, as the engine does, and answer the states."""
    up(graph, store, cloud, reviewed)
    return snapshots(graph, store)


def up(graph: Graph, store: Store, cloud: Provider, reviewed: Reviewed | None = None) -> RunResult:
    outputs: dict[str, Any] = {}
    results: list[StackResult] = []
    for stack in graph.stacks:
        result = apply_stack(stack, outputs, lambda package, inputs: cloud, store, Settings(1, reviewed=reviewed))
        results.append(result)
        outputs[stack.layer.value] = result.outputs
        if not result.ok:
            break
    return RunResult(tuple(results))


def snapshots(graph: Graph, store: Store) -> dict[str, Snapshot]:
    found = {stack.project: store.load(stack.project, stack.name) for stack in graph.stacks}
    return {project: snapshot for project, snapshot in found.items() if snapshot.resources}


def what(saved: SavedPlan) -> Reviewed:
    return Reviewed(saved.source, saved.operations())


MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""A place whose writes need no disk: each of these tests writes hundreds of states."""


@settings(max_examples=200)
@given(systems(), systems())
def test_what_was_planned_is_what_is_done(before: Graph, after: Graph) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        store, cloud = Store(Path(folder), environ={"PULUMI_CONFIG_PASSPHRASE": "p"}), Cloud("aws")
        store.prepare()
        deployed = apply(before, store, cloud)
        saved = saved_plan(after, deployed)
        plan = plan_graph(after, deployed, "the state")
        open_at_first = {
            change.urn
            for stack in plan.stacks
            for change in stack.changes
            if any(contains_unknown(item.new) for item in change.diff)
        }
        result = up(after, store, cloud, what(saved))
        assert result.ok, [item.message for stack in result.stacks for item in stack.failures]
        done = {outcome.urn: outcome.op.value for stack in result.stacks for outcome in stack.done}
        planned = {
            urn: change for urn, change in saved.operations().items() if change["custom"] and change["op"] != "same"
        }
        assert done.keys() <= planned.keys()
        for urn, change in planned.items():
            if done.get(urn) != change["op"]:
                # Only what the plan could not know may turn out to need less.
                assert urn in open_at_first, change
                assert (change["op"], done.get(urn)) in {("update", None), ("replace", None), ("replace", "update")}
        assert {outcome.op for stack in up(after, store, cloud).stacks for outcome in stack.done} == set()


@settings(max_examples=15)
@given(systems(), systems(), systems())
def test_another_system_than_the_planned_one_is_not_applied(before: Graph, planned: Graph, other: Graph) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        store, cloud = Store(Path(folder), environ={"PULUMI_CONFIG_PASSPHRASE": "p"}), Cloud("aws")
        store.prepare()
        deployed = apply(before, store, cloud)
        saved = saved_plan(planned, deployed)
        operations = saved.operations()
        try:
            result = up(other, store, cloud, what(saved))
        except DiagnosticsError as refused:
            assert {item.code for item in refused.diagnostics} == {NOT_PLANNED}
            return
        for stack in result.stacks:
            for outcome in stack.done:
                assert operations[outcome.urn]["op"] in (outcome.op.value, "replace"), outcome


@settings(max_examples=15)
@given(systems(), st.data())
def test_a_state_that_another_run_moved_is_refused(graph: Graph, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        store, cloud = Store(Path(folder), environ={"PULUMI_CONFIG_PASSPHRASE": "p"}), Cloud("aws")
        store.prepare()
        deployed = apply(graph, store, cloud)
        saved = saved_plan(data.draw(systems()), deployed)
        moved = apply(data.draw(systems().filter(lambda other: other != graph)), store, cloud)
        assert (moved == deployed) == (not state_problems(saved, moved))


TOPIC_KEY = NodeKey("data", TOPIC, "a.topic")
QUEUE_KEY = NodeKey("data", QUEUE, "a.queue")


def chain(**queue: Any) -> Graph:
    """A topic, and a queue that is tagged with the topic's ARN."""
    nodes = (
        Node(TOPIC_KEY, {"displayName": "one"}, component=("topics", "a")),
        Node(QUEUE_KEY, {"tags": {"of": Ref(TOPIC_KEY, ("owner",))}, **queue}, component=("queues", "a")),
    )
    return Graph("s", "dev", (Stack(Layer.DATA, "s-data", "dev", nodes),))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path, environ={})
    made.prepare()
    return made


def test_an_operation_that_turns_out_later_is_stopped_before_it_runs(store: Store) -> None:
    """The plan saw an update of one tag; the value that then comes forces a replacement of what it did not list."""
    graph = chain()
    cloud = Cloud("aws", answers={"a.topic": {"owner": "ada"}})
    deployed = apply(graph, store, cloud)
    saved = saved_plan(chain(delaySeconds=1), deployed)
    operations = {**saved.operations()}
    queue = next(urn for urn in operations if urn.endswith("a.queue"))
    del operations[queue]
    with pytest.raises(DiagnosticsError) as refused:
        up(chain(delaySeconds=1), store, cloud, Reviewed("p.json", operations))
    (found,) = refused.value.diagnostics
    assert found.code == NOT_PLANNED and "p.json does not have it at all" in found.message
    assert found.path == ("queues", "a")
    assert snapshots(graph, store) == deployed


def test_a_value_that_comes_out_otherwise_is_stopped(store: Store) -> None:
    cloud = Cloud("aws", answers={"a.topic": {"owner": "ada"}})
    deployed = apply(chain(), store, cloud)
    saved = saved_plan(chain(delaySeconds=1), deployed)
    with pytest.raises(DiagnosticsError):
        up(chain(delaySeconds=2), store, cloud, what(saved))
    assert snapshots(chain(), store) == deployed


def test_a_failure_in_the_middle_keeps_the_rest_of_the_plan_to_its_word(store: Store) -> None:
    """An output that is unknown in the plan and then missing stops what needs it, and only that."""
    saved = saved_plan(chain(), {})
    result = up(chain(), store, Cloud("aws"), what(saved))
    assert not result.ok
    done = [outcome for stack in result.stacks for outcome in stack.done]
    assert [(outcome.op, outcome.name) for outcome in done] == [(Op.CREATE, "a.topic")]


def test_fewer_operations_are_fine(store: Store) -> None:
    cloud = Cloud("aws", answers={"a.topic": {"owner": "ada"}})
    deployed = apply(chain(), store, cloud)
    saved = saved_plan(chain(delaySeconds=1), deployed)
    assert up(chain(), store, cloud, what(saved)).ok


def test_the_plan_of_a_deletion_deletes(store: Store) -> None:
    cloud = Cloud("aws", answers={"a.topic": {"owner": "ada"}})
    deployed = apply(chain(), store, cloud)
    nothing = replace(chain(), stacks=(replace(chain().stacks[0], nodes=()),))
    result = up(nothing, store, cloud, what(saved_plan(nothing, deployed)))
    assert [outcome.op for stack in result.stacks for outcome in stack.done] == [Op.DELETE, Op.DELETE]
