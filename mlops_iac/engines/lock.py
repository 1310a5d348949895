"""One writer at a time: a lock file that says who holds it, and that a dead holder does not keep.

Every look at the file and every change of it happens under an ``flock`` of a guard file beside it, so two
processes that both find a dead holder cannot both take over. The kernel drops that guard with its process.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from getpass import getuser
from pathlib import Path

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import BAD_LOCK, LOCKED, LOCKED_ELSEWHERE
from mlops_iac.engines.files import FILE_MODE, write_atomic, write_failure


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. ``started`` is the process's start in clock ticks since ``boot``: a pid alone is reused."""

    user: str
    host: str
    pid: int
    started: int
    boot: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, pid {self.pid}, `{self.command}`, since {self.since}"


def this_process(command: str, since: str) -> Holder:
    """The holder that this process would be."""
    pid = os.getpid()
    return Holder(_user(), socket.gethostname(), pid, process_start(pid) or 0, boot_id(), command, since)


@contextmanager
def hold(path: Path, holder: Holder, *, force: bool = False) -> Iterator[Holder | None]:
    """Hold the lock at ``path``; answers the dead or, with ``force``, remote holder that it was taken from.

    Raises ``DiagnosticsError`` when a live process of this host holds it (even with ``force``), or one of another host.
    """
    previous = _acquire(path, holder, force=force)
    try:
        yield previous
    finally:
        _release(path, holder)


def read_holder(path: Path) -> Holder | None:
    """Who the lock file names, dead or alive; None without a file. Raises ``DiagnosticsError`` on another content."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _bad_lock(path, error) from error
    try:
        holder = Holder(**json.loads(text))
        if not isinstance(holder.pid, int) or not isinstance(holder.started, int):
            raise TypeError("pid and started are numbers")
    except (TypeError, ValueError) as error:
        raise _bad_lock(path, error) from error
    return holder


def sweep(folder: Path) -> None:
    """Remove what processes that died left half-written in ``folder`` and up to two below.

    For whoever holds the folder's lock: nobody else writes there then.
    """
    for pattern in (".*.tmp", "*/.*.tmp", "*/*/.*.tmp"):
        for path in folder.glob(pattern):
            pid = path.name.split(".")[-2]
            if not pid.isdecimal() or process_start(int(pid)) is not None:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def is_alive(holder: Holder) -> bool:
    """Whether the holder, a process of this host, still runs."""
    if holder.boot != boot_id():
        return False
    start = process_start(holder.pid)
    return start is not None and (start == holder.started or 0 in (start, holder.started))


def process_start(pid: int) -> int | None:
    """Start of a running process in ticks since boot, 0 where the system does not say, None when it is not running."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None if Path("/proc/self/stat").exists() or not _signalable(pid) else 0
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def boot_id() -> str:
    """Changes with every boot of this host; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _acquire(path: Path, holder: Holder, *, force: bool) -> Holder | None:
    with _guard(path):
        current = read_holder(path)
        if current is not None:
            _refuse_if_held(current, holder, force=force)
        write_atomic(path, json.dumps(asdict(holder), indent=1).encode())
        return current


def _refuse_if_held(current: Holder, wanted: Holder, *, force: bool) -> None:
    if current.host != wanted.host:
        if force:
            return
        raise DiagnosticsError(
            [
                Diagnostic(
                    LOCKED_ELSEWHERE,
                    f"another host holds the lock: {current}",
                    "if that run is certainly over, run the command again with --force",
                )
            ]
        )
    if is_alive(current):
        raise DiagnosticsError(
            [
                Diagnostic(
                    LOCKED,
                    f"another run holds the lock: {current}",
                    f"wait for it to finish, or stop it with `kill {current.pid}`; then run the command again",
                )
            ]
        )


def _release(path: Path, holder: Holder) -> None:
    with _guard(path):
        if read_holder(path) == holder:
            path.unlink()


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    guard = path.with_name(f"{path.name}.guard")
    try:
        descriptor = os.open(guard, os.O_RDWR | os.O_CREAT, FILE_MODE)
    except OSError as error:
        raise write_failure(guard, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _signalable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _bad_lock(path: Path, error: Exception) -> DiagnosticsError:
    return DiagnosticsError(
        [
            Diagnostic(
                BAD_LOCK,
                f"the lock {path} cannot be understood: {error}",
                "if no other run is active, delete that file",
            )
        ]
    )
