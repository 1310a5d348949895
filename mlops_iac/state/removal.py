"""Taking one resource out of a state without touching what it stands for."""

from __future__ import annotations

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.state.codes import NO_SUCH_RESOURCE, STILL_NEEDED
from mlops_iac.state.edits import needed_urns
from mlops_iac.state.snapshot import ResourceState, Snapshot


def find(snapshot: Snapshot, name: str) -> ResourceState:
    """The resource of that URN, or of that logical name where only one has it. Raises ``DiagnosticsError``."""
    found = [
        item for item in snapshot.resources if name in (item.urn, item.urn.rpartition("::")[2]) and not item.delete
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(item.urn for item in found)
    text = f"{len(found)} resources are called {name!r}: {names}" if found else f"there is no resource {name!r}"
    hint = "give its URN" if found else "`mlops-iac state list` shows them"
    raise DiagnosticsError([Diagnostic(NO_SUCH_RESOURCE, f"{snapshot.project}/{snapshot.stack}: {text}", hint)])


def refuse(snapshot: Snapshot, resource: ResourceState, *, force: bool = False) -> None:
    """Raise ``DiagnosticsError`` where ``resource`` must stay: it is protected, or others still name it.

    ``force`` overrules a protection, as in ``pulumi state delete``. What others name stays: a state must hold that.
    """
    name = f"{snapshot.project}/{snapshot.stack}: {resource.urn}"
    problems = []
    if resource.protect and not force:
        hint = "--force takes it out of the state in spite of that"
        problems.append(Diagnostic(STILL_NEEDED, f"{name} is protected", hint))
    users = [item.urn for item in snapshot.resources if resource.urn in needed_urns(item) and item.urn != resource.urn]
    if users:
        text = f"{name} is still named by {len(users)} others: {', '.join(users[:5])}"
        problems.append(Diagnostic(STILL_NEEDED, text, "take those out first"))
    if problems:
        raise DiagnosticsError(problems)
