"""``--target local --engine pulumi``: the real engine against moto, by the local target's own providers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_harness import SYSTEM, needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
pytest.importorskip("moto", reason="the local target's packages are not installed")

from result_shape import check_shape

from mlops_iac.cli.init import project_files
from mlops_iac.engines.events import OwnPreview
from mlops_iac.engines.pulumi.automation.site import PulumiOptions
from mlops_iac.engines.pulumi.engine import PulumiEngine
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op

pytestmark = needs_cli
CHANGED = {"churn": "buckets.raw.keep=99d", "fraud": "buckets.raw.keep=500d"}
UNPROTECTED = {"churn": (), "fraud": ("buckets.models.protect=null",)}
slow = pytest.mark.skipif("MLOPS_IAC_SLOW" not in os.environ, reason="287 resources take minutes: set MLOPS_IAC_SLOW")


@pytest.fixture(params=["churn", pytest.param("fraud", marks=slow)])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a system, called as the system is."""
    folder = tmp_path / str(request.param)
    if request.param == "fraud":
        shutil.copytree(SYSTEM, folder, ignore=shutil.ignore_patterns(".mlops-iac", "__pycache__"))
    else:
        for name, text in project_files("churn").items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    return folder


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    yield


def compiled(folder: Path, *overrides: str) -> tuple[PulumiEngine, Graph]:
    graph = run_phases(request_at(folder, overrides), until="compile").graph
    assert graph is not None
    engine = PulumiEngine(folder, graph.system, "dev", PulumiOptions(local=True, overrides=overrides))
    return engine, engine.named(graph)


@pytest.mark.usefixtures("environment")
def test_a_whole_system_on_this_machine(system: Path) -> None:
    engine, graph = compiled(system)
    made = engine.up(graph)
    assert made.ok, made.failures
    check_shape("up", made)
    custom = sum(node.custom and not node.type.startswith("pulumi:") for node in graph.nodes())
    assert made.summary()[Op.CREATE] == custom
    assert all(outcome.recorded for stack in made.stacks for outcome in stack.recorded)

    plan = plan_graph(graph, engine.snapshots(graph), "the engine's state")
    assert {op for op, count in plan.summary().items() if count} == {Op.SAME}, "what was applied is what is declared"

    shell = f". {system}/.mlops-iac/pulumi/env && cd {system}/.mlops-iac/pulumi/stacks/data && "
    typed = ["sh", "-c", f"{shell}pulumi preview --stack dev --non-interactive --expect-no-changes"]
    assert subprocess.run(typed, capture_output=True).returncode == 0, "the same by plain pulumi"

    engine, changed = compiled(system, CHANGED[system.name])
    plan = plan_graph(changed, engine.snapshots(changed), "the engine's state")
    planned = {c.urn: c.op for stack in plan.stacks for c in stack.changes if c.custom and c.op is not Op.SAME}
    assert list(planned.values()) == [Op.UPDATE]
    assert engine.own_preview(plan, changed) == OwnPreview()
    updated = engine.up(changed)
    assert {outcome.urn: outcome.op for stack in updated.stacks for outcome in stack.done} == planned

    overrides = (CHANGED[system.name], *UNPROTECTED[system.name])
    engine, last = compiled(system, *overrides)
    assert engine.up(last).ok
    gone = engine.destroy(last)
    assert gone.ok, gone.failures
    assert engine.snapshots(last) == {}
    engine.stop_if_empty()
    assert not (system / ".mlops-iac" / "pulumi" / "moto.json").exists()
