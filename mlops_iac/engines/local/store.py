"""The state folder of a system: ``.mlops-iac/`` beside its YAML, with a checkpoint and a journal per stack.

A run appends each edit to the stack's journal and fsyncs it, so the bytes written per operation do not grow
with the stack. The journal is folded into the checkpoint at the end of the run, and by the next run that
opens the stack where one died.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines import lock
from mlops_iac.engines.files import (
    FILE_MODE,
    make_private_folder,
    read_text,
    sync_folder,
    write_all,
    write_atomic,
    write_failure,
)
from mlops_iac.engines.states import Backup
from mlops_iac.graph.evaluate import contains_secret
from mlops_iac.providers.plugins import plugin_version
from mlops_iac.state import checkpoint, edits
from mlops_iac.state.codes import (
    BAD_JOURNAL,
    MISSING_STATE,
    WRONG_PASSPHRASE,
)
from mlops_iac.state.edits import Begin, CopyKey, Edit, End, Outputs, Working
from mlops_iac.state.passphrase import Crypter, new_crypter, open_with
from mlops_iac.state.snapshot import PendingOperation, ResourceState, Snapshot

FOLDER: Final = ".mlops-iac"
BACKUPS: Final = 3
"""How many older checkpoints of a stack are kept."""
PASSPHRASE_VARIABLE: Final = "PULUMI_CONFIG_PASSPHRASE"
PASSPHRASE_FILE_VARIABLE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"


def utc_now() -> str:
    """The time, as checkpoints and locks hold it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def given_passphrases(environ: Mapping[str, str]) -> Iterator[str]:
    """The passphrases that the user gave, in the variables that Pulumi reads."""
    if PASSPHRASE_VARIABLE in environ:
        yield environ[PASSPHRASE_VARIABLE]
    file = Path(environ.get(PASSPHRASE_FILE_VARIABLE) or "")
    if file.is_file():
        yield file.read_text(encoding="utf-8").strip()


class Store:
    """Reads and writes the state folder below ``root``. ``environ`` and ``clock`` are the outside world.

    See ``engines.states.States`` for what ``mlops-iac state`` does with it.
    """

    def __init__(
        self,
        root: Path,
        *,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], str] = utc_now,
    ) -> None:
        self.folder = root / FOLDER
        self.clock = clock
        self._environ = environ
        self._crypters: dict[str, Crypter] = {}

    def prepare(self) -> None:
        """Make the folder and keep it out of version control. Raises ``DiagnosticsError`` when that fails."""
        make_private_folder(self.folder)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_atomic(ignore, b"*\n")

    @contextmanager
    def locked(self, command: str, *, force: bool = False) -> Iterator[lock.Holder | None]:
        """Hold the system's lock; answers whom it was taken over from. Raises ``DiagnosticsError`` when it is held."""
        self.prepare()
        holder = lock.this_process(command, self.clock())
        with lock.hold(self.folder / "lock", holder, force=force) as previous:
            lock.sweep(self.folder)
            yield previous

    def path(self, project: str, stack: str) -> Path:
        """The checkpoint's path. Raises ``ValueError`` for a name that leaves the folder."""
        for name in (project, stack):
            if not name or name in (".", "..") or "/" in name or "\0" in name or "\\" in name:
                raise ValueError(f"not the name of a project or stack: {name!r}")
        return self.folder / "state" / project / f"{stack}.json"

    def stacks(self) -> tuple[tuple[str, str], ...]:
        """(project, stack) of everything that has a state, sorted."""
        found = set()
        for path in (self.folder / "state").glob("*/*"):
            if path.suffix in (".json", ".journal"):
                found.add((path.parent.name, path.name.removesuffix(path.suffix)))
        return tuple(sorted(found))

    def load(self, project: str, stack: str) -> Snapshot:
        """The state of a stack, empty where it was never deployed; changes no file.

        Raises ``DiagnosticsError`` when the state cannot be read, is damaged or belongs to another stack; it then
        names the newest good backup.
        """
        path = self.path(project, stack)
        try:
            base = self._read_checkpoint(path, project, stack)
            return self._replay(path, base)
        except DiagnosticsError as error:
            if any(item.code == WRONG_PASSPHRASE for item in error.diagnostics):
                raise
            raise DiagnosticsError(
                self._with_backup(item, path, project, stack) for item in error.diagnostics
            ) from error

    def save(self, snapshot: Snapshot) -> Snapshot:
        """Write a checkpoint, keep the one before as a backup, drop the journal; answers it with its new serial.

        Raises ``DiagnosticsError`` when a write fails; the state before is then unharmed.
        """
        problems = checkpoint.verify(snapshot)
        if problems:
            raise DiagnosticsError(problems)
        path = self.path(snapshot.project, snapshot.stack)
        make_private_folder(path.parent)
        crypter = self._crypter_for(snapshot)
        saved = replace(snapshot, serial=snapshot.serial + 1, secrets=crypter.provider if crypter else snapshot.secrets)
        text = checkpoint.write_checkpoint(saved, crypter, time=self.clock())
        self._rotate(path)
        write_atomic(path, text.encode())
        _remove(path.with_suffix(".journal"))
        return saved

    def replace(self, snapshot: Snapshot) -> Snapshot:
        """Put another state in the place of a stack's; its serial goes on from the higher of the two.

        What is there, damaged or not, is kept as a backup. Raises ``DiagnosticsError`` when a write fails.
        """
        try:
            serial = self.load(snapshot.project, snapshot.stack).serial
        except DiagnosticsError:
            serial = 0
        return self.save(replace(snapshot, serial=max(serial, snapshot.serial)))

    def open(self, project: str, stack: str) -> Ledger:
        """Begin to edit a stack's state. Raises as ``load`` and ``save`` do."""
        snapshot = self.load(project, stack)
        if self.is_unfinished(project, stack):
            snapshot = self.save(snapshot)
        return Ledger(self, self.path(project, stack), snapshot)

    def is_unfinished(self, project: str, stack: str) -> bool:
        """Whether the last run that opened a stack died: there is a journal that nobody has folded."""
        return self.path(project, stack).with_suffix(".journal").exists()

    def backups(self, project: str, stack: str) -> tuple[Backup, ...]:
        """The older checkpoints that are whole, newest first."""
        path = self.path(project, stack)
        found = []
        for candidate in _backup_paths(path):
            try:
                text = candidate.read_text(encoding="utf-8")
                snapshot = checkpoint.read(
                    text, lambda _: None, source=str(candidate), expected=(project, stack), ours=True
                )
            except (OSError, ValueError, DiagnosticsError):
                continue
            found.append(Backup(candidate, snapshot.serial, len(snapshot.resources)))
        return tuple(sorted(found, key=lambda item: -item.serial))

    def restore(self, project: str, stack: str) -> Backup | None:
        """Put the newest good backup in the state's place; the damaged files are kept with the suffix ``.damaged``.

        Answers None when there is no good backup. Raises ``DiagnosticsError`` when a write fails.
        """
        found = self.backups(project, stack)
        if not found:
            return None
        path = self.path(project, stack)
        data = found[0].path.read_bytes()
        for damaged in (path, path.with_suffix(".journal")):
            if damaged.exists():
                damaged.replace(damaged.with_name(f"{damaged.name}.damaged"))
        write_atomic(path, data)
        return found[0]

    def export(self, snapshot: Snapshot) -> str:
        """The snapshot as ``pulumi stack import`` reads it, secrets sealed."""
        return checkpoint.write_export(snapshot, self._crypter_for(snapshot), time=self.clock(), plugins=plugin_version)

    def exported(self, project: str, stack: str) -> str:
        """A stack's state as ``pulumi stack import`` reads it, secrets sealed."""
        return self.export(self.load(project, stack))

    def read(self, text: str, source: str) -> Snapshot:
        """The snapshot in a ``pulumi stack export`` or another checkpoint. Raises ``DiagnosticsError``.

        One with features that the local engine does not have is refused, as they would be lost.
        """
        return checkpoint.read(text, self.unseal, source=source)

    def dropped(self, imported: Snapshot) -> tuple[PendingOperation, ...]:
        """Nothing: what was under way stays so, until the next apply asks the provider."""
        return ()

    def take_over(self, text: str, source: str) -> Snapshot:
        """Put a ``pulumi stack export`` in the place of the state that it is of."""
        return self.replace(self.read(text, source))

    def take_out(self, snapshot: Snapshot, resource: ResourceState) -> None:
        """Save a state without one of its resources."""
        self.save(replace(snapshot, resources=tuple(item for item in snapshot.resources if item is not resource)))

    def unseal(self, provider: Mapping[str, Any]) -> Crypter | None:
        """The crypter of a ``secrets_providers`` entry; None when no passphrase is known.

        Raises ``DiagnosticsError`` when none of the known passphrases opens it.
        """
        salt = str((provider.get("state") or {}).get("salt"))
        if salt in self._crypters:
            return self._crypters[salt]
        crypter = open_with(self._passphrases(), provider)
        if crypter is not None:
            self._crypters[salt] = crypter
        return crypter

    def crypter(self, snapshot: Snapshot) -> Crypter:
        """What seals the secrets of ``snapshot``; made, with a random passphrase where none is known.

        Raises ``DiagnosticsError`` when a known passphrase does not fit the state.
        """
        if snapshot.secrets is not None:
            known = self.unseal(snapshot.secrets)
            if known is not None:
                return known
        if self._crypters:
            return next(iter(self._crypters.values()))
        passphrase = next(self._passphrases(), None)
        if passphrase is None:
            passphrase = secrets.token_urlsafe(32)
            write_atomic(self.folder / "passphrase", passphrase.encode())
        crypter = new_crypter(passphrase)
        self._crypters[crypter.salt] = crypter
        return crypter

    def _crypter_for(self, snapshot: Snapshot) -> Crypter | None:
        return self.crypter(snapshot) if checkpoint.holds_secrets(snapshot) else None

    def _passphrases(self) -> Iterator[str]:
        yield from given_passphrases(self._environ)
        own = self.folder / "passphrase"
        if own.is_file():
            yield own.read_text(encoding="utf-8").strip()

    def _read_checkpoint(self, path: Path, project: str, stack: str) -> Snapshot:
        if not path.exists():
            if any(candidate.exists() for candidate in _backup_paths(path)):
                raise _failure(MISSING_STATE, f"{path} is gone, but it has backups", "")
            return Snapshot(project, stack)
        return checkpoint.read(read_text(path), self.unseal, source=str(path), expected=(project, stack), ours=True)

    def _replay(self, path: Path, base: Snapshot) -> Snapshot:
        journal = path.with_suffix(".journal")
        if not journal.exists():
            return base
        records = list(read_journal(read_text(journal), str(journal)))
        if not records:
            return base
        header = records[0]
        if header.get("serial") != base.serial:
            if isinstance(header.get("serial"), int) and header["serial"] < base.serial:
                return base
            raise _failure(
                MISSING_STATE,
                f"{journal} continues state {header.get('serial')}, but {path} is state {base.serial}",
                "",
            )
        crypter: Crypter | None = self.unseal(base.secrets) if base.secrets is not None else None
        working = Working(base)
        try:
            for record in records[1:]:
                if "secrets" in record:
                    crypter = self.unseal(record["secrets"])
                    base = replace(base, secrets=record["secrets"])
                else:
                    working.apply(edits.decode(record, crypter, base.project, base.stack))
        except (KeyError, TypeError, ValueError) as error:
            raise _failure(BAD_JOURNAL, f"{journal} holds a record that cannot be read: {error}", "") from error
        return replace(working.snapshot(), secrets=base.secrets)

    def _rotate(self, path: Path) -> None:
        paths = _backup_paths(path)
        if not path.exists():
            return
        fresh = path.with_name(f".{path.name}.bak.tmp")
        try:
            for older, newer in zip(reversed(paths), list(reversed(paths))[1:], strict=False):
                if newer.exists():
                    newer.replace(older)
            fresh.unlink(missing_ok=True)
            os.link(path, fresh)
            fresh.replace(paths[0])
        except OSError as error:
            raise write_failure(paths[0], error) from error

    def _with_backup(self, item: Diagnostic, path: Path, project: str, stack: str) -> Diagnostic:
        good = self.backups(project, stack)
        if good:
            offer = (
                f"the newest good backup is {good[0].path} (state {good[0].serial}, {good[0].resources} resources): "
                f"`mlops-iac state restore {project} --stack {stack}`"
            )
        else:
            offer = f"there is no good backup beside it; bring in an export with `mlops-iac state import`: {path}"
        return replace(item, hint=offer)


class Ledger:
    """The one writer of a stack's state during a run; its methods may be called from several threads.

    After a write has failed every further one fails too, so that nothing is created that cannot be recorded.
    """

    def __init__(self, store: Store, path: Path, base: Snapshot) -> None:
        self._store = store
        self._path = path.with_suffix(".journal")
        self._base = base
        self._working = Working(base)
        self._guard = threading.RLock()
        self._descriptor: int | None = None
        self._crypter: Crypter | None = None
        self._failure: DiagnosticsError | None = None

    def begin(self, operation: PendingOperation) -> int:
        """Record that an operation is about to call the provider; answers its ticket.

        Returns only when the record is on the disk. Raises ``DiagnosticsError`` when it cannot be written.
        """
        with self._guard:
            ticket = self._working.next_ticket()
            self._write(Begin(ticket, operation))
            return ticket

    def end(self, ticket: int, *, put: tuple[ResourceState, ...] = (), drop: tuple[CopyKey, ...] = ()) -> None:
        """Record how an operation ended. Raises ``DiagnosticsError`` when it cannot be written."""
        with self._guard:
            self._write(End(ticket, put, drop))

    def edit(self, *, put: tuple[ResourceState, ...] = (), drop: tuple[CopyKey, ...] = ()) -> None:
        """Record a change that needs no provider call, such as that of a component. Raises ``DiagnosticsError``."""
        with self._guard:
            self._write(End(self._working.next_ticket(), put, drop))

    def set_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Record the stack's outputs. Raises ``DiagnosticsError`` when they cannot be written."""
        with self._guard:
            if outputs != self._working.snapshot().outputs:
                self._write(Outputs(dict(outputs)))

    def live(self, urn: str) -> ResourceState | None:
        """The resource with that URN that is in use."""
        with self._guard:
            return self._working.live(urn)

    def copies(self, urn: str) -> tuple[ResourceState, ...]:
        """Every resource with that URN, old copies too."""
        with self._guard:
            return self._working.copies(urn)

    def pending(self) -> dict[int, PendingOperation]:
        """Operations that have begun and not ended, by ticket."""
        with self._guard:
            return self._working.pending()

    def snapshot(self) -> Snapshot:
        """The state as it now is."""
        with self._guard:
            secrets_entry = self._crypter.provider if self._crypter else self._base.secrets
            return replace(self._working.snapshot(), secrets=secrets_entry)

    def close(self) -> Snapshot:
        """Fold the journal into the checkpoint. Raises ``DiagnosticsError``; the journal then still holds all."""
        with self._guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
                self._base = self._store.save(self.snapshot())
            if self._failure is not None:
                raise self._failure
            return self._base

    def _write(self, edit: Edit) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            self._append(edit)
        except OSError as error:
            self._failure = write_failure(self._path, error)
            raise self._failure from error
        except DiagnosticsError as error:
            self._failure = error
            raise
        self._working.apply(edit)

    def _append(self, edit: Edit) -> None:
        base = self._base
        lines = b""
        if self._descriptor is None:
            make_private_folder(self._path.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
            self._descriptor = os.open(self._path, flags, FILE_MODE)
            sync_folder(self._path.parent)
            lines += journal_line({"journal": 1, "serial": base.serial})
        if self._crypter is None and _secret(edit):
            self._crypter = self._store.crypter(base)
            lines += journal_line({"secrets": self._crypter.provider})
        lines += journal_line(edits.encode(edit, self._crypter, base.project, base.stack))
        write_all(self._descriptor, lines)
        os.fsync(self._descriptor)


def journal_line(record: Mapping[str, Any]) -> bytes:
    """One record with its checksum."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]} {text}\n".encode()


def read_journal(text: str, source: str) -> Iterator[dict[str, Any]]:
    """The records of a journal; a last line that was cut off never took effect and is passed over.

    Raises ``DiagnosticsError`` on damage before that.
    """
    *lines, _cut_off = text.split("\n")
    for number, line in enumerate(lines, 1):
        digest, _, body = line.partition(" ")
        if hashlib.sha256(body.encode()).hexdigest()[:16] != digest:
            raise _failure(BAD_JOURNAL, f"line {number} of {source} is damaged", "")
        record = json.loads(body)
        if not isinstance(record, dict):
            raise _failure(BAD_JOURNAL, f"line {number} of {source} is not a record", "")
        yield record


def _secret(edit: Edit) -> bool:
    if isinstance(edit, Outputs):
        return contains_secret(edit.outputs)
    resources = (edit.operation.resource,) if isinstance(edit, Begin) else edit.put
    return any(contains_secret(item.inputs) or contains_secret(item.outputs) for item in resources)


def _backup_paths(path: Path) -> list[Path]:
    return [path.with_suffix(".bak")] + [path.with_suffix(f".bak.{number}") for number in range(1, BACKUPS)]


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise write_failure(path, error) from error


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
