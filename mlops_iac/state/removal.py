"""Taking one resource out of a state without touching what it stands for."""

from __future__ import annotations

from dataclasses import replace

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


def without(snapshot: Snapshot, resource: ResourceState, *, force: bool = False) -> Snapshot:
    """``snapshot`` without ``resource``; ``force`` also takes a protected one out.

    Raises ``DiagnosticsError`` when it is protected, or when others still name it: a state must hold what it names.
    """
    problems = []
    if resource.protect and not force:
        text = f"{resource.urn} is protected"
        problems.append(Diagnostic(STILL_NEEDED, text, "--force takes it out of the state in spite of that"))
    users = [item.urn for item in snapshot.resources if resource.urn in needed_urns(item) and item.urn != resource.urn]
    if users:
        text = f"{resource.urn} is still named by {len(users)} others: {', '.join(users[:5])}"
        problems.append(Diagnostic(STILL_NEEDED, text, "take those out first"))
    if problems:
        raise DiagnosticsError(problems)
    return replace(snapshot, resources=tuple(item for item in snapshot.resources if item is not resource))
