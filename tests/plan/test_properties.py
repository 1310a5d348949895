"""What holds of every plan, on random systems."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, contains_unknown, reveal
from mlops_iac.graph.nodes import Graph
from mlops_iac.plan.compare import differences
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Kind, Op
from mlops_iac.plan.paths import format_property, parse_property, restore

from .graphs import PLAIN, facts, graphs

INPUTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), PLAIN, max_size=3)


@given(INPUTS)
def test_nothing_differs_from_itself(inputs: dict[str, Any]) -> None:
    assert differences(inputs, copy.deepcopy(inputs)) == []


@given(INPUTS, INPUTS)
def test_patching_the_old_inputs_gives_the_new_ones(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = differences(old, new)
    patched = copy.deepcopy(old)
    for item in sorted(found, key=lambda item: [str(part).zfill(6) for part in item.path], reverse=True):
        if item.kind is Kind.DELETE:
            _put(patched, item.path, None, remove=True)
    for item in found:
        if item.kind is not Kind.DELETE:
            _put(patched, item.path, item.new)
    assert differences(patched, new) == []


@given(st.lists(st.text(min_size=1) | st.integers(0, 99), min_size=1, max_size=5))
def test_property_paths_read_back(path: list[str | int]) -> None:
    assert parse_property(format_property(path)) == tuple(path)


@given(INPUTS, INPUTS, st.sampled_from(["a", "b", "a.free", "a[*]", "*", "a.*.fixed"]))
def test_restoring_twice_changes_nothing_more(old: dict[str, Any], new: dict[str, Any], pattern: str) -> None:
    before = copy.deepcopy((old, new))
    once = restore(new, old, parse_property(pattern))
    assert restore(once, old, parse_property(pattern)) == once
    assert (old, new) == before


@given(graphs())
def test_a_graph_is_the_same_as_itself(graph: Graph) -> None:
    plan = plan_graph(graph, snapshot_of_graph(graph), "itself", facts)
    assert {change.op for stack in plan.stacks for change in stack.changes} <= {Op.SAME}
    assert plan_graph(graph, {}, "nothing", facts).summary()[Op.CREATE] == sum(n.exists_outside for n in graph.nodes())


@given(graphs())
def test_a_deployed_state_has_nothing_unknown(graph: Graph) -> None:
    for snapshot in snapshot_of_graph(graph).values():
        for resource in snapshot.resources:
            assert not contains_unknown(resource.inputs)
        assert not contains_unknown(snapshot.outputs)


@settings(max_examples=200)
@given(graphs(), graphs())
def test_a_plan_leads_from_one_graph_to_the_other(before: Graph, after: Graph) -> None:
    old, new = snapshot_of_graph(before), snapshot_of_graph(after)
    plan = plan_graph(after, old, "before", facts)
    for stack in plan.stacks:
        live = set(old[stack.project].live()) if stack.project in old else set()
        target = {r.urn: r for r in new[stack.project].resources} if stack.project in new else {}
        for change in stack.changes:
            if change.op is Op.CREATE:
                assert change.urn not in live
                live.add(change.urn)
            elif change.op is Op.DELETE:
                live.remove(change.urn)
            else:
                assert change.urn in live
            if change.new is not None:
                assert _fits(change.new, target[change.urn].inputs)
        assert live == set(target)


@given(graphs(), graphs())
def test_nothing_is_touched_before_what_it_depends_on(before: Graph, after: Graph) -> None:
    plan = plan_graph(after, snapshot_of_graph(before), "before", facts)
    for stack in plan.stacks:
        graph_stack = after.stack(stack.layer)
        assert graph_stack is not None
        index = {node.key: node for node in graph_stack.nodes}
        position = {change.urn: place for place, change in enumerate(stack.changes)}
        for node in graph_stack.nodes:
            here = position[graph_stack.urn(node, index)]
            for dependency in node.dependencies():
                assert position[graph_stack.urn(index[dependency], index)] < here
        deletes = [place for place, change in enumerate(stack.changes) if change.op is Op.DELETE]
        assert deletes == list(range(len(stack.changes) - len(deletes), len(stack.changes)))


def _put(target: Any, path: tuple[str | int, ...], value: Any, remove: bool = False) -> None:
    """Set or remove a place; a text on the way is a JSON document and is opened."""
    import json

    head, rest = path[0], path[1:]
    if rest:
        inner = target[head]
        if isinstance(inner, str):
            inner = json.loads(inner)
            _put(inner, rest, value, remove)
            target[head] = json.dumps(inner)
        else:
            _put(inner, rest, value, remove)
    elif remove:
        del target[head]
    elif isinstance(target, list) and head == len(target):
        target.append(value)
    else:
        target[head] = value


def _fits(planned: Any, deployed: Any) -> bool:
    """Whether what was planned is what came to be; anything unknown fits."""
    if isinstance(planned, SecretValue) or isinstance(deployed, SecretValue):
        return _fits(reveal(planned), reveal(deployed))
    if planned is UNKNOWN:
        return True
    if isinstance(planned, Mapping) and isinstance(deployed, Mapping):
        return set(planned) == set(deployed) and all(_fits(planned[key], deployed[key]) for key in planned)
    if isinstance(planned, list) and isinstance(deployed, list):
        return len(planned) == len(deployed) and all(map(_fits, planned, deployed))
    return bool(planned == deployed)
