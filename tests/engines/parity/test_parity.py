"""The local engine does what Pulumi's engine did: recorded runs everywhere, fresh ones where ``pulumi`` is on PATH."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store

from . import ours
from .golden import read_golden
from .known import KNOWN, compare, pulumi_hangs
from .observe import Run
from .programs import Scenario, seeded
from .systems import layered

GOLDEN = Path(__file__).parents[2] / "golden" / "engines" / "parity"
RECORDED = sorted(GOLDEN.glob("*.json.gz"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    # One for all: the key of the secrets is then derived once.
    made = Store(tmp_path_factory.mktemp("parity"), environ={"PULUMI_CONFIG_PASSPHRASE": "parity"})
    made.prepare()
    return made


def unexplained(scenario: Scenario, store: Store, theirs: Iterator[Run]) -> Iterator[str]:
    """Every difference without a known reason, up to the first step that differs."""
    shutil.rmtree(store.folder / "state", ignore_errors=True)
    for number, mine in enumerate(ours.run(scenario, store)):
        if pulumi_hangs(mine):
            return
        other = next(theirs, None)
        if other is None:
            return
        found = list(compare(mine, other))
        yield from (f"{scenario.name} step {number}: {line}" for line, reason in found if reason is None)
        if found:
            return


def test_enough_is_recorded() -> None:
    scenarios = [scenario for path in RECORDED if len((scenario := read_golden(path)[0]).steps[0].stacks) == 1]
    steps = [step for scenario in scenarios for step in scenario.steps]
    assert len(scenarios) >= 30
    assert {step.action for step in steps} == {"up", "refresh", "destroy"}
    assert sum(bool(step.failing) for step in steps) >= 20


def test_enough_is_recorded_of_several_layers() -> None:
    recorded = [read_golden(path) for path in RECORDED]
    layered = [(scenario, seen) for scenario, seen in recorded if len(scenario.steps[0].stacks) > 1]
    runs = [(step, run) for scenario, seen in layered for step, run in zip(scenario.steps, seen, strict=False)]
    assert len(layered) >= 20 and len(runs) >= 100
    assert {len(scenario.steps[0].stacks) for scenario, _ in layered} == {2, 3}
    assert {step.action for step, _ in runs} == {"preview", "up", "refresh", "destroy"}
    first = [scenario.steps[0].action for scenario, _ in layered]
    assert first.count("preview") >= 5, "what is previewed before anything was deployed"
    untried = [step.action for step, run in runs if len(run) < len(step.chosen)]
    assert {"up", "destroy"} <= set(untried), "a layer that fails keeps others from being tried"
    unread = [step for step, run in runs if step.action == "up" and any(seen.refused for seen in run.values())]
    assert len(unread) >= 5, "what is read is not exported, or not any more"
    readers = [run[layer] for _, run in runs for layer in ("models", "serving") if layer in run]
    assert any("'secret': 'd-" in str(seen.state) for seen in readers), "a secret of one layer in the state of another"


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_what_pulumi_did(path: Path, store: Store) -> None:
    scenario, seen = read_golden(path)
    assert list(unexplained(scenario, store, iter(seen))) == []


def test_every_known_difference_has_a_case(store: Store) -> None:
    # A reason that nothing needs any more would hide a fault.
    used = set()
    for path in RECORDED:
        scenario, seen = read_golden(path)
        shutil.rmtree(store.folder / "state", ignore_errors=True)
        for mine, other in zip(ours.run(scenario, store), seen, strict=False):
            used |= {reason for _, reason in compare(mine, other)}
    assert used - {None} == set(KNOWN)


@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the pulumi CLI is not on PATH")
@pytest.mark.parametrize("scenario", [seeded(1000, 3), seeded(1001, 3), layered(1000, 2)], ids=lambda one: one.name)
def test_what_pulumi_does(scenario: Scenario, store: Store, tmp_path: Path) -> None:
    from .real import RealEngine

    with RealEngine(tmp_path) as engine:
        assert list(unexplained(scenario, store, engine.run(scenario))) == []
