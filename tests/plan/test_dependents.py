"""What goes along with a resource that is deleted before its replacement exists, as the plan shows it."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_iac.graph.nodes import Node
from mlops_iac.graph.values import Ref, Value
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Change, Op
from mlops_iac.state.snapshot import ResourceState

from .graphs import USER, facts, graph, key, node, snapshots, state, urn

OLD = state("a", {"name": "n", "fixed": "x"})
NEW = node("a", {"name": "n", "fixed": "y"})
"""Its name stays, so that it is deleted first."""


def user(name: str, of: str, **options: Any) -> Node:
    """A resource that would be replaced if it did not know the ARN of ``of``."""
    return node(
        name, {"fixed": Ref(key(of, USER if of != "a" else "aws:x/thing:Thing"), ("arn",))}, type=USER, **options
    )


def used(name: str, of: str, **fields: Any) -> ResourceState:
    """The same, deployed."""
    before = urn(of, USER) if of != "a" else urn(of)
    given = {"property_dependencies": {"fixed": (before,)}, "dependencies": (before,), **fields}
    return state(name, {"fixed": f"arn:{of}"}, type=USER, **given)


def changes(nodes: tuple[Node, ...], *old: ResourceState) -> dict[str, Change]:
    """Change by resource name."""
    made = plan_graph(graph(*nodes), snapshots(*old), "a state", facts)
    return {change.name: change for stack in made.stacks for change in stack.changes}


def test_what_cannot_outlive_it_is_replaced_with_it_users_first() -> None:
    found = changes((NEW, user("b", "a"), user("c", "b")), OLD, used("b", "a"), used("c", "b"))
    assert {name: change.op for name, change in found.items()} == dict.fromkeys("abc", Op.REPLACE)
    assert found["a"].takes_along == (urn("c", USER), urn("b", USER))
    for name in "bc":
        assert found[name].goes_with == urn("a")
        assert found[name].delete_before_replace and found[name].replace_reasons == ("fixed",)


def test_a_reference_to_something_known_is_replaced_all_the_same() -> None:
    # Its own inputs do not change: the name stays. Only the order forces it.
    link: dict[str, Value] = {"fixed": Ref(key("a"), ("name",))}
    found = changes((NEW, node("b", link, type=USER)), OLD, replaced_state(fixed="n"))
    assert found["b"].diff == () and found["b"].goes_with == urn("a")


def replaced_state(**inputs: Any) -> ResourceState:
    """``b``, whose ``fixed`` came from ``a``."""
    return state("b", inputs, type=USER, property_dependencies={"fixed": (urn("a"),)}, dependencies=(urn("a"),))


@pytest.mark.parametrize(
    ("new", "old"),
    [
        pytest.param(NEW, state("a", {"name": "m", "fixed": "x"}), id="the-new-one-comes-first"),
        pytest.param(node("a", {"name": "n", "fixed": "x", "free": 1}), OLD, id="an-update"),
    ],
)
def test_nothing_goes_along_unless_something_is_deleted_first(new: Node, old: ResourceState) -> None:
    found = changes((new, user("b", "a")), old, used("b", "a"))
    assert found["a"].takes_along == () and found["b"].goes_with is None


def test_what_can_change_in_place_stays() -> None:
    link: dict[str, Value] = {"name": Ref(key("a"), ("arn",))}
    old = state("b", {"name": "arn:a"}, type=USER, property_dependencies={"name": (urn("a"),)})
    found = changes((NEW, node("b", link, type=USER)), OLD, old)
    assert found["b"].op is Op.UPDATE


def test_what_ignores_the_change_stays() -> None:
    found = changes((NEW, user("b", "a", ignore_changes=("fixed",))), OLD, used("b", "a", ignore_changes=("fixed",)))
    assert found["b"].op is Op.SAME


def test_what_asks_for_it_goes() -> None:
    link: dict[str, Value] = {"name": Ref(key("a"), ("arn",))}
    old = state(
        "b", {"name": "arn:a"}, type=USER, property_dependencies={"name": (urn("a"),)}, replace_on_changes=("name",)
    )
    found = changes((NEW, node("b", link, type=USER, replace_on_changes=("name",))), OLD, old)
    assert found["b"].goes_with == urn("a")


def test_what_is_not_declared_any_more_is_deleted_first_too() -> None:
    found = changes((NEW,), OLD, used("b", "a"))
    assert found["a"].takes_along == (urn("b", USER),)
    assert found["b"].op is Op.DELETE


def test_what_was_planned_before_is_left_alone() -> None:
    free = node("b", {"fixed": "arn:a"}, type=USER)
    found = changes((free, NEW), OLD, used("b", "a"))
    assert found["b"].op is Op.SAME and found["a"].takes_along == ()


@pytest.mark.parametrize(
    ("before", "after", "refused"), [(True, True, True), (True, False, True), (False, True, False)]
)
def test_protection_holds_against_going_along(before: bool, after: bool, refused: bool) -> None:
    found = changes((NEW, user("b", "a", protect=after)), OLD, used("b", "a", protect=before))
    assert found["b"].protect is refused


@pytest.mark.parametrize(("before", "after"), [(True, True), (True, False), (False, True)])
def test_taking_the_protection_away_allows_a_replacement(before: bool, after: bool) -> None:
    new = node("a", {"name": "n", "fixed": "y"}, protect=after)
    found = changes((new,), state("a", {"name": "n", "fixed": "x"}, protect=before))
    assert found["a"].op is Op.REPLACE and found["a"].protect is (before and after)


def test_a_resource_that_was_deleted_to_be_replaced_is_created() -> None:
    found = changes(
        (node("a", {"name": "n", "fixed": "x"}),), state("a", {"name": "n", "fixed": "x"}, pending_replacement=True)
    )
    assert found["a"].op is Op.REPLACE and found["a"].delete_before_replace and found["a"].takes_along == ()
