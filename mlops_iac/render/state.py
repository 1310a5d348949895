"""Stored state for people and programs: what is deployed, one resource, and the backups there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from mlops_iac.render.page import Line, Page, Span, Tone, line, to_text
from mlops_iac.render.visible import plain_json, show
from mlops_iac.state.snapshot import ResourceState, Snapshot

VERSION: Final = 1
_INDENT: Final = 4


def states_text(snapshots: Sequence[Snapshot], page: Page, *, resources: bool = True) -> str:
    """Each stack with its serial and age, and each resource with its id."""
    if not snapshots:
        return to_text([line("Nothing was ever deployed from here.")], page)
    lines: list[Line] = []
    for snapshot in snapshots:
        pending = f", {len(snapshot.pending)} operations under way" if snapshot.pending else ""
        custom = sum(resource.custom for resource in snapshot.resources)
        text = f"  {state_name(snapshot)} of {snapshot.written or 'unknown time'}, {custom} resources{pending}"
        lines.append(line(Span(page.visible(f"{snapshot.project}/{snapshot.stack}"), Tone.STRONG), text))
        if resources:
            lines += [_row(resource, page) for resource in snapshot.resources if resource.custom]
    return to_text(lines, page)


def state_name(snapshot: Snapshot) -> str:
    """``state 4``; without the number where the engine counts none."""
    return f"state {snapshot.serial}" if snapshot.serial else "state"


def states_json(snapshots: Iterable[Snapshot]) -> dict[str, Any]:
    """The same as data."""
    return {
        "version": VERSION,
        "kind": "states",
        "stacks": [
            {
                "project": snapshot.project,
                "stack": snapshot.stack,
                "serial": snapshot.serial,
                "written": snapshot.written,
                "pending": [{"type": item.type, "urn": item.resource.urn} for item in snapshot.pending],
                "resources": [
                    {"urn": item.urn, "type": item.type, "id": item.id, "protect": item.protect, "delete": item.delete}
                    for item in snapshot.resources
                ],
            }
            for snapshot in snapshots
        ],
    }


def resource_text(resource: ResourceState, page: Page) -> str:
    """One resource, secrets masked."""
    lines = [line(Span(page.visible(resource.urn), Tone.STRONG))]
    facts = {
        "id": resource.id,
        "parent": resource.parent,
        "provider": resource.provider,
        "depends on": ", ".join(resource.dependencies),
        "marks": ", ".join(_marks(resource)),
        "created": resource.created,
        "modified": resource.modified,
    }
    lines += [line(Span(f"  {name}  ", Tone.QUIET), page.visible(value)) for name, value in facts.items() if value]
    for title, values in (("inputs", resource.inputs), ("outputs", resource.outputs)):
        if values:
            lines.append(line(f"  {title}"))
        for name, value in sorted(values.items()):
            head = f"{' ' * _INDENT}{page.visible(name)}: "
            lines.append(line(head, show(value, max(page.width - len(head), 20), ascii_only=page.ascii_only)))
    return to_text(lines, page)


def resource_json(resource: ResourceState) -> dict[str, Any]:
    """One resource as data, secrets masked."""
    names = (name for name in ResourceState.__slots__)
    return {"version": VERSION, "kind": "resource", **{name: plain_json(getattr(resource, name)) for name in names}}


def backups_text(backups: Iterable[tuple[str, int, int]]) -> str:
    """(path, serial, resources) of each backup."""
    rows = [f"state {serial}, {resources} resources: {path}\n" for path, serial, resources in backups]
    return "".join(rows) or "There is no good backup.\n"


def _row(resource: ResourceState, page: Page) -> Line:
    marks = _marks(resource)
    name = page.visible(resource.urn.rpartition("::")[2])
    tail = page.visible(f"  {resource.type}  {resource.id or ''}")
    return line(f"  {name}", Span(tail, Tone.QUIET), Span(f"  [{', '.join(marks)}]" if marks else "", Tone.WARN))


def _marks(resource: ResourceState) -> list[str]:
    marks = {
        "protected": resource.protect,
        "kept on delete": resource.retain_on_delete,
        "old copy, waits for deletion": resource.delete,
        "not managed": resource.external,
    }
    return [name for name, holds in marks.items() if holds]
