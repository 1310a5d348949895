"""``mlops-iac state``: look at what an engine keeps, take it elsewhere and back, and mend it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops_iac.cli.exports import text_of
from mlops_iac.cli.options import format_option, guarded
from mlops_iac.cli.printing import print_diagnostics, write
from mlops_iac.cli.target import Engines, confirm, states_of, states_options
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.graph.nodes import layer_of
from mlops_iac.render.page import page_for
from mlops_iac.render.state import backups_text, resource_json, resource_text, state_name, states_json, states_text
from mlops_iac.state import removal
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.codes import FORGOTTEN, NO_STATE, WRONG_STACK
from mlops_iac.state.snapshot import PendingOperation, Snapshot

if TYPE_CHECKING:
    from mlops_iac.engines.states import States

_LAYER = click.argument("layer")
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
_FORMAT = format_option("text", "json")


@click.group(short_help="Look at the state, export, import and mend it.")
def command() -> None:
    """Look at the state that an engine keeps, take it elsewhere and back, and mend it.

    The local engine's is in `.mlops-iac`; with --engine pulumi it is what the backend has of the projects in `stacks`.
    Reads no configuration, so that it also works while that is broken. Every change keeps the state before as a backup.

    \b
    Examples:
      mlops-iac state list
      mlops-iac state show data raw.bucket
      mlops-iac state export data --file data.json
      mlops-iac state import data.json
      mlops-iac state restore data
      mlops-iac state list --engine pulumi
    """


def _here(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``-C`` and what chooses the engine, and error handling."""
    return click.option(
        "-C",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=".",
        metavar="DIR",
        help="The system's folder.  [default: the current folder]",
    )(states_options(guarded(function)))


@command.command(name="list")
@click.option("--resources/--no-resources", default=True, help="List each resource, or only the stacks.")
@_FORMAT
@_here
def list_states(folder: Path, engines: Engines, resources: bool, form: str) -> None:
    """List what is deployed, by stack and layer; ids, and what is protected or waits for deletion.

    \b
    Example:
      mlops-iac state list -C examples/fraud-detection
    """
    states = states_of(folder, engines)
    found = [states.load(project, name) for project, name in states.stacks() if engines.stack in (None, name)]
    if form == "json":
        write(json.dumps(states_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        write(states_text(found, page_for(sys.stdout), resources=resources))


@command.command()
@_LAYER
@click.argument("name")
@_FORMAT
@_here
def show(folder: Path, engines: Engines, layer: str, name: str, form: str) -> None:
    """Show one resource, by its logical name or its URN: inputs, outputs, what it depends on. Secrets are masked.

    \b
    Example:
      mlops-iac state show data raw.bucket
    """
    states = states_of(folder, engines)
    resource = removal.find(states.load(*_stack(states, layer, engines.stack)), name)
    if form == "json":
        write(json.dumps(resource_json(resource), indent=2, ensure_ascii=False) + "\n")
    else:
        write(resource_text(resource, page_for(sys.stdout)))


@command.command()
@_LAYER
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it, readable for its owner only.  [default: standard output]",
)
@_here
def export(folder: Path, engines: Engines, layer: str, file: Path | None) -> None:
    """Write a layer's state as `pulumi stack import` reads it; secrets stay encrypted as they are.

    \b
    Example:
      mlops-iac state export data --file data.json
    """
    from mlops_iac.engines.files import write_atomic

    states = states_of(folder, engines)
    text = states.exported(*_stack(states, layer, engines.stack))
    if file is None:
        write(text)
    else:
        write_atomic(file, text.encode())


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@_YES
@_here
def import_state(folder: Path, engines: Engines, file: Path, yes: bool) -> None:
    """Put a `pulumi stack export` in the place of a layer's state. It says itself which layer and stack it is of.

    The state must be sound: a damaged one is refused, and so is one with features that the engine does not have. What
    was under way in it is settled by the next `up`; Pulumi's CLI forgets it, and it is named.

    \b
    Example:
      mlops-iac state import data.json --yes
    """
    states = states_of(folder, engines)
    text, source = text_of(file)
    imported = states.read(text, source)
    if engines.stack not in (None, imported.stack):
        wrong = f"{source} is of the stack {imported.stack!r}, not {engines.stack!r}"
        raise DiagnosticsError([Diagnostic(WRONG_STACK, wrong, "leave --stack out, or give the other file")])
    with _changing(states):
        before = _now(states, imported)
        counts = f"{len(imported.resources)} resources in the place of {len(before.resources)}"
        _warn_of_forgotten(imported.project, states.dropped(imported))
        confirm(f"Import {imported.project}/{imported.stack}, {counts}?", yes=yes)
        saved = states.take_over(text, source)
    write(f"{saved.project}/{saved.stack} is now {state_name(saved)}, with {len(saved.resources)} resources.\n")
    if saved.pending:
        write(f"Under way in it: {len(saved.pending)}; the next `mlops-iac up` settles that.\n")


@command.command()
@_LAYER
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when it is protected.")
@_YES
@_here
def delete(folder: Path, engines: Engines, layer: str, name: str, force: bool, yes: bool) -> None:
    """Take a resource out of the state, by its logical name or its URN; what it stands for is left alone.

    Refused when it is protected, or when other resources still name it.

    \b
    Example:
      mlops-iac state delete data raw.lifecycle
    """
    states = states_of(folder, engines)
    with _changing(states):
        snapshot = states.load(*_stack(states, layer, engines.stack))
        resource = removal.find(snapshot, name)
        removal.refuse(snapshot, resource, force=force)
        confirm(f"Take {resource.urn} ({resource.id}) out of the state, and leave it running?", yes=yes)
        states.take_out(snapshot, resource)
    write(f"{resource.urn} is no longer in the state.\n")


@command.command()
@_LAYER
@_here
def backups(folder: Path, engines: Engines, layer: str) -> None:
    """List the older states of a layer that are whole, newest first.

    \b
    Example:
      mlops-iac state backups data
    """
    states = states_of(folder, engines)
    write(
        backups_text(
            [(str(b.path), b.serial, b.resources) for b in states.backups(*_stack(states, layer, engines.stack))]
        )
    )


@command.command()
@_LAYER
@_YES
@_here
def restore(folder: Path, engines: Engines, layer: str, yes: bool) -> None:
    """Put the newest good backup in the place of a layer's state; the damaged files are kept beside it.

    With --engine pulumi that is the export from before the last change of ours, or, where a backend of files has lost a
    checkpoint, our copy of it.

    What was done after that backup is then unknown to the state: run `mlops-iac refresh` and look at the preview.

    \b
    Example:
      mlops-iac state restore data --stack dev
    """
    states = states_of(folder, engines)
    project, name = _stack(states, layer, engines.stack)
    with _changing(states):
        good = states.backups(project, name)
        if not good:
            text = f"there is no good backup of {project}/{name}"
            raise DiagnosticsError([Diagnostic(NO_STATE, text, "bring in an export with `mlops-iac state import`")])
        _warn_of_forgotten(project, good[0].dropped)
        confirm(f"Restore {project}/{name} to state {good[0].serial}, {good[0].resources} resources?", yes=yes)
        states.restore(project, name)
    write(f"{project}/{name} is state {good[0].serial} again; `mlops-iac refresh` compares it with what exists.\n")


@contextmanager
def _changing(states: States) -> Iterator[None]:
    with states.locked(click.get_current_context().command_path):
        yield


def _warn_of_forgotten(project: str, dropped: Sequence[PendingOperation]) -> None:
    """Say what nobody will know any more, before anybody agrees to it."""
    found = []
    for operation in dropped:
        parsed = parse_urn(operation.resource.urn)
        making = operation.type in ("creating", "importing")
        hint = (
            "look whether it exists; if so, adopt it with `mlops-iac import`: the next `up` would make a second one"
            if making
            else "`mlops-iac refresh` reads what became of it"
        )
        text = (
            f"{project}: {parsed.type} {parsed.name} was {operation.type} when this state was written, and "
            "`pulumi stack import` forgets that"
        )
        found.append(Diagnostic(FORGOTTEN, text, hint, severity=Severity.WARNING))
    if found:
        print_diagnostics(found, None, "text")


def _now(states: States, imported: Snapshot) -> Snapshot:
    """The state that an import replaces; one that is damaged counts as empty, since it is being mended."""
    try:
        return states.load(imported.project, imported.stack)
    except DiagnosticsError:
        return Snapshot(imported.project, imported.stack)


def _stack(states: States, layer: str, stack: str | None) -> tuple[str, str]:
    """The (project, stack) that a layer's or a project's name means. Raises ``DiagnosticsError``."""
    found = [
        (project, name)
        for project, name in states.stacks()
        if layer in (project, layer_of(project)) and stack in (None, name)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{project}/{name}" for project, name in states.stacks()) or "nothing was ever deployed from here"
    text = f"{layer!r} has {len(found)} states" if found else f"{layer!r} has no state"
    raise DiagnosticsError([Diagnostic(NO_STATE, text, f"choose with --stack; there are: {known}")])
