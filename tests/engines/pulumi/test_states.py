"""States change hands: what one engine wrote, the other takes over without a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from echo_provider import make
from pulumi_harness import EXPORTS, PASSPHRASE, SYSTEM, Backend, needs_cli
from pulumi_sample import sample_graph

from mlops_iac.cli.exports import exported_baseline
from mlops_iac.compose.composition import ComposeRequest
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.store import Store
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.graph.nodes import LAYERS, Graph
from mlops_iac.pipeline import Request, run_phases
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Change, Op, Plan
from mlops_iac.state.snapshot import ResourceState, Snapshot


def changes(plan: Plan) -> list[Change]:
    return [change for stack in plan.stacks for change in stack.changes if change.op is not Op.SAME]


@pytest.fixture
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)


@pytest.fixture
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)


@pytest.mark.usefixtures("passphrase")
def test_what_the_real_engine_deployed_is_compared_without_a_change() -> None:
    graph = sample_graph()
    baseline, compared = exported_baseline([EXPORTS], graph)
    assert compared == ("foundation", "data") and not baseline.notes
    assert changes(plan_graph(graph, baseline.snapshots, baseline.text)) == []


@pytest.mark.usefixtures("passphrase")
def test_one_layer_is_compared_with_what_it_read_of_the_others() -> None:
    graph = sample_graph()
    baseline, compared = exported_baseline([EXPORTS / "data.json"], graph)
    assert compared == ("data",)
    plan = plan_graph(graph, baseline.snapshots, baseline.text, only=compared)
    assert [stack.layer for stack in plan.stacks] == ["data"] and changes(plan) == []


@pytest.mark.usefixtures("no_passphrase")
def test_secrets_without_a_passphrase_are_not_compared_and_that_is_said() -> None:
    graph = sample_graph()
    baseline, _ = exported_baseline([EXPORTS], graph)
    assert changes(plan_graph(graph, baseline.snapshots, baseline.text)) == []
    assert {note.code for note in baseline.notes} == {"MI7020"}
    assert all("PULUMI_CONFIG_PASSPHRASE" in note.hint for note in baseline.notes)


def test_a_wrong_passphrase_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    with pytest.raises(DiagnosticsError) as refused:
        exported_baseline([EXPORTS], sample_graph())
    assert [item.code for item in refused.value.diagnostics] == ["MI7021"]


@pytest.mark.usefixtures("passphrase")
def test_a_secret_that_differs_is_seen() -> None:
    graph = sample_graph()
    baseline, _ = exported_baseline([EXPORTS], graph)
    other = {project: with_other_secrets(snapshot) for project, snapshot in baseline.snapshots.items()}
    found = [item for change in changes(plan_graph(graph, other, "")) for item in change.diff]
    assert found and all(isinstance(item.old, SecretValue) for item in found)


def with_other_secrets(snapshot: Snapshot) -> Snapshot:
    def other(resource: ResourceState) -> ResourceState:
        inputs = {n: SecretValue("other") if isinstance(v, SecretValue) else v for n, v in resource.inputs.items()}
        return replace(resource, inputs=inputs)

    return replace(snapshot, resources=tuple(map(other, snapshot.resources)))


@pytest.fixture(scope="module")
def graph() -> Graph:
    compiled = run_phases(Request(ComposeRequest(SYSTEM, ("env=dev",))), "compile").graph
    assert compiled is not None
    return compiled


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> Backend:
    """The example applied by the local engine to the stand-in providers, and brought into fresh Pulumi stacks."""
    backend = Backend.make(tmp_path_factory.mktemp("imported"), graph)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHO_OUTPUTS", str(backend.root / "outputs.json"))
        patch.setenv("ECHO_LOG", str(backend.root / "local.jsonl"))
        store = Store(backend.root / "system", environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE})
        store.prepare()
        outputs = {}
        for stack in graph.stacks:
            result = apply_stack(stack, outputs, make, store)
            assert result.ok
            outputs[stack.layer.value] = result.outputs
    files = stack_files("fraud", str(SYSTEM))
    for stack in graph.stacks:
        layer = stack.layer.value
        backend.project(layer, {Path(p).name: text for p, text in files.items() if Path(p).parent.name == layer})
        backend.run(layer, "stack", "init", "dev")
        exported = backend.root / f"{layer}.json"
        exported.write_text(store.export(store.load(stack.project, stack.name)), encoding="utf-8")
        backend.run(layer, "stack", "import", "--file", str(exported))
    return backend


@needs_cli
@pytest.mark.parametrize("layer", LAYERS)
def test_the_real_engine_takes_over_a_local_state_without_a_change(layer: str, imported: Backend) -> None:
    done = imported.run(layer, "preview", "--diff", "--expect-no-changes", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
