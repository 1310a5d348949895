"""The three written forms of a graph: exact, deterministic, readable by the tool they are for, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.diagnostics import Location
from mlops_iac.graph.evaluate import SecretValue, evaluate
from mlops_iac.graph.forms.json_form import graph_json, stack_from_json
from mlops_iac.graph.forms.manifests import kubernetes_manifests
from mlops_iac.graph.forms.pulumi_yaml import pulumi_yaml
from mlops_iac.graph.nodes import Layer, Node, Options, Stack
from mlops_iac.graph.values import (
    Archive,
    Join,
    NodeKey,
    Ref,
    Secret,
    StackOutput,
    TextAsset,
    ToBase64,
    ToJson,
    Value,
    join,
)

CANARY = "hunter2-canary"
ROOT = NodeKey("data", "mlops:data:Bucket", "raw")
AWS = NodeKey("data", "pulumi:providers:aws", "aws")
CLUSTER = NodeKey("data", "pulumi:providers:kubernetes", "research")
BUCKET = NodeKey("data", "aws:s3/bucket:Bucket", "raw.bucket")
NAMESPACE = NodeKey("data", "kubernetes:core/v1:Namespace", "raw.namespace")
SERVICE = NodeKey("data", "kubernetes:serving.kserve.io/v1beta1:InferenceService", "raw.model")
PATH = ("buckets", "raw")
PLACE = Location("system.yaml", 4, 3)


def _node(key: NodeKey, inputs: dict[str, Value], *, parent: NodeKey | None = ROOT, **options: Any) -> Node:
    return Node(key, inputs, Options(parent=parent, **options), key != ROOT, PATH, PLACE)


STACK = Stack(
    Layer.DATA,
    "fraud-data",
    "prod",
    (
        Node(AWS, {"region": "eu-west-1", "allowedAccountIds": ["000011112222"]}, component=PATH),
        Node(CLUSTER, {"kubeconfig": Secret(StackOutput("compute", "clusters.research.kubeconfig"))}, component=PATH),
        _node(ROOT, {}, parent=None),
        _node(
            BUCKET,
            {"bucket": "fraud-prod-raw", "tags": {"price": "US$5", "$odd": "${x} $$"}},
            provider=AWS,
            protect=True,
            retain_on_delete=True,
            ignore_changes=("tags",),
            aliases=("old", "urn:pulumi:prod::fraud-data::aws:s3/bucket:Bucket::older"),
        ),
        _node(
            NodeKey("data", "aws:s3/bucketPolicy:BucketPolicy", "raw.policy"),
            {
                "bucket": Ref(BUCKET, ("id",)),
                "policy": ToJson(
                    {
                        "Statement": [{"Resource": [Ref(BUCKET, ("arn",)), Join((Ref(BUCKET, ("arn",)), "/*"))]}],
                        "Vpc": StackOutput("foundation", "network.vpc_id"),
                    }
                ),
            },
            provider=AWS,
            depends_on=(ROOT,),
            delete_before_replace=True,
        ),
        _node(
            NodeKey("data", "aws:lambda/function:Function", "raw.notifier"),
            {
                "code": Archive((("index.py", TextAsset("print('${x}')\n")),)),
                "environment": {"variables": {"TOKEN": Secret(CANARY), "ALL": Secret({"a": CANARY, "n": 7})}},
                "userData": ToBase64(Join(("#!/bin/sh\necho ", Ref(BUCKET, ("id",))))),
                "mixed": Join(("x=", ToJson([1]), "$", Ref(BUCKET, ("lifecycleRules", 0, "a-b")))),
            },
            provider=AWS,
            additional_secret_outputs=("signature",),
            replace_on_changes=("mixed",),
        ),
        _node(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}}, provider=CLUSTER),
        _node(
            SERVICE,
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": {"name": "model", "namespace": Ref(NAMESPACE, ("metadata", "name"))},
                "spec": {"predictor": {"storageUri": Join(("s3://", Ref(BUCKET, ("id",)))), "on": "on", "v": "1e3"}},
            },
            provider=CLUSTER,
        ),
        _node(
            NodeKey("data", "kubernetes:core/v1:Secret", "raw.secret"),
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": Ref(SERVICE, ("metadata", "name"))},
                "data": {"token": ToBase64(Secret(CANARY))},
                "stringData": {"all": ToJson({"k": Secret(CANARY)})},
            },
            provider=CLUSTER,
        ),
        _node(
            NodeKey("data", "kubernetes:helm.sh/v3:Release", "raw.chart"),
            {"chart": "lakefs", "version": "1.2.3"},
            provider=CLUSTER,
        ),
    ),
    {"buckets.raw.arn": Ref(BUCKET, ("arn",)), "token": Secret(CANARY)},
)


def test_recorded_forms(golden: Callable[[str, str], None]) -> None:
    golden("graph/graph.json", json.dumps(graph_json(STACK), indent=2) + "\n")
    golden("graph/Pulumi.yaml", pulumi_yaml(STACK))
    golden("graph/Pulumi-adopt.yaml", pulumi_yaml(STACK, adopt=True))
    for name, text in kubernetes_manifests(STACK):
        golden(f"graph/{name}", text)


def test_no_form_holds_a_secret() -> None:
    text = json.dumps(graph_json(STACK)) + pulumi_yaml(STACK) + repr(kubernetes_manifests(STACK))
    assert CANARY not in text
    import base64

    assert base64.b64encode(CANARY.encode()).decode() not in text
    assert CANARY in json.dumps(graph_json(STACK, secrets=True))


def test_json_reads_back_to_the_same_graph() -> None:
    assert stack_from_json(json.loads(json.dumps(graph_json(STACK, secrets=True)))) == STACK


def test_json_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        stack_from_json({**graph_json(STACK), "version": 2})
    with pytest.raises(ValueError, match="unknown tag"):
        stack_from_json({**graph_json(STACK), "outputs": {"x": {"$what": 1}}})


TEXT = st.text(alphabet="a$${}`\"'\\ \n:#-1.é", max_size=8)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXT
    | st.builds(Ref, st.sampled_from([BUCKET, AWS]), st.sampled_from([("arn",), ("a-b", 0, "c d")]))
    | st.builds(StackOutput, st.just("compute"), st.sampled_from(["a.b", 'with "quote"']))
    | st.builds(TextAsset, TEXT)
    | st.builds(lambda text: Archive((("a.py", TextAsset(text)),)), TEXT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT, inner, max_size=3)
        | st.builds(lambda parts: Join(tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.builds(ToJson, inner)
        | st.builds(ToBase64, inner)
        | st.builds(Secret, inner)
    ),
    max_leaves=8,
)


def _stack(value: Value) -> Stack:
    key = NodeKey("data", "aws:x/thing:Thing", "thing")
    nodes = (Node(AWS, {}), Node(BUCKET, {}), Node(key, {"value": value}))
    return Stack(Layer.DATA, "fraud-data", "prod", nodes)


@given(VALUES)
def test_any_value_reads_back_from_json(value: Any) -> None:
    data = json.loads(json.dumps(graph_json(_stack(value), secrets=True)))
    assert stack_from_json(data) == _stack(value)
    assert graph_json(stack_from_json(data), secrets=True) == data


@given(VALUES)
def test_any_value_reads_back_from_pulumi_yaml(value: Any) -> None:
    document = yaml.safe_load(pulumi_yaml(_stack(value)))
    resources = document["resources"]
    program = next(r for r in resources.values() if r["type"] == "aws:x/thing:Thing")
    read = _read(program.get("properties", {}).get("value"), set(document.get("config", {})))
    assert read == _expected(value)


def test_yaml_is_sure_of_its_types() -> None:
    ambiguous = [
        "1e3",
        "0o17",
        "0x1f",
        "12:30",
        "1_000",
        "yes",
        "No",
        "on",
        "~",
        "null",
        "",
        ".5",
        "1.10",
        "2024-01-01",
    ]
    text = pulumi_yaml(_stack(ambiguous))
    assert [row.strip() for row in text.splitlines() if row.strip().startswith("- ")] == [f'- "{t}"' for t in ambiguous]


def test_a_key_that_is_a_function_is_refused() -> None:
    with pytest.raises(ValueError, match="function call"):
        pulumi_yaml(_stack({"fn::toJSON": 1}))


def test_a_status_of_a_custom_resource_is_refused() -> None:
    nodes = (Node(SERVICE, {}), Node(NodeKey("data", "aws:x/y:Y", "y"), {"url": Ref(SERVICE, ("status", "url"))}))
    with pytest.raises(ValueError, match=r"status\.url"):
        pulumi_yaml(Stack(Layer.DATA, "fraud-data", "prod", nodes))


def test_yaml_keys_are_unique() -> None:
    def named(type: str, name: str, path: tuple[str, ...]) -> Node:
        return Node(NodeKey("data", type, name), {}, component=path)

    nodes = (
        named("aws:a/a:A", "x.y", ("k", "x")),
        named("aws:a/b:B", "x.y", ("k", "x")),
        named("aws:c/b:B", "x.y", ("k", "x")),
        named("aws:a/a:A", "k-x.y", ()),
    )
    document = yaml.safe_load(pulumi_yaml(Stack(Layer.DATA, "fraud-data", "prod", nodes)))
    assert list(document["resources"]) == ["k-x-y", "k-x-y-b", "k-x-y-b-2", "k-x-y-a"]


def test_manifests_are_plain_objects_in_order() -> None:
    (name, text), *rest = kubernetes_manifests(STACK)
    assert (name, rest) == ("buckets-raw.yaml", [])
    assert [document["kind"] for document in yaml.safe_load_all(text)] == ["Namespace", "InferenceService", "Secret"]


def _read(data: Any, config: set[str]) -> Any:
    """What Pulumi would make of a property: references as text marks, secrets as ``secret``."""
    if isinstance(data, str):
        return _interpolated(data, config)
    if isinstance(data, list):
        return [_read(item, config) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((name, body),) = data.items()
        if name in ("fn::toJSON", "fn::toBase64", "fn::stringAsset"):
            return {name: _read(body, config)}
        if name == "fn::assetArchive":
            return {name: {key: _read(item, config) for key, item in body.items()}}
        if name == "fn::secret":
            return {name: _read(body, config)}
        if name == "fn::join":
            return {"join": [_read(item, config) for item in body[1]]}
    return {_interpolated(key, config): _read(item, config) for key, item in data.items()}


def _interpolated(text: str, config: set[str]) -> str:
    """Pulumi's reading of a text: two dollar signs are one, ``${...}`` is a reference."""
    out, rest = "", text
    while rest:
        if rest.startswith("$$"):
            out, rest = out + "$", rest[2:]
        elif rest.startswith("${"):
            found = re.match(r'\$\{((?:"(?:\\"|[^"])*"|[^}"])*)\}', rest)
            assert found, text
            out += "<secret>" if found[1] in config else f"<{found[1]}>"
            rest = rest[found.end() :]
        else:
            out, rest = out + rest[0], rest[1:]
    return out


def _expected(value: Any) -> Any:
    """The same, straight from the value."""
    if isinstance(value, Ref):
        name = {BUCKET: "raw-bucket", AWS: "provider-aws"}[value.node]
        return f"<{name}.arn>" if value.path == ("arn",) else f'<{name}["a-b"][0]["c d"]>'
    if isinstance(value, StackOutput):
        return "<compute.outputs[" + json.dumps(value.name).replace("\\\\", "\\") + "]>"
    if isinstance(value, Join):
        parts = [_expected(part) for part in value.parts]
        return "".join(parts) if all(isinstance(part, str) for part in parts) else {"join": parts}
    if isinstance(value, ToJson):
        return {"fn::toJSON": _expected(value.value)}
    if isinstance(value, ToBase64):
        return {"fn::toBase64": _expected(value.value)}
    if isinstance(value, Secret):
        return _secret(value.value)
    if isinstance(value, TextAsset):
        return {"fn::stringAsset": value.text}
    if isinstance(value, Archive):
        return {"fn::assetArchive": {name: {"fn::stringAsset": entry.text} for name, entry in value.entries}}
    if isinstance(value, dict):
        return {key: _expected(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_expected(item) for item in value]
    return value


def _secret(value: Any) -> Any:
    from mlops_iac.graph.values import references

    if any(True for _ in references(value)):
        return {"fn::secret": _expected(value)}
    if isinstance(value, dict):
        return {key: _secret(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_secret(item) for item in value]
    return "<secret>"


def test_evaluating_what_was_read_back_gives_the_same() -> None:
    read = stack_from_json(json.loads(json.dumps(graph_json(STACK, secrets=True))))
    for before, after in zip(STACK.nodes, read.nodes, strict=True):
        assert evaluate(before.inputs, str) == evaluate(after.inputs, str)
    assert evaluate(read.outputs["token"], str) == SecretValue(CANARY)
    assert join("a", "b") == "ab"
