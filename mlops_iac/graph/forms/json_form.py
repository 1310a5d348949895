"""The exact graph of one layer as JSON data, for other tools; it reads back to an equal graph.

It holds no secret's text unless the caller asks for it. The same stack gives the same bytes.

Graph JSON (``version`` 1): ``layer``, ``project``, ``stack``, ``nodes`` and ``outputs``. A node has
``type``, ``name``, ``urn`` and ``inputs``, and where they say something ``custom`` (false for a component),
``options``, ``component`` (the configuration path) and ``source``. Plain data stands for itself; everything
else is an object with one key:

=============  =====================================================================================
``$ref``       an output of another resource: its ``layer``, ``type``, ``name`` and the ``path`` in it
``$output``    an output of another layer's stack: ``layer`` and ``name``
``$join``      text made of these parts
``$json``      the compact JSON text of the value, keys sorted
``$base64``    the base64 text of the value
``$secret``    a secret; its plain text reads ``[secret]`` unless it was asked for
``$asset``     a file with this text
``$archive``   an archive of files, name to text
``$object``    an object whose own keys start with ``$``
=============  =====================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from mlops_iac.diagnostics import Location
from mlops_iac.graph.evaluate import compact_json
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
)

GRAPH_VERSION: Final = 1
MASK: Final = "[secret]"
"""What stands in place of a secret's text."""


def graph_json(stack: Stack, *, secrets: bool = False) -> dict[str, Any]:
    """The graph of one layer as JSON data, in the form described above.

    ``secrets`` writes the text of secrets, which reading back to an equal graph needs.
    """
    index = {node.key: node for node in stack.nodes}
    return {
        "version": GRAPH_VERSION,
        "layer": stack.layer.value,
        "project": stack.project,
        "stack": stack.name,
        "nodes": [_node_json(node, stack.urn(node, index), secrets) for node in stack.nodes],
        "outputs": {name: _to_json(value, secrets) for name, value in sorted(stack.outputs.items())},
    }


def fingerprint(stack: Stack) -> str:
    """A hash of what the graph of one layer registers: not of where it was written, nor of its stack's name."""
    data = graph_json(stack, secrets=True)
    nodes = [{key: node[key] for key in node if key not in ("urn", "source", "component")} for node in data["nodes"]]
    return hashlib.sha256(compact_json({"nodes": nodes, "outputs": data["outputs"]}).encode()).hexdigest()


def stack_from_json(data: Mapping[str, Any]) -> Stack:
    """The layer that ``graph_json`` wrote. Raises ``ValueError`` on another version."""
    if data.get("version") != GRAPH_VERSION:
        raise ValueError(f"graph version {data.get('version')!r} is not {GRAPH_VERSION}")
    return Stack(
        Layer(data["layer"]),
        data["project"],
        data["stack"],
        tuple(_node_from_json(node, data["layer"]) for node in data["nodes"]),
        {name: _from_json(value) for name, value in data["outputs"].items()},
    )


def _node_json(node: Node, urn: str, secrets: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"type": node.type, "name": node.name, "urn": urn}
    if node.key.kind:
        data["kind"] = node.key.kind
    if not node.custom:
        data["custom"] = False
    data["inputs"] = {name: _to_json(value, secrets) for name, value in sorted(node.inputs.items())}
    options = _options_json(node.options)
    if options:
        data["options"] = options
    if node.component:
        data["component"] = list(node.component)
    if node.source is not None:
        data["source"] = {
            "file": node.source.file,
            "line": node.source.line,
            "column": node.source.column,
            **({"text": node.source.text} if node.source.text is not None else {}),
        }
    return data


def _options_json(options: Options) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for item in fields(options):
        value = getattr(options, item.name)
        if value == item.default:
            continue
        if item.name in ("parent", "provider"):
            data[item.name] = _key_json(value)
        elif item.name == "depends_on":
            data[item.name] = [_key_json(key) for key in value]
        else:
            data[item.name] = list(value) if isinstance(value, tuple) else value
    return {_camel(name): value for name, value in sorted(data.items())}


def _key_json(key: NodeKey) -> dict[str, str]:
    return {"layer": key.layer, "type": key.type, "name": key.name, **({"kind": key.kind} if key.kind else {})}


def _key_from_json(data: Mapping[str, str]) -> NodeKey:
    return NodeKey(data["layer"], data["type"], data["name"], data.get("kind", ""))


def _to_json(value: Value, secrets: bool, masked: bool = False) -> Any:
    def inner(item: Value) -> Any:
        return _to_json(item, secrets, masked)

    if value is None or isinstance(value, str | bool | int | float):
        return MASK if masked and value is not None else value
    if isinstance(value, Ref):
        return {"$ref": {**_key_json(value.node), "path": list(value.path)}}
    if isinstance(value, StackOutput):
        return {"$output": {"layer": value.layer, "name": value.name}}
    if isinstance(value, Join):
        return {"$join": [inner(part) for part in value.parts]}
    if isinstance(value, ToJson):
        return {"$json": inner(value.value)}
    if isinstance(value, ToBase64):
        return {"$base64": inner(value.value)}
    if isinstance(value, Secret):
        return {"$secret": _to_json(value.value, secrets, not secrets)}
    if isinstance(value, TextAsset):
        return {"$asset": inner(value.text)}
    if isinstance(value, Archive):
        return {"$archive": {name: inner(entry.text) for name, entry in value.entries}}
    if isinstance(value, Mapping):
        plain = {key: inner(item) for key, item in sorted(value.items())}
        return {"$object": plain} if any(key.startswith("$") for key in plain) else plain
    return [inner(item) for item in value]


def _from_json(data: Any) -> Value:
    if isinstance(data, list):
        return [_from_json(item) for item in data]
    if not isinstance(data, Mapping):
        return data  # type: ignore[no-any-return]
    if len(data) == 1:
        ((tag, body),) = data.items()
        if tag.startswith("$"):
            return _tagged(tag, body)
    return {key: _from_json(item) for key, item in data.items()}


def _tagged(tag: str, body: Any) -> Value:
    match tag:
        case "$ref":
            return Ref(_key_from_json(body), tuple(body["path"]))
        case "$output":
            return StackOutput(body["layer"], body["name"])
        case "$join":
            return Join(tuple(_from_json(part) for part in body))
        case "$json":
            return ToJson(_from_json(body))
        case "$base64":
            return ToBase64(_from_json(body))
        case "$secret":
            return Secret(_from_json(body))
        case "$asset":
            return TextAsset(body)
        case "$archive":
            return Archive(tuple((name, TextAsset(text)) for name, text in body.items()))
        case "$object":
            return {key: _from_json(item) for key, item in body.items()}
        case _:
            raise ValueError(f"graph JSON has the unknown tag {tag!r}")


def _node_from_json(data: Mapping[str, Any], layer: str) -> Node:
    source = data.get("source")
    return Node(
        NodeKey(layer, data["type"], data["name"], data.get("kind", "")),
        {name: _from_json(value) for name, value in data["inputs"].items()},
        _options_from_json(data.get("options", {})),
        data.get("custom", True),
        tuple(data.get("component", ())),
        Location(source["file"], source["line"], source["column"], source.get("text")) if source else None,
    )


def _options_from_json(data: Mapping[str, Any]) -> Options:
    values: dict[str, Any] = {}
    for item in fields(Options):
        value = data.get(_camel(item.name))
        if value is None:
            continue
        if item.name in ("parent", "provider"):
            values[item.name] = _key_from_json(value)
        elif item.name == "depends_on":
            values[item.name] = tuple(_key_from_json(key) for key in value)
        else:
            values[item.name] = tuple(value) if isinstance(value, list) else value
    return Options(**values)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
