"""Random systems of real resource types, and plans of them as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref, Secret, StackOutput, Value, join
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.saved import Making, SavedPlan, plan_document, read_plan
from mlops_iac.render.json import preview_json
from mlops_iac.state.snapshot import Snapshot

MAKING = Making("2026-01-02T03:04:05Z", "ada@ci", "1.2.3", "c0ffee", clean=True)
COMPONENT = "mlops:data:Bucket"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
PARAMETER = "aws:ssm/parameter:Parameter"
TYPES = (QUEUE, TOPIC, PARAMETER)


def document(graph: Graph, snapshots: Mapping[str, Snapshot], **changes: Any) -> dict[str, Any]:
    """The plan of ``graph`` against ``snapshots``, as a file holds it."""
    given: dict[str, Any] = {
        "making": MAKING,
        "engine": "local",
        "layers": LAYERS,
        "overrides": ("env=dev",),
        "refused": False,
        "policies": (),
        "salt": b"0123456789abcdef",
        **changes,
    }
    preview = preview_json(plan_graph(graph, snapshots, "the local state"))
    return plan_document(graph, snapshots, preview, {"text": "t\n", "markdown": "m\n"}, **given)


def saved_plan(graph: Graph, snapshots: Mapping[str, Snapshot], **changes: Any) -> SavedPlan:
    """The same, written and read back."""
    return read_plan(json.dumps(document(graph, snapshots, **changes)), "p.json", MAKING.tool)


@st.composite
def systems(draw: st.DrawFn) -> Graph:
    """Two layers; resources refer to each other, within the layer and across."""
    below = draw(_nodes(Layer.DATA, ()))
    outputs: dict[str, Value] = {f"{n.name}.arn": Ref(n.key, ("arn",)) for n in below if n.custom}
    above = draw(_nodes(Layer.SERVING, tuple(StackOutput("data", name) for name in outputs)))
    return Graph(
        "s",
        "dev",
        (Stack(Layer.DATA, "s-data", "dev", below, outputs), Stack(Layer.SERVING, "s-serving", "dev", above, {})),
    )


@st.composite
def _nodes(draw: st.DrawFn, layer: Layer, outputs: tuple[StackOutput, ...]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)):
        parents = [node.key for node in nodes if not node.custom]
        if draw(st.integers(0, 3)) == 0:
            nodes.append(Node(NodeKey(layer, COMPONENT, name), {}, custom=False, component=("buckets", name)))
            continue
        type = draw(st.sampled_from(TYPES))
        parent = draw(st.sampled_from([None, *parents]))
        options = Options(parent=parent, delete_before_replace=draw(st.booleans()))
        others = [node for node in nodes if node.custom]
        nodes.append(
            Node(
                NodeKey(layer, type, name),
                draw(_inputs(type, others, outputs)),
                options,
                component=("buckets", parent.name if parent else name),
            )
        )
    return tuple(nodes)


def _inputs(type: str, others: list[Node], outputs: tuple[StackOutput, ...]) -> st.SearchStrategy[dict[str, Value]]:
    texts: st.SearchStrategy[Value] = st.sampled_from(["x", "y", "z"])
    references: list[st.SearchStrategy[Value]] = [
        st.sampled_from([Ref(node.key, path), join("r-", Ref(node.key, path))])
        for node in others
        for path in (("id",), ("arn",))
    ]
    if outputs:
        references.append(st.sampled_from(outputs))
    any_text = st.one_of(texts, *references)
    tags = st.dictionaries(st.sampled_from("tu"), any_text, max_size=2)
    if type == QUEUE:
        fields: dict[str, st.SearchStrategy[Any]] = {"name": any_text, "delaySeconds": st.integers(0, 2), "tags": tags}
    elif type == TOPIC:
        fields = {"name": any_text, "displayName": any_text, "tags": tags}
    else:
        fields = {"name": texts, "type": texts, "value": st.one_of(any_text, st.builds(Secret, texts)), "tags": tags}
    required = {"name", "type"} if type == PARAMETER else set()
    return st.fixed_dictionaries(
        {name: value for name, value in fields.items() if name in required},
        optional={name: value for name, value in fields.items() if name not in required},
    )
