"""Settles what an earlier run had begun and not ended, before a layer is changed again."""

from __future__ import annotations

from pathlib import Path

from pulumi.automation import CommandError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.events import Event, EventKind, Resolution
from mlops_iac.engines.files import temporary_folder
from mlops_iac.engines.local.calls import provider_of
from mlops_iac.engines.local.recovery import resolve_pending
from mlops_iac.engines.local.store import Store
from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.automation.states import PulumiStates
from mlops_iac.engines.pulumi.codes import PENDING_CREATES, RECOVERED, STACK_LOCKED
from mlops_iac.engines.pulumi.file_backend import FileBackend
from mlops_iac.engines.pulumi.in_use import wait_until_unused
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.snapshot import Snapshot


def recover(site: Site, states: PulumiStates, project: Project) -> tuple[Resolution, ...]:
    """What became of it.

    On this machine what a killed run left running is let end first: plugins in the middle of a call, or a whole engine.
    The emulators are asked. A real cloud is not asked by us: updates and deletes are settled by the engine's refresh; a
    create raises ``DiagnosticsError``, since to repeat it might make a second one. Raises it too where the file
    backend's checkpoint is lost, or something still runs.
    """
    backend = site.backend(project)
    if site.emulators is not None:
        _outwait(project, backend)
    site.check(project)
    if backend is not None:
        for holder in backend.release_dead(project):
            text = f"{project.name}: released the lock of an earlier run that is dead ({holder})"
            site.note([Diagnostic(RECOVERED, text, severity=Severity.INFO)])
    snapshot = states.snapshot(project)
    if not snapshot.pending:
        return ()
    if site.emulators is not None:
        return _ask_emulators(site, states, project, snapshot)
    creating = [item.resource for item in snapshot.pending if item.type in ("creating", "importing")]
    if creating:
        raise DiagnosticsError(_pending(project, resource.urn) for resource in creating)
    log = UpdateLog(None, site.emit)
    try:
        site.workspace(project).made().refresh(on_event=log, color="never", show_secrets=False)
    except CommandError as error:
        raise DiagnosticsError(log.failures or [failure_of(error, project)]) from error
    verdict = "the engine read what really exists"
    return tuple(Resolution(item.type, item.resource.urn, verdict) for item in snapshot.pending)


def _outwait(project: Project, backend: FileBackend | None) -> None:
    waited = wait_until_unused(project.folder)
    if waited is None:
        text = f"{project.name}: providers of an earlier run still work for it"
        hint = "wait for that run, or end it; then run the command again"
        raise DiagnosticsError([Diagnostic(STACK_LOCKED, text, hint)])
    if waited and backend is not None:
        backend.wait_until_released(project)


def _ask_emulators(site: Site, states: PulumiStates, project: Project, snapshot: Snapshot) -> tuple[Resolution, ...]:
    factory = site.emulated()
    with temporary_folder(site.home, "recovery") as folder:
        scratch = Store(Path(folder), environ={**site.options.environ, **site.environ})
        scratch.prepare()
        scratch.save(snapshot)
        ledger = scratch.open(snapshot.project, snapshot.stack)
        resolved = resolve_pending(ledger, lambda resource: provider_of(resource, ledger, factory))
        states.put(project, scratch.export(ledger.close()))
    for item in resolved:
        message = f"interrupted while {item.type}: {item.verdict}"
        parsed = parse_urn(item.urn)
        site.emit(Event(EventKind.RESOLVED, None, item.urn, parsed.type, parsed.name, message=message))
    return resolved


def _pending(project: Project, urn: str) -> Diagnostic:
    parsed = parse_urn(urn)
    return Diagnostic(
        PENDING_CREATES,
        f"{project.name}: an earlier run was interrupted while it created {parsed.type} {parsed.name}; whether that "
        "exists is not known, and creating it again might make a second one",
        f"look whether it exists; then in {project.folder}: `pulumi refresh --import-pending-creates '{urn}' "
        "--import-pending-creates ID` adopts it, `pulumi refresh --clear-pending-creates` says that it does not exist",
    )
