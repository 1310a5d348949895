"""What a plan decides: tables of tiny graphs beside whole expected changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlops_iac.graph.archives import archive, asset
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.graph.nodes import Graph, Layer, Stack
from mlops_iac.graph.values import Join, Ref, Secret, StackOutput, ToJson
from mlops_iac.plan.decision import diff_node
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Change, Kind, Op, Plan, PropertyChange
from mlops_iac.providers.facts import facts_of

from .graphs import COMPONENT, PROVIDER, THING, USER, facts, graph, key, node, snapshots, state, urn


def plan(new: Graph, *old: Any, outputs: Any = None) -> Plan:
    """The plan of ``new`` against those resources."""
    return plan_graph(new, snapshots(*old, outputs=outputs), "a state", facts)


def ops(made: Plan) -> dict[str, str]:
    """Operation by resource name."""
    return {change.name: change.op.value for stack in made.stacks for change in stack.changes}


def changes(made: Plan) -> dict[str, Change]:
    """Change by resource name."""
    return {change.name: change for stack in made.stacks for change in stack.changes}


def U(path: str, old: Any, new: Any, replaces: bool = False) -> PropertyChange:
    """An update of one property."""
    return PropertyChange(path, Kind.UPDATE, old, new, replaces)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, (), id="same"),
        pytest.param({"a": 1}, {"a": 1.0}, (), id="one-number"),
        pytest.param({"a": 1}, {"a": True}, (U("a", 1, True),), id="a-number-is-no-boolean"),
        pytest.param({"a": None}, {}, (), id="null-is-absent"),
        pytest.param({}, {"a": 0}, (PropertyChange("a", Kind.ADD, None, 0),), id="add"),
        pytest.param({"a": ""}, {}, (PropertyChange("a", Kind.DELETE, "", None),), id="delete"),
        pytest.param(
            {"a": {"b": [{"c": 1}, 2]}}, {"a": {"b": [{"c": 3}]}},
            (U("a.b[0].c", 1, 3), PropertyChange("a.b[1]", Kind.DELETE, 2, None)), id="nested",
        ),
        pytest.param({"t": {"app/name": 1}}, {"t": {"app/name": 2}}, (U('t["app/name"]', 1, 2),), id="quoted-key"),
        pytest.param(
            {"policy": '{"S": [{"A": "x"}],\n "V": 1}'}, {"policy": '{"V":1,"S":[{"A":"y"}]}'},
            (U("policy.S[0].A", "x", "y"),), id="inside-json",
        ),
        pytest.param({"p": '{"a": 1, "b": 2}'}, {"p": '{"b":2,"a":1}'}, (), id="json-spacing-and-order"),
        pytest.param({"p": '{"a": 1'}, {"p": '{"a": 2'}, (U("p", '{"a": 1', '{"a": 2'),), id="not-json"),
        pytest.param({"p": "{}"}, {"p": "[]"}, (U("p", "{}", "[]"),), id="another-kind-of-document"),
        pytest.param({"a": SecretValue("x")}, {"a": SecretValue("x")}, (), id="same-secret"),
        pytest.param(
            {"a": SecretValue("x")}, {"a": SecretValue("y")},
            (U("a", SecretValue("x"), SecretValue("y")),), id="another-secret",
        ),
        pytest.param(
            {"a": "x"}, {"a": SecretValue("y")}, (U("a", SecretValue("x"), SecretValue("y")),), id="turns-secret",
        ),
        pytest.param({"a": "x"}, {"a": SecretValue("x")}, (), id="turns-secret-with-the-same-value"),
        pytest.param({"a": "x"}, {"a": UNKNOWN}, (U("a", "x", UNKNOWN),), id="unknown"),
        pytest.param({"a": [1, 2]}, {"a": [1, UNKNOWN]}, (U("a[1]", 2, UNKNOWN),), id="unknown-item"),
        pytest.param({"f": asset("x")}, {"f": asset("x")}, (), id="same-file"),
        pytest.param({"f": asset("x")}, {"f": asset("y")}, (U("f", asset("x"), asset("y")),), id="another-file"),
        pytest.param(
            {"c": {**archive({"m.py": "x", "n.py": "1"}), "hash": "engine"}},
            {"c": archive({"m.py": "y", "n.py": "1"})},
            (U('c["m.py"]', asset("x"), asset("y")),), id="archive-by-entries",
        ),
        pytest.param(
            {"__defaults": ["acl"], "acl": "private", "a": {"__defaults": []}}, {"a": {}}, (), id="provider-defaults",
        ),
        pytest.param(
            {"__defaults": ["acl"], "acl": "private"}, {"acl": "public"}, (U("acl", "private", "public"),),
            id="a-default-overridden",
        ),
        pytest.param({"fixed": "a"}, {"fixed": "b"}, (U("fixed", "a", "b", True),), id="replaces"),
        pytest.param(
            {"maybe": "a"}, {"maybe": "b"}, (PropertyChange("maybe", Kind.UPDATE, "a", "b", may_replace=True),),
            id="may-replace",
        ),
        pytest.param(
            {}, {"nested": {"free": "x", "fixed": "y"}},
            (PropertyChange("nested", Kind.ADD, None, {"free": "x", "fixed": "y"}, True),), id="replaces-deep-inside",
        ),
        pytest.param(
            {"nested": {"hidden": "a"}}, {"nested": {"hidden": "b"}},
            (U("nested.hidden", SecretValue("a"), SecretValue("b")),), id="secret-by-type",
        ),
        pytest.param(
            {"hidden": "a"}, {"hidden": "b"}, (U("hidden", SecretValue("a"), SecretValue("b")),), id="secret-input",
        ),
    ],
)  # fmt: skip
def test_properties(old: dict[str, Any], new: dict[str, Any], expected: tuple[PropertyChange, ...]) -> None:
    decision = diff_node(node("a", new), new, state("a", old), facts(THING))
    assert decision.diff == expected
    assert (decision.op is Op.SAME) == (not expected)
    assert (decision.op is Op.REPLACE) == any(change.replaces for change in expected)


def test_a_whole_create() -> None:
    made = plan(graph(node("a", {"name": "x"}, protect=True, retain_on_delete=True)))
    assert made.stacks[0].changes == (
        Change(Op.CREATE, urn("a"), THING, "a", True, new={"name": "x"}, protect=True, retain=True),
    )
    assert made.summary() == {Op.CREATE: 1, Op.UPDATE: 0, Op.REPLACE: 0, Op.DELETE: 0, Op.SAME: 0}


def test_a_whole_replacement() -> None:
    made = plan(graph(node("a", {"name": "n", "fixed": "y"})), state("a", {"name": "n", "fixed": "x"}))
    assert made.stacks[0].changes == (
        Change(
            Op.REPLACE, urn("a"), THING, "a", True,
            old={"name": "n", "fixed": "x"},
            new={"name": "n", "fixed": "y"},
            diff=(U("fixed", "x", "y", True),),
            replace_reasons=("fixed",),
            delete_before_replace=True,
        ),
    )  # fmt: skip


def test_whole_deletes_come_last_and_users_go_first() -> None:
    kept = state("b", protect=True, retain_on_delete=True, parent=urn("c", COMPONENT))
    made = plan(graph(node("new")), state("c", type=COMPONENT), state("a"), kept)
    assert [(change.op, change.name) for change in made.stacks[0].changes] == [
        (Op.CREATE, "new"),
        (Op.DELETE, "b"),
        (Op.DELETE, "a"),
        (Op.DELETE, "c"),
    ]
    assert made.stacks[0].changes[1] == Change(
        Op.DELETE, urn("b"), THING, "b", True, parent=urn("c", COMPONENT), old={}, protect=True, retain=True
    )
    assert made.summary()[Op.DELETE] == 2


def test_another_name_may_stand_beside_the_old_one() -> None:
    made = plan(graph(node("a", {"name": "m", "fixed": "y"})), state("a", {"name": "n", "fixed": "x"}))
    assert not changes(made)["a"].delete_before_replace


@pytest.mark.parametrize(
    ("ignored", "old", "new", "op"),
    [
        (("replicas",), {"replicas": 2}, {"replicas": 5}, Op.SAME),
        (("replicas",), {}, {"replicas": 5}, Op.SAME),
        (("replicas",), {"replicas": 5}, {}, Op.SAME),
        (("spec.replicas",), {"spec": {"replicas": 2, "x": 1}}, {"spec": {"replicas": 5, "x": 2}}, Op.UPDATE),
        (("list[*].n",), {"list": [{"n": 1}, {"n": 2}]}, {"list": [{"n": 3}, {"n": 4}]}, Op.SAME),
        (('tags["a/b"]',), {"tags": {"a/b": 1}}, {"tags": {}}, Op.SAME),
        (("list[0]",), {"list": [1]}, {"list": [2, 3]}, Op.UPDATE),
        (("*",), {"a": 1}, {"b": 2}, Op.SAME),
        (("fixed",), {"fixed": "a"}, {"fixed": "b"}, Op.SAME),
    ],
)
def test_ignored_changes(ignored: tuple[str, ...], old: dict[str, Any], new: dict[str, Any], op: Op) -> None:
    made = plan(graph(node("a", new, ignore_changes=ignored)), state("a", old))
    assert changes(made)["a"].op is op
    if op is Op.SAME:
        assert changes(made)["a"].new == old


def test_ignored_changes_apply_to_a_create() -> None:
    assert changes(plan(graph(node("a", {"n": 1}, ignore_changes=("n",)))))["a"].new == {"n": 1}


def test_a_replacement_gets_what_is_declared_ignored_changes_included() -> None:
    new = node("a", {"fixed": "y", "free": "new"}, ignore_changes=("free",))
    change = changes(plan(graph(new), state("a", {"fixed": "x", "free": "old"})))["a"]
    assert (change.op, change.new) == (Op.REPLACE, {"fixed": "y", "free": "new"})


def test_replace_on_changes_leaves_the_order_to_the_option() -> None:
    new = node("a", {"name": "n", "spec": 2}, replace_on_changes=("spec",))
    assert not changes(plan(graph(new), state("a", {"name": "n", "spec": 1})))["a"].delete_before_replace


@pytest.mark.parametrize("pattern", ["spec", "spec.x", "*", "spec.*"])
def test_replace_on_changes(pattern: str) -> None:
    new = node("a", {"spec": {"x": 2}}, replace_on_changes=(pattern,), delete_before_replace=True)
    change = changes(plan(graph(new), state("a", {"spec": {"x": 1}})))["a"]
    assert (change.op, change.replace_reasons, change.delete_before_replace) == (Op.REPLACE, ("spec.x",), True)


A, B = key("a"), key("b", USER)


@pytest.mark.parametrize(
    ("source_new", "path", "expected"),
    [
        pytest.param({"name": "n", "size": 1}, ("arn",), "same", id="unchanged-source"),
        pytest.param({"name": "n", "size": 2}, ("arn",), "same", id="updated-source-keeps-its-outputs"),
        pytest.param({"name": "n", "size": 2}, ("size",), "update", id="a-changed-input-shows-through"),
        pytest.param({"name": "n", "fixed": "y"}, ("arn",), "update", id="replaced-source-is-unknown"),
        pytest.param({"name": "n", "fixed": "y"}, ("id",), "update", id="replaced-id-is-unknown"),
        pytest.param({"name": "n", "fixed": "y"}, ("name",), "same", id="what-the-inputs-say-is-known"),
    ],
)
def test_references(source_new: dict[str, Any], path: tuple[str], expected: str) -> None:
    before = {"name": "n", "size": 1}
    value = {"arn": "arn:a", "id": "id-a", **before}[path[0]]
    made = plan(
        graph(node("a", source_new), node("b", {"free": Ref(A, path)}, type=USER)),
        state("a", before),
        state("b", {"free": value}, type=USER, property_dependencies={"free": (urn("a"),)}),
    )
    assert ops(made)["b"] == expected


def test_a_replacement_cascades_through_a_property_that_cannot_change() -> None:
    chain = graph(
        node("a", {"fixed": "y"}),
        node("b", {"fixed": Ref(A, ("arn",))}, type=USER),
        node("c", {"text": Join(("s3://", Ref(B, ("id",))))}),
    )
    made = plan(
        chain,
        state("a", {"fixed": "x"}),
        state("b", {"fixed": "arn:a"}, type=USER),
        state("c", {"text": "s3://id-b"}),
    )
    assert ops(made) == {"a": "replace", "b": "replace", "c": "update"}
    assert changes(made)["b"].diff == (U("fixed", "arn:a", UNKNOWN, True),)
    assert changes(made)["c"].diff == (U("text", "s3://id-b", UNKNOWN),)


@pytest.mark.parametrize(
    ("dependencies", "expected"), [({"free": (urn("a"),)}, "same"), ({}, "update")], ids=["old-reference", "new-one"]
)
def test_an_output_that_the_state_lacks_is_no_change(dependencies: dict[str, Any], expected: str) -> None:
    made = plan(
        graph(node("a"), node("b", {"free": Ref(A, ("gone",))}, type=USER)),
        state("a"),
        state("b", {"free": "x"}, type=USER, property_dependencies=dependencies),
    )
    assert ops(made)["b"] == expected


def test_outputs_that_every_update_moves() -> None:
    template, group = "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup"
    made = plan(
        graph(
            node("t", {"imageId": "ami-2"}, type=template),
            node("g", {"version": Ref(key("t", template), ("latestVersion",))}, type=group),
        ),
        state("t", {"imageId": "ami-1"}, type=template, outputs={"latestVersion": 3}),
        state("g", {"version": 3}, type=group),
    )
    assert ops(made) == {"t": "update", "g": "update"}


def test_another_provider_region_replaces_what_the_provider_manages() -> None:
    old_provider = state("aws", {"region": "eu-west-1"}, type=PROVIDER)
    managed = state("a", provider=f"{urn('aws', PROVIDER)}::id-aws")
    new = graph(node("aws", {"region": "us-east-1"}, type=PROVIDER), node("a", provider=key("aws", PROVIDER)))
    made = plan(new, old_provider, managed)
    assert ops(made) == {"aws": "replace", "a": "replace"}
    assert changes(made)["a"].replace_reasons == ("provider",)


def test_a_provider_known_by_an_alias_replaces_nothing_although_it_is_replaced() -> None:
    # As Pulumi: stepGenerator.providerChanged answers before it looks at the configuration.
    old_provider = state("old", {"region": "eu-west-1"}, type=PROVIDER)
    managed = state("a", provider=f"{urn('old', PROVIDER)}::id-old")
    renamed = node("aws", {"region": "us-east-1"}, type=PROVIDER, aliases=("old",))
    made = plan(graph(renamed, node("a", provider=key("aws", PROVIDER))), old_provider, managed)
    assert ops(made) == {"aws": "replace", "a": "same"}


def test_another_provider_that_is_alike_replaces_nothing() -> None:
    old_provider = state("old", {"region": "eu-west-1"}, type=PROVIDER)
    managed = state("a", provider=f"{urn('old', PROVIDER)}::id-old")
    new = graph(node("aws", {"region": "eu-west-1"}, type=PROVIDER), node("a", provider=key("aws", PROVIDER)))
    assert ops(plan(new, old_provider, managed)) == {"aws": "create", "a": "same", "old": "delete"}


CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KUBERNETES = "pulumi:providers:kubernetes"


@pytest.mark.parametrize(
    ("switch", "immutable", "expected"),
    [({}, {}, Op.REPLACE), ({"enableConfigMapMutable": True}, {}, Op.UPDATE),
     ({"enableConfigMapMutable": True}, {"immutable": True}, Op.REPLACE)],
)  # fmt: skip
def test_config_maps_follow_their_provider(switch: dict[str, Any], immutable: dict[str, Any], expected: Op) -> None:
    def object_with(text: str) -> dict[str, Any]:
        return {"metadata": {"name": "m"}, "data": {"k": text}, **immutable}

    decision = diff_node(
        node("m", type=CONFIG_MAP), object_with("new"), state("m", object_with("old"), type=CONFIG_MAP),
        facts_of(CONFIG_MAP), provider_inputs=switch,
    )  # fmt: skip
    assert decision.op is expected
    assert decision.delete_before_replace == (expected is Op.REPLACE)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"kubeconfig": "a"}, {"kubeconfig": UNKNOWN}, Op.REPLACE),
        ({"kubeconfig": "a"}, {"kubeconfig": "b"}, Op.UPDATE),
        ({"kubeconfig": "a", "clusterIdentifier": "x"}, {"kubeconfig": UNKNOWN, "clusterIdentifier": "x"}, Op.UPDATE),
        ({"clusterIdentifier": "x"}, {"clusterIdentifier": "y"}, Op.REPLACE),
        ({}, {"clusterIdentifier": "y"}, Op.UPDATE),
    ],
)
def test_kubernetes_provider(old: dict[str, Any], new: dict[str, Any], expected: Op) -> None:
    before = state("k", old, type=KUBERNETES)
    assert diff_node(node("k", type=KUBERNETES), new, before, facts_of(KUBERNETES)).op is expected


@pytest.mark.parametrize(
    ("alias", "old_urn"),
    [("old", urn("old")), (urn("far", "aws:x/other:Other"), urn("far", "aws:x/other:Other"))],
    ids=["former-name", "former-urn"],
)
def test_an_alias_takes_over_the_state(alias: str, old_urn: str) -> None:
    made = plan(graph(node("a", {"n": 1}, aliases=(alias,))), replace(state("a", {"n": 1}), urn=old_urn))
    assert ops(made) == {"a": "same"}
    assert changes(made)["a"].old_urn == old_urn


def test_children_follow_the_alias_of_their_component() -> None:
    parent = key("new", COMPONENT)
    made = plan(
        graph(node("new", type=COMPONENT, aliases=("old",)), node("new.bucket", parent=parent)),
        state("old", type=COMPONENT),
        replace(state("x"), urn=f"urn:pulumi:dev::s-data::{COMPONENT}${THING}::old.bucket"),
    )
    assert ops(made) == {"new": "same", "new.bucket": "same"}


def test_what_the_engine_keeps_in_a_state_is_not_deleted() -> None:
    made = plan(
        graph(),
        state("s-data-dev", type="pulumi:pulumi:Stack"),
        state("foundation", type="pulumi:pulumi:StackReference"),
        state("default_7_0", type=PROVIDER),
        state("read", external=True),
        state("left-over", delete=True),
    )
    assert made.stacks[0].changes == ()


def _two_layers(fixed: str) -> Graph:
    serving = Stack(
        Layer.SERVING, "s-serving", "dev",
        (node("e", {"uri": StackOutput("data", "a.arn"), "name": StackOutput("data", "a.name")}, layer="serving"),),
    )  # fmt: skip
    outputs = {"a.arn": Ref(A, ("arn",)), "a.name": Ref(A, ("name",))}
    return graph(node("a", {"name": "n", "fixed": fixed}), outputs=outputs, more=(serving,))


def test_stack_outputs_follow_the_earlier_layer() -> None:
    created = plan_graph(_two_layers("x"), {}, "nothing", facts)
    assert created.stacks[0].outputs == {"a.arn": UNKNOWN, "a.name": "n"}
    assert changes(created)["e"].new == {"uri": UNKNOWN, "name": "n"}
    deployed = snapshot_of_graph(_two_layers("x"))
    assert set(ops(plan_graph(_two_layers("x"), deployed, "itself", facts)).values()) == {"same"}
    moved = plan_graph(_two_layers("y"), deployed, "before", facts)
    assert ops(moved) == {"a": "replace", "e": "update"}
    assert [change.path for change in changes(moved)["e"].diff] == ["uri"]


def test_an_output_that_cannot_have_moved_falls_back_to_the_deployed_one() -> None:
    made = plan(graph(node("a"), outputs={"x": Ref(A, ("gone",))}), state("a"), outputs={"x": "deployed"})
    assert made.stacks[0].outputs == {"x": "deployed"}


def test_a_layer_that_is_gone_is_deleted_after_the_others_last_layer_first() -> None:
    baseline = snapshot_of_graph(_two_layers("x"))
    made = plan_graph(Graph("s", "dev", ()), baseline, "before", facts)
    assert [(stack.layer, [c.op for c in stack.changes]) for stack in made.stacks] == [
        ("serving", [Op.DELETE]),
        ("data", [Op.DELETE]),
    ]


def test_a_reference_to_another_property_of_an_unchanged_resource_is_a_change() -> None:
    def users(path: str) -> Graph:
        return graph(node("a"), node("b", {"free": Ref(A, (path,))}, type=USER))

    made = plan_graph(users("endpoint"), snapshot_of_graph(users("arn")), "before", facts)
    assert changes(made)["b"].diff == (U("free", f"${{{THING} a.arn}}", f"${{{THING} a.endpoint}}"),)


def test_inputs_that_their_type_declares_secret_are_marked() -> None:
    type = "aws:rds/instance:Instance"
    made = plan_graph(graph(node("db", {"password": "x"}, type=type)), {}, "nothing")
    assert changes(made)["db"].new == {"password": SecretValue("x")}


def test_a_secret_inside_what_is_secret_as_a_whole_is_marked_once() -> None:
    type = "kubernetes:core/v1:Secret"
    made = plan_graph(graph(node("login", {"stringData": {"password": Secret("x")}}, type=type)), {}, "nothing")
    assert changes(made)["login"].new["stringData"] == SecretValue({"password": "x"})


def test_secret_outputs_stay_secret_where_they_are_used() -> None:
    made = plan(
        graph(
            node("a", additional_secret_outputs=("arn",)),
            node("b", {"text": Join(("x:", Ref(A, ("arn",)))), "policy": ToJson({"k": Secret("s")})}, type=USER),
        ),
        state("a"),
    )
    assert changes(made)["b"].new == {"text": SecretValue("x:arn:a"), "policy": SecretValue('{"k":"s"}')}
