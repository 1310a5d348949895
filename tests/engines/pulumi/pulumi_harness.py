"""Runs the real Pulumi CLI on a temporary backend, and says what it should register for a graph."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from echo_provider import identity, outputs_of

from mlops_iac.graph import naming
from mlops_iac.graph.archives import SIGNATURE_KEY
from mlops_iac.graph.evaluate import (
    UNKNOWN,
    SecretValue,
    compact_json,
    contains_secret,
    contains_unknown,
    evaluate,
    property_at,
    reveal,
)
from mlops_iac.graph.nodes import Graph, Node, Stack
from mlops_iac.graph.values import NodeKey, Ref, StackOutput, Value, references
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.checkpoint import SECRET_SIGNATURE

HERE = Path(__file__).parent
GOLDEN = HERE.parents[1] / "golden" / "engines" / "pulumi"
"""Records of what the real engine registered, one file a layer; ``pytest --update-golden`` writes them anew."""
SYSTEM = HERE.parents[2] / "examples" / "fraud-detection"
EXPORTS = GOLDEN / "exports"
"""What ``pulumi stack export`` wrote for the sample, secrets sealed with ``PASSPHRASE``."""
PASSPHRASE = "test"
CLI = shutil.which("pulumi")
needs_cli = pytest.mark.skipif(CLI is None, reason="the pulumi CLI is not on PATH")
STACK_REFERENCE = "pulumi:pulumi:StackReference"
STACK = "pulumi:pulumi:Stack"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes an unknown."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A folder with a file backend, stand-in plugins and one Pulumi project for each layer."""

    root: Path

    @classmethod
    def make(cls, root: Path, graph: Graph) -> Backend:
        """Prepare ``root`` for the layers of ``graph``."""
        # Imported here: the golden comparison also runs where no Pulumi SDK is installed.
        from mlops_iac.engines.pulumi.plugin_server import plugin_script

        for folder in ("state", "home", "plugins"):
            (root / folder).mkdir(parents=True)
        for package in packages(graph):
            script = root / "plugins" / f"pulumi-resource-{package}"
            script.write_text(plugin_script(package, "echo_provider:make", python=sys.executable), encoding="utf-8")
            script.chmod(0o755)
        (root / "outputs.json").write_text(json.dumps(outputs_read(graph)), encoding="utf-8")
        return cls(root)

    def project(self, layer: str, files: Mapping[str, str]) -> None:
        """Write the files of a layer's project, with the stand-in plugins named in its Pulumi.yaml."""
        folder = self.root / "stacks" / layer
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        plugins = [
            {"name": path.name.removeprefix("pulumi-resource-"), "path": str(self.root / "plugins")}
            for path in sorted((self.root / "plugins").iterdir())
        ]
        with (folder / "Pulumi.yaml").open("a", encoding="utf-8") as out:
            out.write(f"plugins: {json.dumps({'providers': plugins})}\n")

    def run(self, layer: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``pulumi`` in the layer's project."""
        done = subprocess.run(
            [str(CLI), *arguments, "--non-interactive"],
            cwd=self.root / "stacks" / layer,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not check or done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def sealed_export(self, layer: str) -> str:
        """The layer's state as ``pulumi stack export`` writes it for anybody, secrets sealed."""
        return self.run(layer, "stack", "export").stdout

    def export(self, layer: str) -> dict[str, Any]:
        """The layer's state with secrets laid open."""
        text = self.run(layer, "stack", "export", "--show-secrets").stdout
        deployment: dict[str, Any] = json.loads(text)["deployment"]
        return deployment

    def calls(self) -> list[dict[str, Any]]:
        """What the providers were asked, in order."""
        log = self.root / "calls.jsonl"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def environment(self) -> dict[str, str]:
        """No network, no credentials, nothing of the user's own Pulumi."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AWS_"))}
        return {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(Path(str(CLI)).parent), os.environ["PATH"]]),
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[2])]),
            "ECHO_OUTPUTS": str(self.root / "outputs.json"),
            "ECHO_LOG": str(self.root / "calls.jsonl"),
        }


def packages(graph: Graph) -> tuple[str, ...]:
    """Every provider that the graph needs."""
    types = (node.type.removeprefix("pulumi:providers:") for node in graph.nodes() if node.custom)
    return tuple(sorted({token.split(":")[0] for token in types}))


def outputs_read(graph: Graph) -> dict[str, list[list[str | int]]]:
    """The output paths of each type that the graph reads."""
    found: dict[str, dict[tuple[str | int, ...], None]] = {}
    for stack in graph.stacks:
        for values in (*(node.inputs for node in stack.nodes), stack.outputs):
            for ref in references(values):
                if isinstance(ref, Ref) and ref.path[0] not in ("id", "urn"):
                    found.setdefault(ref.node.type, {})[ref.path] = None
    return {type: [list(path) for path in sorted(paths, key=str)] for type, paths in sorted(found.items())}


class Expected:
    """What a deployment of ``graph`` over the echo provider must have registered.

    With ``preview``, what a preview must see when nothing was ever deployed: outputs that are not inputs, and other
    stacks' outputs, are unknown.
    """

    def __init__(self, graph: Graph, *, preview: bool = False) -> None:
        self._preview = preview
        self._graph = graph
        self._index = {node.key: node for node in graph.nodes()}
        self._paths = outputs_read(graph)
        self._outputs: dict[NodeKey, Any] = {}
        self._exports: dict[tuple[str, str], Any] = {}
        for stack in graph.stacks:
            for node in stack.nodes:
                self._outputs[node.key] = self._outputs_of(node)
            for name, value in stack.outputs.items():
                self._exports[stack.layer, name] = evaluate(value, self._lookup)

    def registrations(self, layer: str) -> list[dict[str, Any]]:
        """One record a resource, sorted by URN."""
        stack = self._graph.stack(layer)
        assert stack is not None
        return sorted((self._registration(stack, node) for node in stack.nodes), key=lambda item: str(item["urn"]))

    def exports(self, layer: str) -> dict[str, Any]:
        """The stack outputs, secrets laid open."""
        return {name: reveal(value) for (owner, name), value in self._exports.items() if owner == layer}

    def references_to(self, layer: str) -> set[str]:
        """Full names of the stacks that the layer reads."""
        stack = self._graph.stack(layer)
        assert stack is not None
        return {
            f"organization/{naming.project(self._graph.system, ref.layer)}/{stack.name}"
            for values in (*(node.inputs for node in stack.nodes), stack.outputs)
            for ref in references(values)
            if isinstance(ref, StackOutput)
        }

    def _registration(self, stack: Stack, node: Node) -> dict[str, Any]:
        options = node.options
        inputs = {name: evaluate(value, self._lookup) for name, value in node.inputs.items()}
        by_property = {name: self._urns(stack, _read_by(value)) for name, value in node.inputs.items()}
        implicit = {urn for urns in by_property.values() for urn in urns}
        explicit = self._urns(stack, [key for given in options.depends_on for key in self._meant(stack, given)])
        root = f"urn:pulumi:{stack.name}::{stack.project}::{STACK}::{stack.project}-{stack.name}"
        record = {
            "urn": stack.urn(node, self._index),
            "type": node.type,
            "custom": node.custom,
            "parent": self._urn(stack, options.parent) if options.parent else root,
            "provider": self._urn(stack, options.provider) if options.provider else None,
            "inputs": reveal(inputs),
            "secrets": sorted(secret_names(node.type, inputs)),
            "dependencies": sorted(implicit | set(explicit)),
            "propertyDependencies": {name: urns for name, urns in sorted(by_property.items()) if urns},
            "protect": options.protect,
            "retainOnDelete": options.retain_on_delete,
            "ignoreChanges": list(options.ignore_changes),
            "replaceOnChanges": list(options.replace_on_changes),
            "additionalSecretOutputs": sorted(options.additional_secret_outputs),
        }
        return _slim(json.loads(compact_json(_unknown_as_text(record))))

    def _outputs_of(self, node: Node) -> Any:
        if not node.custom or (self._preview and self._unconfigured(node)):
            return {}
        inputs = reveal({name: evaluate(value, self._lookup) for name, value in node.inputs.items()})
        if self._preview:
            return inputs
        return outputs_of(node.type, node.name, inputs, self._paths.get(node.type, ()))

    def _unconfigured(self, node: Node) -> bool:
        """Whether the node's provider waits for something unknown: the engine then knows nothing of its resources."""
        if node.options.provider is None:
            return False
        config = self._index[node.options.provider].inputs
        return any(contains_unknown(evaluate(value, self._lookup)) for value in config.values())

    def _lookup(self, ref: Ref | StackOutput) -> Any:
        if isinstance(ref, StackOutput):
            return UNKNOWN if self._preview else self._exports[ref.layer, ref.name]
        if self._preview and ref.path == ("id",):
            return UNKNOWN
        if ref.path == ("id",):
            return identity(ref.node.type, ref.node.name)
        inputs = self._index[ref.node].inputs
        found = property_at(self._outputs[ref.node], ref.path)
        secret = contains_secret(evaluate(inputs.get(str(ref.path[0])), self._lookup))
        return SecretValue(found) if secret else found

    def _urn(self, stack: Stack, key: NodeKey) -> str:
        return stack.urn(self._index[key], self._index)

    def _urns(self, stack: Stack, keys: Any) -> list[str]:
        return sorted({self._urn(stack, key) for key in keys})

    def _meant(self, stack: Stack, key: NodeKey) -> Iterator[NodeKey]:
        if self._index[key].custom:
            yield key
            return
        for node in stack.nodes:
            if node.options.parent == key:
                yield from self._meant(stack, node.key)


def registered(deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of a ``pulumi stack export``, sorted by URN, without the stack and its references."""
    return sorted(
        (
            _record(resource)
            for resource in deployment["resources"]
            if resource["type"] not in (STACK, STACK_REFERENCE) and not _is_default_provider(resource)
        ),
        key=lambda item: str(item["urn"]),
    )


def previewed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of each resource in a ``pulumi preview --json``, by URN."""
    return {
        record["urn"]: record["inputs"]
        for record in (_record(step["newState"]) for step in document["steps"])
        if record["type"] not in (STACK, STACK_REFERENCE) and "::default" not in record["urn"]
    }


def stack_references(deployment: Mapping[str, Any]) -> set[str]:
    """Full names of the stacks that a deployment read."""
    return {item["inputs"]["name"] for item in deployment["resources"] if item["type"] == STACK_REFERENCE}


def stack_outputs(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """What a deployment exported, secrets laid open."""
    root = next(item for item in deployment["resources"] if item["type"] == STACK)
    found: dict[str, Any] = _open(root.get("outputs", {}))
    return found


def observed(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The golden record of a deployed layer."""
    return {
        "registrations": registered(deployment),
        "outputs": stack_outputs(deployment),
        "stackReferences": sorted(stack_references(deployment)),
    }


def read_golden(path: Path) -> dict[str, Any]:
    """A golden record."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def write_golden(path: Path, record: Mapping[str, Any]) -> None:
    """Keep ``record`` as a golden file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _record(resource: Mapping[str, Any]) -> dict[str, Any]:
    type = resource["type"]
    inputs = {name: value for name, value in resource.get("inputs", {}).items() if name != "__defaults"}
    if type.startswith("pulumi:providers:"):
        inputs = {name: value for name, value in inputs.items() if name not in ("version", "__internal")}
    by_property = resource.get("propertyDependencies") or {}
    provider = resource.get("provider")
    own = provider is not None and "::default" not in provider
    record = {
        "urn": resource["urn"],
        "type": type,
        "custom": resource["custom"],
        "parent": resource.get("parent"),
        "provider": provider.rpartition("::")[0] if own else None,
        "inputs": _open(inputs),
        "secrets": sorted(name for name, value in inputs.items() if _is_secret(value)),
        "dependencies": sorted(own_urns(resource.get("dependencies") or [])),
        "propertyDependencies": {
            name: sorted(own_urns(urns)) for name, urns in sorted(by_property.items()) if own_urns(urns)
        },
        "protect": resource.get("protect", False),
        "retainOnDelete": resource.get("retainOnDelete", False),
        "ignoreChanges": resource.get("ignoreChanges") or [],
        "replaceOnChanges": resource.get("replaceOnChanges") or [],
        "additionalSecretOutputs": sorted(_not_by_sdk(type, resource.get("additionalSecretOutputs") or [])),
    }
    return _slim(record)


def _slim(record: dict[str, Any]) -> dict[str, Any]:
    """``record`` without what says nothing."""
    return {name: value for name, value in record.items() if value or name in ("inputs", "custom")}


def _read_by(value: Value) -> list[NodeKey]:
    return [ref.node for ref in references(value) if isinstance(ref, Ref)]


def secret_names(type: str, inputs: Mapping[str, Any]) -> set[str]:
    """Names of inputs that hold a secret: by the program, or by the type's SDK class."""
    facts = facts_of(type)
    always = facts.secrets if facts is not None else frozenset()
    return {name for name, value in inputs.items() if contains_secret(value) or name in always}


def _unknown_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unknown_as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unknown_as_text(item) for item in value]
    return UNKNOWN_TEXT if value is UNKNOWN else value


def _not_by_sdk(type: str, names: list[str]) -> list[str]:
    facts = facts_of(type)
    return [name for name in names if facts is None or name not in facts.secrets]


def own_urns(urns: Iterable[str]) -> list[str]:
    """``urns`` without stack references, which stand for outputs of other stacks."""
    return [urn for urn in urns if f"::{STACK_REFERENCE}::" not in urn]


def _is_default_provider(resource: Mapping[str, Any]) -> bool:
    return resource["type"].startswith("pulumi:providers:") and "::default" in resource["urn"]


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get(SIGNATURE_KEY) == SECRET_SIGNATURE or any(map(_is_secret, value.values()))
    return isinstance(value, list) and any(map(_is_secret, value))


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return _open(json.loads(value["plaintext"]))
        return {name: _open(item) for name, item in value.items()}
    return [_open(item) for item in value] if isinstance(value, list) else value
