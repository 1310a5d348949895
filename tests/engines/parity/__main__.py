"""Runs generated scenarios on both engines and says where they differ: ``python -m tests.engines.parity``."""

from __future__ import annotations

import argparse
import collections
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from mlops_iac.engines.local.store import Store

from . import ours
from .golden import write_golden
from .known import HANGS, compare, pulumi_hangs
from .observe import Run
from .programs import Scenario, seeded
from .real import CLI, BrokenRunError, RealEngine
from .systems import layered


def main() -> int:
    parser = argparse.ArgumentParser(prog="parity")
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--systems", type=int, default=50, help="how many programs of several layers besides")
    parser.add_argument("--edits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="the first scenario's seed")
    parser.add_argument("--record", type=Path, help="folder for golden files of what Pulumi did")
    given = parser.parse_args()
    if CLI is None:
        sys.stderr.write("the pulumi CLI is not on PATH\n")
        return 1
    started = time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    # In memory where that is possible: the engine rewrites its state at every step.
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as folder, RealEngine(Path(folder) / "real") as engine:
        store = Store(Path(folder) / "ours", environ={"PULUMI_CONFIG_PASSPHRASE": "parity"})
        store.prepare()
        for scenario in _scenarios(given):
            shutil.rmtree(store.folder / "state", ignore_errors=True)
            try:
                seen = list(_compare(scenario, store, engine, counts))
            except Exception as error:
                counts["broken"] += 1
                print(f"{scenario.name}: {type(error).__name__}: {error}\n{traceback.format_exc()[-1500:]}", flush=True)
            else:
                if given.record is not None and seen:
                    write_golden(given.record / f"{scenario.name}.json", scenario, seen)
    seconds = time.monotonic() - started
    what = f"{given.programs} programs of one layer, {given.systems} of several"
    print(f"{what}, {counts.pop('runs', 0)} runs on each engine, {seconds:.0f} s")
    for reason, count in counts.most_common():
        print(f"{count:5} {reason}")
    print(f"{counts['unexplained']} unexplained differences")
    return 1 if counts["unexplained"] or counts["broken"] else 0


def _scenarios(given: argparse.Namespace) -> Iterator[Scenario]:
    yield from (seeded(seed, given.edits) for seed in range(given.seed, given.seed + given.programs))
    yield from (layered(seed, given.edits) for seed in range(given.seed, given.seed + given.systems))


def _compare(scenario: Scenario, store: Store, engine: RealEngine, counts: collections.Counter[str]) -> Iterator[Run]:
    """Run a scenario on both engines up to the first step at which they differ; answers what Pulumi showed."""
    theirs = engine.run(scenario)
    for number, (step, mine) in enumerate(zip(scenario.steps, ours.run(scenario, store), strict=True)):
        if pulumi_hangs(mine):
            counts[HANGS] += 1
            return
        try:
            other = next(theirs)
        except BrokenRunError as broken:
            counts[str(broken)] += 1
            return
        counts["runs"] += len(other)
        yield other
        found = list(compare(mine, other))
        counts.update(reason or "unexplained" for _, reason in found)
        if found:
            print(
                f"{scenario.name} step {number} {step.action} {', '.join(step.only)} {list(step.edits)} {sorted(step.failing)}"
            )
            for line, reason in found:
                print(f"    {'(' + reason + ') ' if reason else ''}{line}", flush=True)
            # From here on the states differ, which is no new difference.
            return


if __name__ == "__main__":
    sys.exit(main())
