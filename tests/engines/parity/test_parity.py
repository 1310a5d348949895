"""The local engine does what Pulumi's engine did: recorded runs everywhere, fresh ones where ``pulumi`` is on PATH."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store

from . import ours
from .golden import read_golden
from .known import KNOWN, explain, pulumi_hangs
from .observe import Seen, differences
from .programs import Scenario, seeded

GOLDEN = Path(__file__).parents[2] / "golden" / "engines" / "parity"
RECORDED = sorted(GOLDEN.glob("*.json.gz"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    # One for all: the key of the secrets is then derived once.
    made = Store(tmp_path_factory.mktemp("parity"), environ={"PULUMI_CONFIG_PASSPHRASE": "parity"})
    made.prepare()
    return made


def compare(scenario: Scenario, store: Store, theirs: Iterator[Seen]) -> Iterator[str]:
    """Every difference without a known reason, up to the first step that differs."""
    shutil.rmtree(store.folder / "state", ignore_errors=True)
    for number, mine in enumerate(ours.run(scenario, store)):
        if pulumi_hangs(mine):
            return
        other = next(theirs, None)
        if other is None:
            return
        found = list(differences(mine, other))
        yield from (f"{scenario.name} step {number}: {line}" for line in found if explain(line, mine) is None)
        if found:
            return


def test_enough_is_recorded() -> None:
    scenarios = [read_golden(path)[0] for path in RECORDED]
    steps = [step for scenario in scenarios for step in scenario.steps]
    assert len(scenarios) >= 30
    assert {step.action for step in steps} == {"up", "refresh", "destroy"}
    assert sum(bool(step.failing) for step in steps) >= 20


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_what_pulumi_did(path: Path, store: Store) -> None:
    scenario, seen = read_golden(path)
    assert list(compare(scenario, store, iter(seen))) == []


def test_every_known_difference_has_a_case(store: Store) -> None:
    # A reason that nothing needs any more would hide a fault.
    used = set()
    for path in RECORDED:
        scenario, seen = read_golden(path)
        shutil.rmtree(store.folder / "state", ignore_errors=True)
        for mine, other in zip(ours.run(scenario, store), seen, strict=False):
            used |= {explain(line, mine) for line in differences(mine, other)}
    assert used - {None} == set(KNOWN)


@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the pulumi CLI is not on PATH")
@pytest.mark.parametrize("seed", [1000, 1001])
def test_what_pulumi_does(seed: int, store: Store, tmp_path: Path) -> None:
    from .real import RealEngine

    with RealEngine(tmp_path) as engine:
        scenario = seeded(seed, 3)
        assert list(compare(scenario, store, engine.run(scenario))) == []
