"""Tiny graphs, facts to judge them by, and strategies that make random ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import Join, NodeKey, Ref, Secret, StackOutput, ToBase64, ToJson, Value
from mlops_iac.providers.facts import PropertyFacts, Replaces, TypeFacts
from mlops_iac.state.snapshot import ResourceState, Snapshot

THING = "aws:x/thing:Thing"
USER = "aws:x/user:User"
PROVIDER = "pulumi:providers:aws"
COMPONENT = "mlops:data:Bucket"

_STRING = PropertyFacts("string")
_FIXED = PropertyFacts("string", replaces=Replaces.ALWAYS)
_MAYBE = PropertyFacts("string", replaces=Replaces.MAYBE)
_HIDDEN = PropertyFacts("string", secret=True)
_NESTED = PropertyFacts("object", properties={"fixed": _FIXED, "free": _STRING, "hidden": _HIDDEN})


def facts(token: str) -> TypeFacts | None:
    """Facts of the types in this file: ``fixed`` replaces, ``maybe`` may, ``hidden`` is secret."""
    if token not in (THING, USER):
        return None
    inputs = {"name": _STRING, "fixed": _FIXED, "maybe": _MAYBE, "hidden": _HIDDEN, "nested": _NESTED}
    return TypeFacts(token, {**inputs, "list": PropertyFacts("array", items=_NESTED)}, physical_name=("name",))


def key(name: str, type: str = THING, layer: str = "data") -> NodeKey:
    """A node's key."""
    return NodeKey(layer, type, name)


def node(
    name: str, inputs: Mapping[str, Value] | None = None, *, type: str = THING, layer: str = "data", **options: Any
) -> Node:
    """A node with those inputs and options; a component where its type says so."""
    return Node(key(name, type, layer), inputs or {}, Options(**options), custom=not type.startswith("mlops:"))


def graph(*nodes: Node, outputs: Mapping[str, Value] | None = None, more: tuple[Stack, ...] = ()) -> Graph:
    """A system of one layer with those nodes, and whatever stacks come after it."""
    return Graph("s", "dev", (Stack(Layer.DATA, "s-data", "dev", nodes, outputs or {}), *more))


def urn(name: str, type: str = THING, layer: str = "data") -> str:
    """The URN of a node without parent."""
    return f"urn:pulumi:dev::s-{layer}::{type}::{name}"


def state(name: str, inputs: Mapping[str, Any] | None = None, *, type: str = THING, **fields: Any) -> ResourceState:
    """A deployed resource; its outputs are its inputs and an ARN unless they are given."""
    values = inputs or {}
    outputs = fields.pop("outputs", {**values, "arn": f"arn:{name}"})
    made = ResourceState(urn(name, type), type, not type.startswith("mlops:"), f"id-{name}", values, outputs)
    return replace(made, **fields)


def snapshots(*resources: ResourceState, outputs: Mapping[str, Any] | None = None) -> dict[str, Snapshot]:
    """The state of the one layer."""
    return {"s-data": Snapshot("s-data", "dev", resources, outputs=outputs or {})}


_NAMES = st.sampled_from(["name", "fixed", "maybe", "hidden", "nested", "list", "tags", "policy"])
_SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(alphabet='ab{[$" ', max_size=6)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["fixed", "free", "hidden", "a.b", "x[0]"]), inner, max_size=3)
    ),
    max_leaves=6,
)
"""JSON data as inputs hold it."""


@st.composite
def graphs(draw: st.DrawFn, size: int = 6) -> Graph:
    """A random system of two layers, with references between resources and between layers."""
    data = draw(_nodes("data", size, ()))
    outputs: dict[str, Value] = {f"{n.name}.arn": Ref(n.key, ("arn",)) for n in data if n.custom}
    available = tuple(StackOutput("data", name) for name in outputs)
    serving = draw(_nodes("serving", size, available))
    return Graph(
        "s",
        "dev",
        (
            Stack(Layer.DATA, "s-data", "dev", data, outputs),
            Stack(Layer.SERVING, "s-serving", "dev", serving, {}),
        ),
    )


@st.composite
def _nodes(draw: st.DrawFn, layer: str, size: int, outputs: tuple[StackOutput, ...]) -> tuple[Node, ...]:
    provider = node("aws", {"region": draw(st.sampled_from(["eu-west-1", "us-east-1"]))}, type=PROVIDER, layer=layer)
    nodes = [provider]
    for name in draw(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=size)):
        if draw(st.booleans()) and draw(st.booleans()):
            nodes.append(node(name, type=COMPONENT, layer=layer))
            continue
        earlier = [item for item in nodes if item.custom and item.type != PROVIDER]
        inputs = draw(st.dictionaries(_NAMES, _values(earlier, outputs), max_size=4))
        parents = [item.key for item in nodes if item.type == COMPONENT]
        nodes.append(
            node(
                name,
                inputs,
                type=draw(st.sampled_from([THING, USER])),
                layer=layer,
                provider=provider.key if draw(st.booleans()) else None,
                parent=draw(st.sampled_from([None, *parents])),
                depends_on=tuple(draw(st.lists(st.sampled_from([n.key for n in nodes]), unique=True, max_size=2))),
            )
        )
    return tuple(nodes)


def _values(earlier: list[Node], outputs: tuple[StackOutput, ...]) -> st.SearchStrategy[Any]:
    paths = st.sampled_from([("id",), ("arn",), ("name",), ("nested", "fixed")])
    refs: list[st.SearchStrategy[Any]] = [st.builds(Ref, st.just(item.key), paths) for item in earlier]
    leaves = st.one_of(PLAIN, *refs, *([st.sampled_from(outputs)] if outputs else []))
    return st.one_of(
        leaves,
        st.builds(lambda part: Join(("x-", part)), leaves),
        st.builds(lambda part: ToJson({"Resource": [part], "Effect": "Allow"}), leaves),
        st.builds(Secret, leaves),
        st.builds(lambda text: ToBase64(text), st.text(max_size=4)),
        st.builds(lambda part: [part, "y"], leaves),
    )
