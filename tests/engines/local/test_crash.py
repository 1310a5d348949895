"""SIGKILL at every step boundary of an apply: nothing is ever unknown to both state and pending list, and nothing is
made twice."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_iac.engines.local import store as store_module
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Ledger, Store
from mlops_iac.graph.nodes import Stack
from mlops_iac.state import passphrase
from mlops_iac.state.checkpoint import verify

from .fake import FakeProvider, chain, factory, overhaul, stack

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def quick_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of processes derive a key each; how slow that is does not matter here."""
    monkeypatch.setattr(passphrase, "ITERATIONS", 1)


SCENARIOS: dict[str, tuple[Stack | None, Stack]] = {
    "up": (None, chain(40)),
    "update": (chain(20), chain(20, timeout=60)),
    "replace, create first": (chain(14), chain(14, cidr="10.1", suffix="x")),
    "everything at once": (overhaul(), overhaul(changed=True)),
    "destroy": (chain(20), stack()),
    "destroy what was changed": (overhaul(changed=True), stack()),
}


class Boundaries:
    """Counts the step boundaries of a run and kills the process at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.count = 0
        self.kill_at = kill_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _watch_state(boundary: Callable[[], None]) -> None:
    """Make every write of journal and checkpoint a boundary, before and after it reaches the disk."""
    append, write = Ledger._append, store_module.write_atomic

    def watched_append(self: Ledger, edit: store_module.Edit) -> None:
        boundary()
        append(self, edit)
        boundary()

    def watched_write(path: Path, data: bytes) -> None:
        boundary()
        write(path, data)
        boundary()

    Ledger._append = watched_append  # type: ignore[method-assign]
    store_module.write_atomic = watched_write


def _run(folder: Path, wanted: Stack, kill_at: int | None, parallel: int) -> int:
    """Apply in a child process; answers its number of boundaries, or -1 when it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            boundaries = Boundaries(kill_at)
            _watch_state(boundaries)
            store = Store(folder, environ={"PULUMI_CONFIG_PASSPHRASE": "x"})
            with store.locked("up"):
                provider = FakeProvider(folder / "cloud", boundaries)
                result = apply_stack(wanted, {}, factory(provider), store, Settings(parallel=parallel))
            print(*result.failures, sep="\n", file=sys.stderr, flush=True)
            os.write(write, f"{boundaries.count} {result.ok}".encode())
            code = 0
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    os.close(write)
    answer = os.read(read, 100).decode()
    os.close(read)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return -1
    assert answer.endswith("True"), f"the run failed: {answer!r}"
    return int(answer.split()[0])


def _check_truth(folder: Path) -> None:
    """Everything the cloud holds is in the state or pending, and the state can be read."""
    snapshot = Store(folder, environ={"PULUMI_CONFIG_PASSPHRASE": "x"}).load("fraud-data", "dev")
    assert verify(snapshot) == []
    known = {resource.id for resource in snapshot.resources}
    pending = {operation.resource.urn for operation in snapshot.pending}
    for id, item in FakeProvider(folder / "cloud").objects().items():
        assert id in known or item["urn"] in pending, f"{id} is unknown"


def _check_converged(folder: Path, wanted: Stack) -> None:
    objects = FakeProvider(folder / "cloud").objects()
    urns = [item["urn"] for item in objects.values()]
    assert len(urns) == len(set(urns)), "something exists twice"
    custom = [node for node in wanted.nodes if node.custom and not node.type.startswith("pulumi:")]
    assert len(objects) == len(custom)
    snapshot = Store(folder, environ={"PULUMI_CONFIG_PASSPHRASE": "x"}).load("fraud-data", "dev")
    assert snapshot.pending == () and not any(resource.delete for resource in snapshot.resources)
    ids = {item.id for item in snapshot.resources if item.custom and not item.type.startswith("pulumi:")}
    assert ids == set(objects)


def _prepare(folder: Path, before: Stack | None) -> None:
    folder.mkdir()
    if before is not None:
        _run(folder, before, None, 4)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_kill_at_every_boundary(tmp_path: Path, scenario: str) -> None:
    before, wanted = SCENARIOS[scenario]
    _prepare(tmp_path / "whole", before)
    boundaries = _run(tmp_path / "whole", wanted, None, 1)
    for kill_at in range(1, boundaries + 1):
        folder = tmp_path / str(kill_at)
        _prepare(folder, before)
        assert _run(folder, wanted, kill_at, 1) == -1
        _check_truth(folder)
        _run(folder, wanted, None, 8)
        _check_converged(folder, wanted)
    print(f"{scenario}: {boundaries} kills, 0 unknown, 0 duplicates")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_kills_with_ten_threads(tmp_path: Path, scenario: str) -> None:
    before, wanted = SCENARIOS[scenario]
    for number in range(12):
        folder = tmp_path / str(number)
        _prepare(folder, before)
        if _run(folder, wanted, 5 + 13 * number, 10) == -1:
            _check_truth(folder)
            _run(folder, wanted, None, 10)
        _check_converged(folder, wanted)


def test_a_kill_during_recovery(tmp_path: Path) -> None:
    wanted = chain(14)
    for first in range(8, 60, 9):
        for second in range(1, 14, 3):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            _run(folder, wanted, first, 4)
            _run(folder, wanted, second, 4)
            _check_truth(folder)
            _run(folder, wanted, None, 4)
            _check_converged(folder, wanted)
