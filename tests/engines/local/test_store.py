"""The state folder: locks between real processes, damaged files, full disks, and the order of writes."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines import files, lock
from mlops_iac.engines.codes import LOCKED, LOCKED_ELSEWHERE, WRITE_FAILED
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.graph.values import Secret
from mlops_iac.state.codes import BAD_JOURNAL, MISSING_STATE, WRONG_PASSPHRASE
from mlops_iac.state.snapshot import PendingOperation, ResourceState

from .fake import NAMED, FakeProvider, chain, factory, node, stack

KEY = ("fraud-data", "dev")
fork = multiprocessing.get_context("fork")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path, environ={})
    store.prepare()
    return store


@pytest.fixture
def deployed(tmp_path: Path, store: Store) -> FakeProvider:
    provider = FakeProvider(tmp_path / "cloud")
    apply_stack(chain(10), {}, factory(provider), store)
    apply_stack(chain(10, timeout=60), {}, factory(provider), store)
    return provider


def resource(name: str) -> ResourceState:
    return ResourceState(f"urn:pulumi:dev::fraud-data::{NAMED}::{name}", NAMED, True, name)


def test_files_are_private(store: Store, deployed: FakeProvider) -> None:
    paths = [path for path in store.folder.rglob("*") if path.name != "lock.guard"]
    for path in paths:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (store.folder / ".gitignore").read_text() == "*\n"
    assert (store.folder / "passphrase").exists()


def test_a_failed_write_leaves_the_old_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.folder / "file"
    files.write_atomic(path, b"old")
    for code in (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS):

        def refuse(descriptor: int, data: Any, code: int = code) -> int:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "write", refuse)
        with pytest.raises(DiagnosticsError) as caught:
            files.write_atomic(path, b"new")
        monkeypatch.undo()
        message = caught.value.diagnostics[0].message
        assert caught.value.diagnostics[0].code == WRITE_FAILED
        assert str(path) in message and os.strerror(code) in message
        assert path.read_bytes() == b"old"
        assert [item.name for item in store.folder.iterdir() if item.name.endswith(".tmp")] == []


def test_a_write_is_synced_renamed_and_synced_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), rename(self, to))[1])
    files.write_atomic(store.folder / "file", b"data")
    assert order == ["fsync", "rename", "fsync"]


def test_a_full_disk_stops_further_creates(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first record that cannot be written, no create call follows; the next run converges."""
    provider = FakeProvider(tmp_path / "cloud")
    write = os.write
    count = 0

    def full(descriptor: int, data: Any) -> int:
        nonlocal count
        count += 1
        if count > 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr("mlops_iac.engines.files.os.write", full)
    with pytest.raises(DiagnosticsError) as caught:
        apply_stack(chain(40), {}, factory(provider), store)
    monkeypatch.undo()
    assert caught.value.diagnostics[0].code == WRITE_FAILED
    snapshot = store.load(*KEY)
    known = {item.id for item in snapshot.resources}
    pending = {item.resource.urn for item in snapshot.pending}
    for id, item in provider.objects().items():
        assert id in known or item["urn"] in pending
    assert len(provider.objects()) < 20
    assert apply_stack(chain(40), {}, factory(provider), store).ok
    assert len(provider.objects()) == 38


def test_the_journal_grows_by_what_changes(store: Store) -> None:
    """Bytes written per operation do not depend on how many resources there are."""
    sizes = []
    for count in (10, 1000):
        ledger = store.open("fraud-data", f"s{count}")
        for number in range(count):
            item = replace(resource(f"q{number:05}"), urn=f"urn:pulumi:s{count}::fraud-data::{NAMED}::q{number:05}")
            ledger.edit(put=(item,))
        journal = store.path("fraud-data", f"s{count}").with_suffix(".journal")
        sizes.append(journal.stat().st_size / count)
        ledger.close()
    assert sizes[1] < sizes[0] * 1.2


def test_a_journal_that_was_cut_off_loses_only_the_last_record(store: Store) -> None:
    ledger = store.open(*KEY)
    ticket = ledger.begin(PendingOperation("creating", replace(resource("a"), id=None)))
    journal = store.path(*KEY).with_suffix(".journal")
    begun = journal.read_bytes()
    ledger.end(ticket, put=(resource("a"),))
    whole = journal.read_bytes()
    for length in range(len(begun), len(whole)):
        journal.write_bytes(whole[:length])
        snapshot = store.load(*KEY)
        assert len(snapshot.pending) == 1 and snapshot.resources == ()
    journal.write_bytes(whole)
    assert [item.id for item in store.load(*KEY).resources] == ["a"]


def test_a_damaged_journal_is_refused(store: Store) -> None:
    ledger = store.open(*KEY)
    ledger.edit(put=(resource("a"),))
    ledger.edit(put=(resource("b"),))
    journal = store.path(*KEY).with_suffix(".journal")
    damaged = bytearray(journal.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    journal.write_bytes(bytes(damaged))
    with pytest.raises(DiagnosticsError) as caught:
        store.load(*KEY)
    assert caught.value.diagnostics[0].code == BAD_JOURNAL


def test_a_journal_that_was_folded_already_is_passed_over(store: Store) -> None:
    ledger = store.open(*KEY)
    ledger.edit(put=(resource("a"),))
    journal = store.path(*KEY).with_suffix(".journal")
    data = journal.read_bytes()
    ledger.close()
    ledger = store.open(*KEY)
    ledger.edit(drop=(("urn:pulumi:dev::fraud-data::aws:sqs/queue:Queue::a", None),))
    ledger.close()
    journal.write_bytes(data)
    assert store.load(*KEY).resources == ()


@pytest.mark.parametrize("kind", ["truncated", "flipped"])
def test_damage_is_refused_and_a_backup_offered(store: Store, deployed: FakeProvider, kind: str) -> None:
    path = store.path(*KEY)
    good = path.read_bytes()
    chance = random.Random(7)
    for _ in range(100):
        if kind == "truncated":
            bad = good[: chance.randrange(len(good) - 1)]
        else:
            place = chance.randrange(len(good))
            bad = good[:place] + bytes([good[place] ^ (1 << chance.randrange(8))]) + good[place + 1 :]
        path.write_bytes(bad)
        calls = deployed.calls()
        with pytest.raises(DiagnosticsError) as caught:
            apply_stack(chain(10), {}, factory(deployed), store)
        assert ".bak" in caught.value.diagnostics[0].hint
        assert "state restore fraud-data --stack dev" in caught.value.diagnostics[0].hint
        assert deployed.calls() == calls
    assert store.restore(*KEY) is not None
    assert len(store.load(*KEY).resources) == 10


def test_a_state_that_vanished_is_not_an_empty_stack(store: Store, deployed: FakeProvider) -> None:
    store.path(*KEY).unlink()
    with pytest.raises(DiagnosticsError) as caught:
        store.load(*KEY)
    assert caught.value.diagnostics[0].code == MISSING_STATE


def test_the_other_passphrase(tmp_path: Path) -> None:
    wanted = stack(node(NAMED, "q", {"name": "q", "policy": Secret("a secret text")}))
    provider = FakeProvider(tmp_path / "cloud")
    store = Store(tmp_path, environ={"PULUMI_CONFIG_PASSPHRASE": "one"})
    store.prepare()
    apply_stack(wanted, {}, factory(provider), store)
    with pytest.raises(DiagnosticsError) as caught:
        Store(tmp_path, environ={"PULUMI_CONFIG_PASSPHRASE": "two"}).load(*KEY)
    assert caught.value.diagnostics[0].code == WRONG_PASSPHRASE
    masked = Store(tmp_path, environ={}).load(*KEY)
    held = next(item for item in masked.resources if item.id == "q").inputs["policy"]
    assert isinstance(held, SecretValue) and held.value != "a secret text"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a\0b"])
def test_names_stay_in_the_folder(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        store.path(name, "dev")
    with pytest.raises(ValueError, match="not the name"):
        store.path("fraud-data", name)


def _hold(root: Path, ready: Any, finish: Any) -> None:
    with Store(root, environ={}).locked("mlops-iac up"):
        ready.set()
        finish.wait()


def test_a_live_lock_is_refused_and_names_its_holder(store: Store, tmp_path: Path) -> None:
    ready, finish = fork.Event(), fork.Event()
    holder = fork.Process(target=_hold, args=(tmp_path, ready, finish))
    holder.start()
    ready.wait()
    for force in (False, True):
        with pytest.raises(DiagnosticsError) as caught, store.locked("mlops-iac up", force=force):
            raise AssertionError("two writers")
        item = caught.value.diagnostics[0]
        assert item.code == LOCKED
        assert f"pid {holder.pid}" in item.message and "mlops-iac up" in item.message
        assert f"kill {holder.pid}" in item.hint
    finish.set()
    holder.join()
    with store.locked("mlops-iac up") as previous:
        assert previous is None


def test_the_lock_of_a_dead_process_is_taken_over(store: Store, tmp_path: Path) -> None:
    for _ in range(20):
        ready, finish = fork.Event(), fork.Event()
        holder = fork.Process(target=_hold, args=(tmp_path, ready, finish))
        holder.start()
        ready.wait()
        os.kill(holder.pid or 0, signal.SIGKILL)
        holder.join()
        with store.locked("mlops-iac up") as previous:
            assert previous is not None and previous.pid == holder.pid


def test_a_reused_pid_is_not_the_holder(store: Store) -> None:
    mine = lock.this_process("x", "now")
    assert lock.is_alive(mine)
    assert not lock.is_alive(replace(mine, started=mine.started + 1))
    assert not lock.is_alive(replace(mine, boot="another"))


def test_a_lock_of_another_host_needs_force(store: Store) -> None:
    elsewhere = replace(lock.this_process("x", "now"), host="elsewhere")
    (store.folder / "lock").write_text(json.dumps({field: getattr(elsewhere, field) for field in elsewhere.__slots__}))
    with pytest.raises(DiagnosticsError) as caught, store.locked("mlops-iac up"):
        raise AssertionError("not ours")
    assert caught.value.diagnostics[0].code == LOCKED_ELSEWHERE
    with store.locked("mlops-iac up", force=True) as previous:
        assert previous == elsewhere


def test_a_lock_file_of_nonsense_is_refused(store: Store) -> None:
    (store.folder / "lock").write_text("{")
    with pytest.raises(DiagnosticsError), store.locked("mlops-iac up"):
        raise AssertionError("not understood")


def _race(root: Path, barrier: Any, winners: Any, losers: Any, inside: Any) -> None:
    store = Store(root, environ={})
    barrier.wait()
    try:
        with store.locked("mlops-iac up"):
            with inside.get_lock():
                inside.value += 1
                assert inside.value == 1, "two writers"
            with winners.get_lock():
                winners.value += 1
            barrier.wait()
            with inside.get_lock():
                inside.value -= 1
    except DiagnosticsError:
        with losers.get_lock():
            losers.value += 1
        barrier.wait()


@pytest.mark.parametrize("count", [2, 8])
def test_one_winner(store: Store, tmp_path: Path, count: int) -> None:
    """From a barrier, with a dead holder's lock lying there: exactly one takes it over."""
    dead = replace(lock.this_process("x", "now"), started=1)
    for _ in range(20):
        (store.folder / "lock").write_text(json.dumps({field: getattr(dead, field) for field in dead.__slots__}))
        barrier = fork.Barrier(count)
        winners, losers, inside = (fork.Value("i", 0) for _ in range(3))
        racers = [fork.Process(target=_race, args=(tmp_path, barrier, winners, losers, inside)) for _ in range(count)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert (winners.value, losers.value) == (1, count - 1)
        assert all(racer.exitcode == 0 for racer in racers)
