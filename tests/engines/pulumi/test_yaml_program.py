"""The Pulumi YAML program that ``graph.forms`` writes, run by the real CLI."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi_harness import SYSTEM, Backend, Expected, needs_cli, previewed, registered
from pulumi_sample import sample_graph

from mlops_iac.compose.composition import ComposeRequest
from mlops_iac.graph.forms.pulumi_yaml import pulumi_yaml
from mlops_iac.graph.nodes import LAYERS, Graph, Stack
from mlops_iac.pipeline import Request, run_phases

pytestmark = [
    needs_cli,
    pytest.mark.skipif(shutil.which("pulumi-language-yaml") is None, reason="pulumi-language-yaml is not on PATH"),
]

LEFT_OUT = ("raw.monitor", "raw.after", "raw.bias", "raw.alarm")
"""Objects of a CRD become a ConfigGroup, which only the real Kubernetes provider constructs; of aws-native there is no
schema."""
SECRETS = {
    "foundation": {"keys-database-password": "correct horse", "output-keys-token": "hush-hush"},
    "data": {"raw-secret-stringData-password": "hunter2hunter2"},
}


def test_the_yaml_program_deploys_the_same_resources(tmp_path: Path) -> None:
    graph = _without_special_types(sample_graph())
    backend = Backend.make(tmp_path, graph)
    expected = Expected(graph)
    for stack in graph.stacks:
        layer = stack.layer.value
        backend.project(layer, {"Pulumi.yaml": pulumi_yaml(stack)})
        backend.run(layer, "stack", "init", "dev")
        for name, text in SECRETS[layer].items():
            backend.run(layer, "config", "set", "--secret", name, text)
        backend.run(layer, "preview")
        backend.run(layer, "up", "--yes", "--skip-preview")
        found = {(item["type"], item["name"]): item for item in map(_flat, registered(backend.export(layer)))}
        wanted = {
            (item["type"], item["name"]): item
            for item in map(_flat, _kept_by_parent(expected.registrations(layer)))
            if item.get("custom")
        }
        assert found == wanted


@pytest.mark.parametrize("layer", LAYERS)
def test_the_yaml_program_of_the_example_previews_every_resource(layer: str, tmp_path: Path) -> None:
    graph = run_phases(Request(ComposeRequest(SYSTEM, ("env=dev",))), "compile").graph
    stack = graph.stack(layer) if graph is not None else None
    assert graph is not None
    assert stack is not None
    backend = Backend.make(tmp_path, graph)
    backend.project(layer, {"Pulumi.yaml": pulumi_yaml(stack)})
    # Outputs of layers that do not exist cannot be read from a YAML program: their stacks are made, empty.
    for other in Expected(graph).references_to(layer):
        project = other.split("/")[1]
        if not (tmp_path / "stacks" / project).exists():
            backend.project(project, {"Pulumi.yaml": f"name: {project}\nruntime: yaml\n"})
        backend.run(project, "stack", "init", "dev")
    backend.run(layer, "stack", "init", "dev")
    seen = previewed(json.loads(backend.run(layer, "preview", "--json").stdout))
    assert {urn.rpartition("::")[2] for urn in seen} == {node.name for node in stack.nodes if node.custom}


def _kept_by_parent(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In Pulumi YAML a resource takes these options from its parent where it does not say them."""
    inherited = ("protect", "retainOnDelete")
    parents = {record["urn"]: record for record in records if record["custom"]}
    return [
        {**record, **{name: record.get(name) or parents.get(record["parent"], {}).get(name) for name in inherited}}
        for record in records
    ]


def _without_special_types(graph: Graph) -> Graph:
    return replace(graph, stacks=tuple(map(_kept, graph.stacks)))


def _kept(stack: Stack) -> Stack:
    return replace(stack, nodes=tuple(node for node in stack.nodes if node.name not in LEFT_OUT))


def _flat(record: dict[str, object]) -> dict[str, object]:
    """A record without what a YAML program cannot say: the components, and so the URNs, around a resource."""
    names = ("type", "custom", "inputs", "protect", "retainOnDelete", "ignoreChanges")
    kept = {name: record[name] for name in names if record.get(name)}
    return {**kept, "name": str(record["urn"]).rpartition("::")[2]}
