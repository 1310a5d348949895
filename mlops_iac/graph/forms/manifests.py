"""A layer's Kubernetes objects as plain manifests, which show a cluster's owner what the API server will be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlops_iac.graph.evaluate import compact_json
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
)


def kubernetes_manifests(stack: Stack) -> list[tuple[str, str]]:
    """The layer's Kubernetes objects as manifests: file name and YAML text, one file a component.

    Objects stand in the order in which they have to be applied. What only an apply can fill in is written as
    ``<resource.property>`` and listed at the top of the file. Helm releases are no objects and are only
    named.
    """
    files: dict[str, list[Node]] = {}
    for node in stack.nodes:
        if node.custom and node.type.startswith("kubernetes:"):
            files.setdefault(slug(node.component or (node.name,)) + ".yaml", []).append(node)
    inputs = {node.key: node.inputs for node in stack.nodes}
    return [(name, _manifest(files[name], inputs)) for name in sorted(files)]


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
            documents.append(dump_yaml(writer.plain(node.inputs)))
        else:
            notes.append(f"not an object: {node.type.rpartition(':')[2]} {node.name}")
    notes += [f"filled in by an apply: <{text}>" for text in sorted(writer.open)]
    comments = "".join(f"# {_one_line(note)}\n" for note in notes)
    return comments + "---\n".join(documents)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else compact_json(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())
