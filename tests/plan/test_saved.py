"""Plans as files: what is in them, what is not, and everything that makes them unfit to apply."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Secret
from mlops_iac.plan import saved
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.drift import Danger, DriftFinding, observed_of
from mlops_iac.plan.model import Kind, Op, PropertyChange
from mlops_iac.plan.saved import (
    belongs_problems,
    configuration_problems,
    drift_problems,
    operation_problems,
    read_plan,
    refusal_problems,
    state_problems,
    touched,
)
from mlops_iac.render.json import preview_json

from .saved import MAKING, QUEUE, document, saved_plan, systems

SCHEMAS = Path(__file__).parents[2] / "schemas"
QUEUE_KEY = NodeKey("data", QUEUE, "q.queue")
GRAPH = Graph(
    "s",
    "dev",
    (
        Stack(
            Layer.DATA,
            "s-data",
            "dev",
            (
                Node(
                    QUEUE_KEY,
                    {"name": "q", "policy": Secret("swordfish")},
                    component=("queues", "q"),
                    source=Location("system.yaml", 7, 3),
                ),
            ),
        ),
    ),
)


def with_inputs(**inputs: Any) -> Graph:
    stack = GRAPH.stacks[0]
    node = replace(stack.nodes[0], inputs={**stack.nodes[0].inputs, **inputs})
    return replace(GRAPH, stacks=(replace(stack, nodes=(node,)),))


def validator() -> Draft202012Validator:
    schemas = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")}
    registry = Registry().with_resources((name, Resource.from_contents(schema)) for name, schema in schemas.items())
    return Draft202012Validator(schemas["plan.schema.json"], registry=registry)


def test_the_file_fits_the_published_schema() -> None:
    made = document(
        GRAPH,
        {},
        policies=({"rule": "r", "verdict": "fail", "enforcement": "mandatory", "resource": "u", "waiver": None},),
    )
    validator().validate(made)
    validator().validate(document(GRAPH, snapshot_of_graph(GRAPH), making=replace(MAKING, commit=None)))
    assert list(validator().iter_errors({**made, "extra": 1}))


def test_no_secret_is_in_it() -> None:
    text = json.dumps(document(with_inputs(policy=Secret("hunter2")), snapshot_of_graph(GRAPH)))
    assert "swordfish" not in text and "hunter2" not in text


@given(systems(), systems())
def test_a_plan_that_nothing_moved_under_fits(before: Graph, after: Graph) -> None:
    snapshots = snapshot_of_graph(before)
    plan = saved_plan(after, snapshots)
    assert not belongs_problems(plan, after, "local")
    assert not configuration_problems(plan, after)
    assert not state_problems(plan, snapshots)
    assert not operation_problems(plan, document(after, snapshots)["preview"])


@given(systems(), systems())
def test_an_edited_configuration_is_refused(planned: Graph, edited: Graph) -> None:
    assume(planned != edited)
    found = configuration_problems(saved_plan(planned, {}), edited)
    assert found and {item.code for item in found} == {saved.CONFIGURATION_MOVED}


@given(systems(), st.data())
def test_a_state_that_moved_is_refused(graph: Graph, data: st.DataObject) -> None:
    snapshots = snapshot_of_graph(graph)
    assume(any(snapshot.resources for snapshot in snapshots.values()))
    project = data.draw(st.sampled_from([name for name, snapshot in snapshots.items() if snapshot.resources]))
    snapshot = snapshots[project]
    index = data.draw(st.integers(0, len(snapshot.resources) - 1))
    resource = snapshot.resources[index]
    moved = data.draw(
        st.sampled_from(
            [
                replace(snapshot, serial=snapshot.serial + 1),
                replace(snapshot, outputs={**snapshot.outputs, "new": 1}),
                replace(snapshot, resources=snapshot.resources[:index] + snapshot.resources[index + 1 :]),
                _with(snapshot, index, replace(resource, inputs={**resource.inputs, "drifted": True})),
                _with(snapshot, index, replace(resource, outputs={"drifted": True})),
                _with(snapshot, index, replace(resource, id="another")),
                _with(snapshot, index, replace(resource, protect=not resource.protect)),
            ]
        )
    )
    found = state_problems(saved_plan(graph, snapshots), {**snapshots, project: moved})
    assert [item.code for item in found] == [saved.STATE_MOVED]
    without = {name: value for name, value in snapshots.items() if name != project}
    assert state_problems(saved_plan(graph, snapshots), without)


def _with(snapshot: Any, index: int, resource: Any) -> Any:
    resources = list(snapshot.resources)
    resources[index] = resource
    return replace(snapshot, resources=tuple(resources))


def test_what_moved_is_said_at_its_place() -> None:
    plan = saved_plan(GRAPH, {})
    (found,) = configuration_problems(plan, with_inputs(delaySeconds=5))
    assert (found.message, found.location) == ("queues.q changed after p.json was saved", Location("system.yaml", 7, 3))
    (secret,) = configuration_problems(plan, with_inputs(policy=Secret("another")))
    assert "a secret of the configuration" in secret.message
    moved = replace(GRAPH, stacks=tuple(replace(stack, nodes=()) for stack in GRAPH.stacks))
    assert [item.message for item in configuration_problems(plan, moved)] == [
        "queues.q was removed after p.json was saved"
    ]


def test_the_place_of_a_declaration_moves_nothing() -> None:
    stack = GRAPH.stacks[0]
    moved = replace(stack, nodes=(replace(stack.nodes[0], source=Location("system.yaml", 99, 1)),))
    assert not configuration_problems(saved_plan(GRAPH, {}), replace(GRAPH, stacks=(moved,)))


def test_a_moved_state_names_what_moved() -> None:
    snapshots = snapshot_of_graph(GRAPH)
    snapshot = snapshots["s-data"]
    moved = {"s-data": _with(replace(snapshot, serial=4), 0, replace(snapshot.resources[0], id="x"))}
    (found,) = state_problems(saved_plan(GRAPH, snapshots), moved)
    assert found.message == "the state of data moved after p.json was saved: it was state 0, and is 4 (q.queue changed)"


def test_it_is_for_one_system_environment_and_engine() -> None:
    plan = saved_plan(GRAPH, {})
    for graph, engine in (
        (replace(GRAPH, system="t"), "local"),
        (replace(GRAPH, environment="prod"), "local"),
        (GRAPH, "pulumi"),
    ):
        (found,) = belongs_problems(plan, graph, engine)
        assert found.code == saved.NOT_THIS_SYSTEM


def test_a_refused_plan_stays_refused() -> None:
    assert [item.code for item in refusal_problems(saved_plan(GRAPH, {}, refused=True))] == [saved.PLAN_REFUSED]
    assert not refusal_problems(saved_plan(GRAPH, {}))


def test_operations_that_differ_are_refused() -> None:
    plan = saved_plan(GRAPH, {})
    other = document(with_inputs(name="other"), snapshot_of_graph(GRAPH))["preview"]
    assert [item.code for item in operation_problems(plan, other)] == [saved.CONFIGURATION_MOVED]


TEXT = json.dumps(document(GRAPH, {}))


@given(st.integers(0, len(TEXT) - 1))
def test_a_file_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(DiagnosticsError) as refused:
        read_plan(TEXT[:length], "p.json", MAKING.tool)
    assert refused.value.diagnostics[0].code == saved.BAD_PLAN


@given(st.integers(0, len(TEXT) - 1), st.characters(codec="ascii"))
def test_an_edited_file_is_refused(index: int, char: str) -> None:
    edited = TEXT[:index] + char + TEXT[index + 1 :]
    with suppress(ValueError):
        assume(json.loads(edited) != json.loads(TEXT))
    with pytest.raises(DiagnosticsError) as refused:
        read_plan(edited, "p.json", MAKING.tool)
    assert refused.value.diagnostics[0].code in (saved.BAD_PLAN, saved.OTHER_TOOL)


def test_a_file_of_another_version_is_refused() -> None:
    with pytest.raises(DiagnosticsError) as refused:
        read_plan(TEXT, "p.json", "1.2.4")
    assert refused.value.diagnostics[0].code == saved.OTHER_TOOL
    assert "saved by mlops-iac 1.2.3, and this is 1.2.4" in refused.value.diagnostics[0].message


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "preview", "version": 1}', "nul"])
def test_something_else_is_no_plan(text: str) -> None:
    with pytest.raises(DiagnosticsError) as refused:
        read_plan(text, "p.json", MAKING.tool)
    assert refused.value.diagnostics[0].code == saved.BAD_PLAN


def test_a_preview_document_is_the_public_one() -> None:
    from mlops_iac.plan.diff import plan_graph

    assert saved_plan(GRAPH, {}).preview == json.loads(
        json.dumps(preview_json(plan_graph(GRAPH, {}, "the local state")))
    )


COMMANDS = ("mlops-iac drift", "mlops-iac refresh")


def drift(urn: str, danger: Danger, *paths: str) -> DriftFinding:
    """A drift of these properties, judged; of none where the resource is gone."""
    diff = [PropertyChange(path, Kind.UPDATE, "a", "b") for path in paths]
    return DriftFinding(observed_of(urn, not paths, {}, {}, diff), "data", danger, (), "")


@given(systems(), systems(), st.sampled_from([Danger.DANGEROUS, Danger.UNCLEAR]))
def test_a_drift_of_what_a_plan_touches_is_refused_and_no_other(before: Graph, after: Graph, danger: Danger) -> None:
    snapshots = snapshot_of_graph(before)
    plan = plan_graph(after, snapshots, "the state")
    moving = {change.old_urn or change.urn for s in plan.stacks for change in s.changes if change.op in _TOUCHING}
    for snapshot in snapshots.values():
        for resource in snapshot.resources:
            for finding in (drift(resource.urn, danger, "path"), drift(resource.urn, danger)):
                found = drift_problems(saved_plan(after, snapshots), touched(plan), [finding], COMMANDS)
                refused = resource.custom and resource.urn in moving
                assert [item.code for item in found] == [saved.DRIFTED] * refused


_TOUCHING = {Op.UPDATE, Op.REPLACE, Op.DELETE}


def test_a_harmless_drift_is_let_be_by_an_update_of_something_else() -> None:
    snapshots = snapshot_of_graph(GRAPH)
    urn = snapshots["s-data"].resources[0].urn

    def found(graph: Graph, danger: Danger, *paths: str) -> tuple[Diagnostic, ...]:
        changes = touched(plan_graph(graph, snapshots, "the state"))
        return drift_problems(saved_plan(graph, snapshots), changes, [drift(urn, danger, *paths)], COMMANDS)

    longer = with_inputs(delaySeconds=5)
    assert not found(longer, Danger.HARMLESS, "tags.backup")
    assert found(longer, Danger.HARMLESS, "delaySeconds"), "the plan sets it too, from another value than was reviewed"
    assert found(longer, Danger.HARMLESS), "it is gone"
    assert found(replace(GRAPH, stacks=()), Danger.HARMLESS, "tags.backup"), "it would be deleted"
    (problem,) = found(longer, Danger.UNCLEAR, "tags.a", "tags.b", "kmsMasterKeyId")
    text = f"{QUEUE} q.queue, which p.json would update, is not as the state says any more: kmsMasterKeyId, tags differ"
    assert (problem.message, problem.location) == (text, Location("system.yaml", 7, 3))
    assert all(f"`{command}`" in problem.hint for command in COMMANDS)


def test_what_is_only_forgotten_is_not_touched() -> None:
    stack = GRAPH.stacks[0]
    kept = replace(stack.nodes[0], options=Options(retain_on_delete=True))
    snapshots = snapshot_of_graph(replace(GRAPH, stacks=(replace(stack, nodes=(kept,)),)))
    assert not touched(plan_graph(replace(GRAPH, stacks=()), snapshots, "the state"))
