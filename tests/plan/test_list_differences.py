"""Lists as people read them: the same item is compared with itself, wherever it stands."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.plan.alignment import IDENTITIES
from mlops_iac.plan.compare import Difference, differences, differences_to_read
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Kind, Op
from mlops_iac.plan.reviewed import Reviewed
from mlops_iac.render.json import preview_json

from .graphs import THING, facts, graph, node, snapshots, state

SCALARS = st.booleans() | st.integers(-3, 3) | st.text(alphabet="ab", max_size=3)
ITEMS = SCALARS | st.fixed_dictionaries({"name": st.text(alphabet="abc", min_size=1, max_size=2), "value": SCALARS})
NESTED = st.recursive(ITEMS, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
LISTS = st.lists(NESTED, max_size=6)
NAMED = st.lists(
    st.fixed_dictionaries({"name": st.text(alphabet="abcdef", min_size=1, max_size=2), "value": SCALARS}),
    max_size=6,
    unique_by=lambda item: item["name"],
)


def applied(old: Mapping[str, Any], found: list[Difference]) -> Any:
    """``old`` with the deletions taken out, the additions put in and the updates made, list by list from outside in."""
    return _applied(old, [(item.path, item) for item in found])


def _applied(value: Any, found: list[tuple[tuple[str | int, ...], Difference]]) -> Any:
    whole = next((item for path, item in found if not path), None)
    if whole is not None:
        return whole.new
    if isinstance(value, Mapping):
        made = dict(value)
        for key in {path[0] for path, _ in found}:
            below = [(path[1:], item) for path, item in found if path[0] == key]
            if any(not path and item.kind is Kind.DELETE for path, item in below):
                del made[key]
            else:
                made[key] = _applied(made.get(key), below)
        return made
    items = list(value)
    here = [(path[0], item) for path, item in found if len(path) == 1]
    for index, _ in sorted(((i, d) for i, d in here if d.kind is Kind.DELETE), key=lambda each: -int(each[0])):
        del items[int(index)]
    for index, item in sorted(((i, d) for i, d in here if d.kind is Kind.ADD), key=lambda each: int(each[0])):
        items.insert(int(index), item.new)
    moved = [(path, item) for path, item in found if len(path) > 1 or item.kind is Kind.UPDATE]
    for index in {path[0] for path, _ in moved}:
        items[int(index)] = _applied(items[int(index)], [(path[1:], item) for path, item in moved if path[0] == index])
    return items


def same(left: Any, right: Any) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


@given(LISTS | NAMED, LISTS | NAMED)
def test_the_differences_applied_to_the_old_give_the_new(old: list[Any], new: list[Any]) -> None:
    found = differences_to_read({"list": old}, {"list": new})
    assert same(applied({"list": copy.deepcopy(old)}, found), {"list": new})
    assert bool(found) == bool(differences({"list": old}, {"list": new}))


@given(LISTS | NAMED, st.data())
def test_one_item_more_or_less_is_one_difference(old: list[Any], data: st.DataObject) -> None:
    more = {"name": "zzz", "value": 1}
    new = list(old)
    new.insert(data.draw(st.integers(0, len(old))), more)
    ((_, kind, before, after),) = differences_to_read({"list": old}, {"list": new})
    assert (kind, before, after) == (Kind.ADD, None, more)
    ((_, kind, before, after),) = differences_to_read({"list": new}, {"list": old})
    assert (kind, before, after) == (Kind.DELETE, more, None)


@pytest.mark.parametrize("key", IDENTITIES)
def test_an_item_is_told_by_what_names_it(key: str) -> None:
    old = [{key: "a", "x": 1}, {key: "b", "x": 2}]
    new = [{key: "new", "x": 0}, {key: "a", "x": 1}, {key: "b", "x": 3}]
    assert differences_to_read({"list": old}, {"list": new}) == [
        (("list", 0), Kind.ADD, None, {key: "new", "x": 0}),
        (("list", 2, "x"), Kind.UPDATE, 2, 3),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param([{"name": "a", "x": 1}], [{"name": "b", "x": 1}], [("list[0].name", "update")], id="renamed"),
        pytest.param(["a", "b", "c"], ["c", "a", "b"], [("list[2]", "delete"), ("list[0]", "add")], id="moved"),
        pytest.param(["a", "b"], ["x", "b"], [("list[0]", "update")], id="changed"),
        pytest.param([1, 2], [True, 1, 2], [("list[0]", "add")], id="a truth is no number"),
    ],
)
def test_a_list_reads_as_what_was_done_to_it(old: list[Any], new: list[Any], expected: list[tuple[str, str]]) -> None:
    plan = plan_graph(graph(node("a", {"list": new})), snapshots(state("a", {"list": old})), "", facts)
    (change,) = plan.stacks[0].changes
    assert [(item.path, item.kind.value) for item in change.to_read] == expected


def test_statements_of_a_policy_document_are_told_by_their_sid() -> None:
    old = {"Statement": [{"Sid": "Read", "Action": "s3:Get"}]}
    new = {"Statement": [{"Sid": "Deny", "Action": "s3:*"}, {"Sid": "Read", "Action": "s3:Get"}]}
    found = differences_to_read({"policy": json.dumps(old)}, {"policy": json.dumps(new)})
    assert found == [(("policy", "Statement", 0), Kind.ADD, None, new["Statement"][0])]


def test_what_the_engine_decides_by_index_stays_so() -> None:
    """A replacement, its reason and what is checked against a reviewed plan keep the engine's paths."""
    old = {"list": [{"name": "a", "fixed": "1"}, {"name": "b", "fixed": "2"}]}
    new = {"list": [{"name": "new", "fixed": "0"}, *old["list"]]}
    plan = plan_graph(graph(node("a", new, type=THING)), snapshots(state("a", old)), "", facts)
    (change,) = plan.stacks[0].changes
    assert change.op is Op.REPLACE
    assert "list[0].fixed" in change.replace_reasons and "list[1].fixed" in change.replace_reasons
    assert [item.path for item in change.diff if item.replaces] == list(change.replace_reasons)
    assert [(item.path, item.replaces) for item in change.to_read] == [("list[0]", True)]


def test_a_reviewed_plan_with_an_insertion_allows_it_and_nothing_else() -> None:
    old = {"list": [{"name": "a", "free": "1"}, {"name": "b", "free": "2"}]}
    new = {"list": [{"name": "new", "free": "0"}, *old["list"]]}
    plan = plan_graph(graph(node("a", new)), snapshots(state("a", old)), "", facts)
    (document,) = preview_json(plan)["stacks"]
    reviewed = Reviewed("p.json", {change["urn"]: change for change in document["changes"]})
    assert reviewed.objections(plan.stacks[0].changes) == {}
    other = {"list": [{"name": "other", "free": "0"}, *old["list"]]}
    moved = plan_graph(graph(node("a", other)), snapshots(state("a", old)), "", facts)
    assert len(reviewed.objections(moved.stacks[0].changes)) == 1
