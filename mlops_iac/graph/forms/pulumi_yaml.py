"""One layer's graph as a Pulumi YAML program, which deploys without this project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from mlops_iac.graph import naming
from mlops_iac.graph.forms.yaml_text import dump_yaml, slug
from mlops_iac.graph.nodes import Node, Stack
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
    return dump_yaml(_Program(stack, adopt).document())


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
        name = slug((place,))
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
            base = slug(("provider", node.name))
        else:
            head, dot, suffix = node.name.partition(".")
            base = slug((*node.component, suffix) if dot and node.component else (head, suffix))
        candidates = chain((base, f"{base}-{kind}"), (f"{base}-{kind}-{number}" for number in count(2)))
        keys[node.key] = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(keys[node.key])
    return keys


def _escape(text: str) -> str:
    """Plain text for Pulumi YAML, which reads ``${`` as a reference and ``$$`` as one dollar sign."""
    ambiguous = "$$" in text or "${" in text or text.endswith("$")
    return text.replace("$", "$$") if ambiguous else text


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _is_custom_resource(type: str) -> bool:
    facts = facts_of(type) if type.startswith("kubernetes:") else None
    return facts is not None and facts.open
