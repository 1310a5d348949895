"""The real Pulumi engine, with stand-in providers, registers exactly the graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi_harness import (
    EXPORTS,
    GOLDEN,
    Backend,
    Expected,
    needs_cli,
    observed,
    previewed,
    read_golden,
    registered,
    stack_outputs,
    stack_references,
    write_golden,
)
from pulumi_sample import sample_graph

pytestmark = needs_cli

PROGRAM = """\
import pulumi
from pulumi_sample import sample_graph

from mlops_iac.engines.pulumi.errors import located_errors
from mlops_iac.engines.pulumi.program import register

graph = sample_graph(pulumi.get_stack())
with located_errors():
    register(graph.stack("{layer}"), system=graph.system)
"""
PROJECT = "name: sample-{layer}\nruntime: {{name: python, options: {{toolchain: pip}}}}\n"


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    made = Backend.make(tmp_path_factory.mktemp("pulumi"), sample_graph())
    for layer in ("foundation", "data"):
        made.project(layer, {"Pulumi.yaml": PROJECT.format(layer=layer), "__main__.py": PROGRAM.format(layer=layer)})
    made.run("data", "stack", "init", "dev")
    return made


def test_a_layer_previews_before_the_layer_below_was_deployed(backend: Backend) -> None:
    done = backend.run("data", "preview")
    assert "raw.encryption" in done.stdout
    assert "organization/sample-foundation/dev is not deployed yet: what is read from it (2) is unknown" in done.stdout
    # Then the stack exists and is empty.
    backend.run("foundation", "stack", "init", "dev")
    done = backend.run("data", "preview")
    assert "raw.encryption" in done.stdout
    assert not [call for call in backend.calls() if call["call"] in ("create", "update", "delete")]


def test_a_preview_knows_what_the_graph_knows(backend: Backend) -> None:
    expected = Expected(sample_graph(), preview=True)
    for layer in ("foundation", "data"):
        done = backend.run(layer, "preview", "--json")
        seen = previewed(json.loads(done.stdout))
        for record in expected.registrations(layer):
            masked = dict.fromkeys(record.get("secrets", []), "[secret]")
            assert seen.pop(record["urn"]) == {**record["inputs"], **masked}
        assert not seen


def test_an_update_says_what_has_to_be_deployed_first(backend: Backend) -> None:
    done = backend.run("data", "up", "--yes", "--skip-preview", check=False)
    assert done.returncode != 0
    assert "MI7210" in done.stdout
    assert "deploy the foundation layer first" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not [call for call in backend.calls() if call["call"] == "create"]


def test_both_layers_deploy_as_the_graph_says(backend: Backend, request: pytest.FixtureRequest) -> None:
    graph = sample_graph()
    expected = Expected(graph)
    for layer in ("foundation", "data"):
        backend.run(layer, "up", "--yes", "--skip-preview")
        deployment = backend.export(layer)
        assert registered(deployment) == expected.registrations(layer)
        assert stack_outputs(deployment) == expected.exports(layer)
        assert stack_references(deployment) == expected.references_to(layer)
        if request.config.getoption("--update-golden", default=False):
            write_golden(GOLDEN / "sample" / f"{layer}.json", observed(deployment))
            EXPORTS.mkdir(parents=True, exist_ok=True)
            (EXPORTS / f"{layer}.json").write_text(backend.sealed_export(layer), encoding="utf-8")
        assert observed(deployment) == read_golden(GOLDEN / "sample" / f"{layer}.json")


def test_a_second_preview_changes_nothing(backend: Backend) -> None:
    for layer in ("foundation", "data"):
        backend.run(layer, "preview", "--expect-no-changes")


def test_secrets_of_the_graph_are_encrypted(backend: Backend) -> None:
    state = "".join(path.read_text(encoding="utf-8") for path in Path(backend.root, "state").rglob("*.json"))
    for secret in ("correct horse", "hush-hush", "hunter2hunter2"):
        assert secret not in state
