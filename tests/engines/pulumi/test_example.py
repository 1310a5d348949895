"""examples/fraud-detection through the projects below ``stacks/``: six layers, the real engine, stand-in providers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi_harness import (
    GOLDEN,
    PASSPHRASE,
    SYSTEM,
    Backend,
    Expected,
    needs_cli,
    observed,
    previewed,
    read_golden,
    write_golden,
)

from mlops_iac.cli.exports import exported_baseline
from mlops_iac.compose.composition import ComposeRequest
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import LAYERS, Graph
from mlops_iac.pipeline import Request, run_phases
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op


@pytest.fixture(scope="module")
def graph() -> Graph:
    compiled = run_phases(Request(ComposeRequest(SYSTEM, ("env=dev",))), "compile").graph
    assert compiled is not None
    return compiled


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> Backend:
    made = Backend.make(tmp_path_factory.mktemp("fraud"), graph)
    files = stack_files("fraud", str(SYSTEM))
    for layer in LAYERS:
        own = {Path(path).name: text for path, text in files.items() if Path(path).parent.name == layer}
        made.project(layer, own)
        made.run(layer, "stack", "init", "dev")
    return made


@pytest.mark.parametrize("layer", LAYERS)
def test_the_graph_is_what_the_real_engine_registered(layer: str, graph: Graph, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        pytest.skip("the records are being made anew")
    expected = Expected(graph)
    record = read_golden(GOLDEN / "fraud-detection" / f"{layer}.json")
    assert expected.registrations(layer) == record["registrations"]
    assert expected.exports(layer) == record["outputs"]
    assert sorted(expected.references_to(layer)) == record["stackReferences"]


@needs_cli
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_previews_when_nothing_was_deployed(layer: str, backend: Backend, graph: Graph) -> None:
    seen = previewed(json.loads(backend.run(layer, "preview", "--json").stdout))
    for record in Expected(graph, preview=True).registrations(layer):
        masked = dict.fromkeys(record.get("secrets", []), "[secret]")
        assert seen.pop(record["urn"]) == {**record["inputs"], **masked}
    assert not seen


@needs_cli
@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_deploys_as_the_graph_says(
    layer: str, backend: Backend, graph: Graph, request: pytest.FixtureRequest
) -> None:
    backend.run(layer, "up", "--yes", "--skip-preview")
    record = observed(backend.export(layer))
    if request.config.getoption("--update-golden"):
        write_golden(GOLDEN / "fraud-detection" / f"{layer}.json", record)
    expected = Expected(graph)
    assert record["registrations"] == expected.registrations(layer)
    assert record["outputs"] == expected.exports(layer)
    assert record["stackReferences"] == sorted(expected.references_to(layer))


@needs_cli
def test_a_preview_against_what_is_deployed_shows_no_change(
    backend: Backend, graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for layer in LAYERS:
        (tmp_path / f"{layer}.json").write_text(backend.sealed_export(layer), encoding="utf-8")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    baseline, compared = exported_baseline([tmp_path], graph)
    plan = plan_graph(graph, baseline.snapshots, baseline.text)
    assert compared == LAYERS and not baseline.notes
    assert [change for stack in plan.stacks for change in stack.changes if change.op is not Op.SAME] == []


@needs_cli
def test_wrong_yaml_is_a_located_message(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text("defaults: [env: dev, _self_]\nsystem: {name: fraud, ownr: a}\n", "utf-8")
    done = backend.run("data", "preview", "--config", f"fraud-data:system={tmp_path}", check=False)
    assert done.returncode != 0
    assert "system.yaml:2:" in done.stdout
    assert "did you mean" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
