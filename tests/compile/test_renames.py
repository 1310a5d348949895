"""`was`: a component under another name is the same one, in the plan, in the cloud and for those who read its outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.cli.init import project_files
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.provider import RecordingProvider
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.testing import check_renames

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
HEAD = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: small, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
"""
BEFORE = "buckets:\n  raw: {classification: confidential, keep: 30d}\n"


def graph_of(folder: Path, text: str) -> Graph:
    (folder / "system.yaml").write_text(HEAD + text, encoding="utf-8")
    graph = run_phases(request_at(folder), "compile").graph
    assert graph is not None
    return graph


def renamed(was: str, name: str = "landing") -> str:
    return f"buckets:\n  {name}: {{classification: confidential, keep: 30d, was: {was}}}\n"


def test_a_rename_changes_nothing_in_the_cloud(tmp_path: Path) -> None:
    store = Store(tmp_path, environ={})
    store.prepare()

    def up(graph: Graph) -> list[str]:
        done, outputs = [], {}
        for stack in graph.stacks:
            result = apply_stack(stack, outputs, lambda package, inputs: RecordingProvider(package), store)
            assert result.ok
            done += [f"{item.op} {item.name}" for item in result.done]
            outputs[stack.layer.value] = result.outputs
        return done

    up(graph_of(tmp_path, renamed("first", "raw").replace(", was: first", "")))
    after = graph_of(tmp_path, renamed("raw"))
    snapshots = {stack.project: store.load(stack.project, stack.name) for stack in after.stacks}
    changes = [change for stack in plan_graph(after, snapshots, "").stacks for change in stack.changes]
    assert [(change.name, change.diff) for change in changes if change.op is not Op.SAME] == []
    moved = {change.name: change.old_urn for change in changes if change.old_urn is not None}
    assert moved["landing.bucket"] is not None and moved["landing.bucket"].endswith("::raw.bucket")
    assert up(after) == []
    again = graph_of(tmp_path, renamed("[raw, landing]", "intake"))
    assert up(again) == []
    assert not any("::raw" in item.urn or "::landing" in item.urn for item in store.load("small-data", "dev").resources)


def test_outputs_are_exported_under_every_name(tmp_path: Path) -> None:
    stack = graph_of(tmp_path, renamed("raw")).stack("data")
    assert stack is not None
    assert stack.outputs["buckets.raw.name"] == stack.outputs["buckets.landing.name"]


def test_cloud_names_stay_those_of_the_oldest_name(tmp_path: Path) -> None:
    nodes = {node.name: node for node in graph_of(tmp_path, renamed("[raw, landing]", "intake")).nodes()}
    assert nodes["intake.bucket"].inputs["bucket"] == "small-dev-raw-111122223333"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_any_component_of_the_example_can_be_renamed(environment: str) -> None:
    """Names reach into hashes, texts and the order of lists of other components: nothing there may move."""
    assert check_renames(EXAMPLE, (f"env={environment}",)) >= 15


def test_any_component_of_the_starter_can_be_renamed(tmp_path: Path) -> None:
    for name, text in project_files("churn").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert check_renames(tmp_path) >= 6


def test_names_that_kinds_share_are_not_mixed_up(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(
        HEAD + BEFORE + "  reports: {classification: internal}\ncatalog:\n  raw: {results: reports}\n", encoding="utf-8"
    )
    assert check_renames(tmp_path) == 3


def test_another_layer_reads_the_output_that_is_deployed(tmp_path: Path) -> None:
    """It can then be previewed and applied before the layer of the renamed component was."""
    reader = "pipelines:\n  train:\n    steps:\n      train: {kind: training, framework: pytorch, version: '2.5', "
    reader += "script: steps/train.py, instance_type: ml.m5.xlarge, inputs: [%s], max_runtime: 2h}\n"
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "train.py").touch()
    before = graph_of(tmp_path, BEFORE + reader % "raw")
    after = graph_of(tmp_path, renamed("raw") + reader % "landing")
    assert before.stack("models") == after.stack("models")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (renamed("landing"), "it is `landing` now"),
        (BEFORE + "  other: {classification: internal, was: raw}\n", "`raw` is still declared"),
        (
            "buckets:\n  a: {classification: internal, was: raw}\n  b: {classification: internal, was: raw}\n",
            "bucket `a` says so too",
        ),
        (
            "buckets:\n  a: {classification: internal}\nnetwork: {cidr: 10.0.0.0/16, was: net}\n",
            "has no name of its own",
        ),
    ],
)
def test_a_name_that_it_cannot_have_had_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(DiagnosticsError) as refused:
        graph_of(tmp_path, text)
    (found,) = refused.value.diagnostics
    assert found.code == "MI3003" and expected in found.message
    assert found.location is not None and found.path[-1] == "was"
