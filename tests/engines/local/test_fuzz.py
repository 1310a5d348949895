"""Random systems, edits, failures and lost answers: after every single step the state is sound and knows the cloud.

1,000 runs by default; ``FUZZ_RUNS=10000`` for a night. A failure names the seed: ``run_seed(4711)`` repeats it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from mlops_iac.engines.events import Event
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Store
from mlops_iac.state import passphrase
from mlops_iac.state.checkpoint import verify

from ..parity.cloud import Cloud
from ..parity.ours import run_step
from ..parity.programs import STACK, seeded
from ..parity.systems import layered

EDITS = 5
RUNS = int(os.environ.get("FUZZ_RUNS", "1000"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("fuzz"), environ={"PULUMI_CONFIG_PASSPHRASE": "x"})
    made.prepare()
    return made


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """A key that is quick to derive, and no waiting for the disk: what a crash leaves is the subject of test_crash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "ITERATIONS", 1)
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


def run_seed(seed: int, store: Store) -> None:
    """One scenario, with answers that get lost, and a last run without failures that must bring peace."""
    shutil.rmtree(store.folder / "state", ignore_errors=True)
    random, cloud = Random(seed), Cloud()
    scenario = layered(seed, EDITS) if seed % 3 == 0 else seeded(seed, EDITS)

    def look(event: Event) -> None:
        problems = verify(store.load(event.urn.split("::")[1], STACK))
        assert not problems, (event, problems)

    for number, step in enumerate(scenario.steps):
        note(f"run_seed({seed}), step {number}: {step.action} {step.edits} {sorted(step.failing)}")
        names = [node.name for stack in step.stacks for node in stack.nodes if node.custom]
        verbs = ("create", "update", "delete")
        cloud.losing = frozenset(
            (random.choice(verbs), random.choice(names)) for _ in range(random.choice((0, 0, 1, 3)))
        )
        run_step(step, store, cloud, Settings(parallel=random.choice((1, 8)), on_event=look))
    cloud.losing = frozenset()
    last = [step for step in scenario.steps if step.action == "up"][-1]
    calm = replace(last, only=tuple(stack.layer for stack in last.stacks), failing=frozenset(), drift=())
    peace = [run_step(calm, store, cloud, Settings()).values() for _ in range(3)]
    if not any(seen.refused for run in peace for seen in run):
        second, third = peace[1:]
        quiet = all(seen.ok for seen in second) and not any(seen.calls for seen in third)
        assert quiet, "a run that nothing disturbs is not the last one"


@settings(max_examples=RUNS // (EDITS + 4))
@given(st.integers(0, 2**32))
def test_every_state_is_sound_and_knows_the_cloud(store: Store, seed: int) -> None:
    run_seed(seed, store)
