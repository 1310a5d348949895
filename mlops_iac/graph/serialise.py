"""Writes one layer's graph as JSON, as a Pulumi YAML program, and as plain Kubernetes manifests.

The three forms answer three needs: JSON is the exact graph for other tools, and reads back; the Pulumi YAML
program deploys without this project; manifests show a cluster's owner what will be asked of the API server.
None of them holds a secret's text unless the caller asks for it. The same stack gives the same bytes.

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

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import chain, count
from typing import Any, Final

from mlops_iac.diagnostics import Location
from mlops_iac.graph import naming
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
    references,
)
from mlops_iac.providers.facts import facts_of

GRAPH_VERSION: Final = 1
MASK: Final = "[secret]"
"""What stands in place of a secret's text."""

_KEY_OPTIONS: Final = ("parent", "provider", "depends_on")


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


def pulumi_yaml(stack: Stack, *, adopt: bool = False) -> str:
    """A Pulumi YAML program that deploys this layer without this project.

    Pulumi YAML cannot declare a component around single resources, so component nodes are left out and their
    children stand at the top; ``adopt`` gives every resource the alias of its URN inside the component, with
    which the program takes over a state that the component program made. A custom resource becomes a
    ``ConfigGroup``, since Pulumi YAML refuses the type
    (https://github.com/pulumi/pulumi-kubernetes/issues/1971). A secret's text becomes a secret configuration
    value, to be set with ``pulumi config set --secret``. Raises ``ValueError`` where an input has a key that
    Pulumi YAML would take for a function call.

    Format: https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/
    """
    return _dump(_Program(stack, adopt).document())


def kubernetes_manifests(stack: Stack) -> list[tuple[str, str]]:
    """The layer's Kubernetes objects as manifests: file name and YAML text, one file a component.

    Objects stand in the order in which they have to be applied. What only an apply can fill in is written as
    ``<resource.property>`` and listed at the top of the file. Helm releases are no objects and are only
    named.
    """
    files: dict[str, list[Node]] = {}
    for node in stack.nodes:
        if node.custom and node.type.startswith("kubernetes:"):
            files.setdefault(_slug(node.component or (node.name,)) + ".yaml", []).append(node)
    inputs = {node.key: node.inputs for node in stack.nodes}
    return [(name, _manifest(files[name], inputs)) for name in sorted(files)]


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


@dataclass(slots=True)
class _Program:
    """One layer's Pulumi YAML program in the making; ``config`` collects the secrets that it asks for."""

    stack: Stack
    adopt: bool
    config: dict[str, Any] = field(default_factory=dict)
    keys: dict[NodeKey, str] = field(init=False)
    children: dict[NodeKey, list[NodeKey]] = field(init=False)
    custom: frozenset[NodeKey] = field(init=False)
    inputs: dict[NodeKey, Mapping[str, Value]] = field(init=False)
    order: dict[NodeKey, int] = field(init=False)

    def __post_init__(self) -> None:
        layers = {
            ref.layer for node in self.stack.nodes for ref in references(node.inputs) if isinstance(ref, StackOutput)
        }
        self.keys = _unique_keys(self.stack.nodes, layers)
        self.custom = frozenset(self.keys)
        self.inputs = {node.key: node.inputs for node in self.stack.nodes}
        self.order = {node.key: position for position, node in enumerate(self.stack.nodes)}
        self.children = {}
        for node in self.stack.nodes:
            if node.options.parent is not None:
                self.children.setdefault(node.options.parent, []).append(node.key)

    def document(self) -> dict[str, Any]:
        """The whole program as plain data in the order in which it is to be read."""
        index = {node.key: node for node in self.stack.nodes}
        resources = {self.keys[node.key]: self._resource(node, index) for node in self.stack.nodes if node.custom}
        outputs = {
            name: self._expression(value, f"output-{name}") for name, value in sorted(self.stack.outputs.items())
        }
        used = [
            ref.layer
            for value in (*(node.inputs for node in self.stack.nodes), self.stack.outputs)
            for ref in references(value)
            if isinstance(ref, StackOutput)
        ]
        document = {
            "name": self.stack.project,
            "runtime": "yaml",
            "description": f"Layer {self.stack.layer.value} of {self.stack.name}, written by mlops-iac.",
            "config": dict(sorted(self.config.items())),
            "resources": {**{layer: self._reference(layer) for layer in sorted(set(used))}, **resources},
            "outputs": outputs,
        }
        return {key: value for key, value in document.items() if value not in ({}, None)}

    def _reference(self, layer: str) -> dict[str, Any]:
        system = self.stack.project.removesuffix(f"-{self.stack.layer.value}")
        project = naming.project(system, layer)
        return {
            "type": "pulumi:pulumi:StackReference",
            "properties": {"name": f"${{pulumi.organization}}/{project}/{self.stack.name}"},
        }

    def _resource(self, node: Node, index: Mapping[NodeKey, Node]) -> dict[str, Any]:
        key = self.keys[node.key]
        properties = {name: self._expression(value, f"{key}-{name}") for name, value in sorted(node.inputs.items())}
        resource: dict[str, Any] = {"type": node.type, "name": node.name}
        if _is_custom_resource(node.type):
            resource["type"], properties = "kubernetes:yaml/v2:ConfigGroup", {"objs": [properties]}
        if properties:
            resource["properties"] = properties
        options = self._options(node)
        if self.adopt and node.options.parent is not None and not _is_custom_resource(node.type):
            options["aliases"] = [self.stack.urn(node, index), *options.get("aliases", [])]
        if options:
            resource["options"] = options
        return resource

    def _options(self, node: Node) -> dict[str, Any]:
        options = node.options
        depends_on = [key for target in options.depends_on for key in self._members(target) if key != node.key]
        data: dict[str, Any] = {
            "parent": self._symbol(options.parent) if options.parent in self.custom else None,
            "provider": self._symbol(options.provider) if options.provider in self.custom else None,
            "dependsOn": [self._symbol(key) for key in dict.fromkeys(depends_on)],
            "protect": options.protect,
            "retainOnDelete": options.retain_on_delete,
            "deleteBeforeReplace": options.delete_before_replace,
            "ignoreChanges": list(options.ignore_changes),
            "replaceOnChanges": list(options.replace_on_changes),
            "additionalSecretOutputs": list(options.additional_secret_outputs),
            "aliases": [alias if alias.startswith("urn:") else {"name": alias} for alias in options.aliases],
        }
        return {name: value for name, value in data.items() if value}

    def _members(self, key: NodeKey) -> Iterable[NodeKey]:
        """The resources that depending on ``key`` means: itself, or everything inside a component."""
        if key in self.custom:
            yield key
        else:
            for child in self.children.get(key, ()):
                yield from self._members(child)

    def _symbol(self, key: NodeKey | None) -> str:
        return f"${{{self.keys[key]}}}" if key is not None else ""

    def _expression(self, value: Value, place: str) -> Any:
        """``value`` as Pulumi YAML; ``place`` names the configuration key of a secret found in it."""
        if isinstance(value, str):
            return _escape(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Ref) and _is_custom_resource(value.node.type):
            # A ConfigGroup does not show its object's properties: what the inputs declare stands in.
            return self._expression(self._declared(value), place)
        if isinstance(value, Ref | StackOutput):
            return f"${{{self._access(value)}}}"
        if isinstance(value, Join):
            return self._text(value, place)
        if isinstance(value, ToJson):
            return {"fn::toJSON": self._expression(value.value, place)}
        if isinstance(value, ToBase64):
            return {"fn::toBase64": self._expression(value.value, place)}
        if isinstance(value, Secret):
            return self._secret(value.value, place)
        if isinstance(value, TextAsset):
            return {"fn::stringAsset": _escape(value.text)}
        if isinstance(value, Archive):
            entries = {name: {"fn::stringAsset": _escape(entry.text)} for name, entry in value.entries}
            return {"fn::assetArchive": entries}
        if isinstance(value, Mapping):
            if len(value) == 1 and next(iter(value)).lower().startswith("fn::"):
                raise ValueError(f"Pulumi YAML takes the key {next(iter(value))!r} in {place} for a function call")
            return {_escape(key): self._expression(item, f"{place}-{key}") for key, item in sorted(value.items())}
        return [self._expression(item, f"{place}-{i}") for i, item in enumerate(value)]

    def _text(self, value: Join, place: str) -> Any:
        parts = [self._expression(part, place) for part in value.parts]
        return "".join(parts) if all(isinstance(part, str) for part in parts) else {"fn::join": ["", parts]}

    def _secret(self, value: Value, place: str) -> Any:
        if any(True for _ in references(value)):
            return {"fn::secret": self._expression(value, place)}
        if isinstance(value, Mapping):
            return {_escape(key): self._secret(item, f"{place}-{key}") for key, item in sorted(value.items())}
        if isinstance(value, list | tuple):
            return [self._secret(item, f"{place}-{i}") for i, item in enumerate(value)]
        name = _slug((place,))
        kinds = {bool: "boolean", int: "integer", float: "number"}
        self.config[name] = {"type": kinds.get(type(value), "string"), "secret": True}
        return f"${{{name}}}"

    def _declared(self, ref: Ref) -> Value:
        found: Value = self.inputs[ref.node]
        for part in ref.path:
            if not isinstance(found, Mapping) or part not in found:
                path = ".".join(str(step) for step in ref.path)
                raise ValueError(f"Pulumi YAML cannot refer to {path} of the custom resource {ref.node.name!r}")
            found = found[str(part)]
        return found

    def _access(self, ref: Ref | StackOutput) -> str:
        if isinstance(ref, StackOutput):
            return f"{ref.layer}.outputs[{_quoted(ref.name)}]"
        text = self.keys[ref.node]
        for part in ref.path:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{part}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part) else f"[{_quoted(part)}]"
        return text


def _unique_keys(nodes: Iterable[Node], reserved: Iterable[str]) -> dict[NodeKey, str]:
    """A YAML key for each custom resource: component and suffix, made unique by its kind and then by a
    number."""
    taken = {"pulumi", *reserved}
    keys: dict[NodeKey, str] = {}
    for node in nodes:
        if not node.custom:
            continue
        kind = node.type.rpartition(":")[2].lower()
        if node.type.startswith("pulumi:providers:"):
            base = _slug(("provider", node.name))
        else:
            head, dot, suffix = node.name.partition(".")
            base = _slug((*node.component, suffix) if dot and node.component else (head, suffix))
        candidates = chain((base, f"{base}-{kind}"), (f"{base}-{kind}-{number}" for number in count(2)))
        keys[node.key] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(keys[node.key])
    return keys


def _slug(parts: Iterable[str | int]) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(str(part) for part in parts if part != "")).strip("-")


def _escape(text: str) -> str:
    """Plain text for Pulumi YAML, which reads ``${`` as a reference and ``$$`` as one dollar sign."""
    ambiguous = "$$" in text or "${" in text or text.endswith("$")
    return text.replace("$", "$$") if ambiguous else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _is_custom_resource(type: str) -> bool:
    facts = facts_of(type) if type.startswith("kubernetes:") else None
    return facts is not None and facts.open


def _input_at(inputs: Value, ref: Ref) -> Value:
    """What ``inputs`` declare at the path of ``ref``, or None."""
    found = inputs
    for part in ref.path:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[str(part)]
    return found


@dataclass(slots=True)
class _Manifest:
    """Writes values into manifests and notes what an apply has to fill in."""

    inputs: Mapping[NodeKey, Mapping[str, Value]]
    open: dict[str, None] = field(default_factory=dict)

    def plain(self, value: Value) -> Any:
        """``value`` as plain YAML data, with placeholders for what is not known."""
        if isinstance(value, Ref):
            known = _input_at(self.inputs.get(value.node, {}), value)
            if known is not None:
                return self.plain(known)
            return self._placeholder(f"{value.node.name}.{'.'.join(str(part) for part in value.path)}")
        if isinstance(value, StackOutput):
            return self._placeholder(f"{value.layer}: {value.name}")
        if isinstance(value, Secret):
            return self._placeholder("secret")
        if isinstance(value, Join):
            return "".join(_as_text(self.plain(part)) for part in value.parts)
        if isinstance(value, ToJson):
            return compact_json(self.plain(value.value))
        if isinstance(value, ToBase64):
            return self._placeholder(f"base64 of {_as_text(self.plain(value.value))}")
        if isinstance(value, TextAsset):
            return value.text
        if isinstance(value, Archive):
            return {name: entry.text for name, entry in value.entries}
        if isinstance(value, Mapping):
            return {key: self.plain(item) for key, item in value.items()}
        if value is None or isinstance(value, str | bool | int | float):
            return value
        return [self.plain(item) for item in value]

    def _placeholder(self, text: str) -> str:
        self.open[text] = None
        return f"<{text}>"


def _manifest(nodes: Iterable[Node], inputs: Mapping[NodeKey, Mapping[str, Value]]) -> str:
    documents, notes, writer = [], [], _Manifest(inputs)
    for node in nodes:
        if "apiVersion" in node.inputs and "kind" in node.inputs:
            documents.append(_dump(writer.plain(node.inputs)))
        else:
            notes.append(f"not an object: {node.type.rpartition(':')[2]} {node.name}")
    notes += [f"filled in by an apply: <{text}>" for text in sorted(writer.open)]
    comments = "".join(f"# {_one_line(note)}\n" for note in notes)
    return comments + "---\n".join(documents)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else compact_json(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _dump(data: Any) -> str:
    # Imported here: commands that only read a graph should not pay for the YAML writer.
    import yaml

    # libyaml's emitter is several times faster; no line is folded, so that both emitters write the same.
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc]
        """Block style, no anchors, and quotes around what some YAML reader takes for another type."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.add_representer(str, _represent_text)
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


_NOT_SURELY_TEXT: Final = re.compile(
    r"[-+.]?[0-9].*|[-+]?\.(inf|nan)|~|null|true|false|yes|no|on|off|y|n|", re.IGNORECASE | re.DOTALL
)
"""Text that YAML 1.1 or 1.2 might read as something else; Pulumi (Go) reads ``1e3`` and ``0o7`` as
numbers."""


def _represent_text(dumper: Any, text: str) -> Any:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = '"' if _NOT_SURELY_TEXT.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
