"""What a run does to a stack's state, edit by edit: the records of the journal, and their effect on a snapshot."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlops_iac.state.checkpoint import decode_resource, encode_resource, root_urn, seal, unseal_value
from mlops_iac.state.passphrase import Crypter
from mlops_iac.state.snapshot import PendingOperation, ResourceState, Snapshot

CopyKey = tuple[str, str | None]
"""A resource in a state: its URN, and the provider id where it is an old copy that waits for deletion."""


def key_of(resource: ResourceState) -> CopyKey:
    """Where ``resource`` stands in a state."""
    return resource.urn, resource.id if resource.delete else None


@dataclass(frozen=True, slots=True)
class Begin:
    """An operation is about to call the provider."""

    ticket: int
    operation: PendingOperation


@dataclass(frozen=True, slots=True)
class End:
    """The operation of ``ticket`` is over: these resources are dropped, then these are put."""

    ticket: int
    put: tuple[ResourceState, ...] = ()
    drop: tuple[CopyKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Outputs:
    """The stack's outputs are now these."""

    outputs: Mapping[str, Any]


Edit = Begin | End | Outputs


class Working:
    """A snapshot under edit; pending operations that it starts with have the tickets 0, 1, ..."""

    def __init__(self, base: Snapshot) -> None:
        self._base = base
        self._resources: dict[CopyKey, ResourceState] = {}
        self._by_urn: dict[str, dict[CopyKey, None]] = {}
        self._pending = dict(enumerate(base.pending))
        self._outputs: Mapping[str, Any] = base.outputs
        self._dropped: set[str] = set()
        self._next = len(base.pending)
        for resource in base.resources:
            self._put(resource)

    def next_ticket(self) -> int:
        """A ticket that no operation has had."""
        self._next += 1
        return self._next - 1

    def apply(self, edit: Edit) -> None:
        """Take one edit in."""
        if isinstance(edit, Begin):
            self._pending[edit.ticket] = edit.operation
            self._next = max(self._next, edit.ticket + 1)
        elif isinstance(edit, End):
            self._pending.pop(edit.ticket, None)
            for key in edit.drop:
                self._resources.pop(key, None)
                self._by_urn.get(key[0], {}).pop(key, None)
                self._dropped.add(key[0])
            for resource in edit.put:
                self._put(resource)
        else:
            self._outputs = edit.outputs

    def pending(self) -> dict[int, PendingOperation]:
        """The operations that have begun and not ended, by ticket."""
        return dict(self._pending)

    def live(self, urn: str) -> ResourceState | None:
        """The resource with that URN that is in use."""
        return self._resources.get((urn, None))

    def copies(self, urn: str) -> tuple[ResourceState, ...]:
        """Every resource with that URN, old copies too."""
        return tuple(self._resources[key] for key in self._by_urn.get(urn, ()))

    def resources(self) -> tuple[ResourceState, ...]:
        """Every resource, in no particular order."""
        return tuple(self._resources.values())

    def snapshot(self) -> Snapshot:
        """The state as it now is."""
        return replace(
            self._base,
            resources=in_order(self._without_dropped(resource) for resource in self._resources.values()),
            pending=tuple(self._pending.values()),
            outputs=self._outputs,
        )

    def _put(self, resource: ResourceState) -> None:
        key = key_of(resource)
        self._resources[key] = resource
        self._by_urn.setdefault(resource.urn, {})[key] = None

    def _without_dropped(self, resource: ResourceState) -> ResourceState:
        """``resource`` without the dependencies that were dropped and not put again: a failed replacement leaves
        users of the deleted resource behind."""
        gone = {urn for urn in needed_urns(resource) & self._dropped if not self._by_urn.get(urn)}
        if not gone:
            return resource
        kept = {
            name: tuple(urn for urn in urns if urn not in gone) for name, urns in resource.property_dependencies.items()
        }
        return replace(
            resource,
            dependencies=tuple(urn for urn in resource.dependencies if urn not in gone),
            property_dependencies={name: urns for name, urns in kept.items() if urns},
        )


def in_order(resources: Iterable[ResourceState]) -> tuple[ResourceState, ...]:
    """``resources`` so that each comes after everything it names; ties keep their order.

    A URN stands for the resource in use, or for an old copy where there is no other. What a cycle holds back
    comes last.
    """
    listed = list(resources)
    place: dict[str, int] = {}
    for index, resource in enumerate(listed):
        if resource.urn not in place or not resource.delete:
            place[resource.urn] = index
    waits = [_needs(resource, place) - {index} for index, resource in enumerate(listed)]
    followers: list[list[int]] = [[] for _ in listed]
    for index, needed in enumerate(waits):
        for other in needed:
            followers[other].append(index)
    missing = [len(needed) for needed in waits]
    ready = [index for index, count in enumerate(missing) if count == 0]
    ordered: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        ordered.append(index)
        for follower in followers[index]:
            missing[follower] -= 1
            if missing[follower] == 0:
                heapq.heappush(ready, follower)
    placed = set(ordered)
    ordered.extend(index for index in range(len(listed)) if index not in placed)
    return tuple(listed[index] for index in ordered)


def needed_urns(resource: ResourceState) -> set[str]:
    """URN of everything that ``resource`` names: parent, provider and dependencies."""
    found = {urn for urns in resource.property_dependencies.values() for urn in urns}
    found.update(resource.dependencies)
    if resource.parent is not None:
        found.add(resource.parent)
    if resource.provider is not None:
        found.add(resource.provider.rpartition("::")[0])
    return found


def encode(edit: Edit, crypter: Crypter | None, project: str, stack: str) -> dict[str, Any]:
    """An edit as JSON data."""
    root = root_urn(project, stack)
    if isinstance(edit, Begin):
        resource = encode_resource(edit.operation.resource, crypter, root)
        return {"begin": edit.ticket, "type": edit.operation.type, "resource": resource}
    if isinstance(edit, End):
        put = [encode_resource(resource, crypter, root) for resource in edit.put]
        return {"end": edit.ticket, "put": put, "drop": [list(key) for key in edit.drop]}
    return {"outputs": seal(edit.outputs, crypter, f"{root}#outputs")}


def decode(data: Mapping[str, Any], crypter: Crypter | None, project: str, stack: str) -> Edit:
    """The edit in JSON data. Raises ``KeyError``, ``TypeError`` or ``ValueError`` on another shape."""
    root = root_urn(project, stack)
    if "begin" in data:
        resource = decode_resource(data["resource"], crypter, root)
        return Begin(data["begin"], PendingOperation(data["type"], resource))
    if "end" in data:
        put = tuple(decode_resource(item, crypter, root) for item in data["put"])
        return End(data["end"], put, tuple((urn, id) for urn, id in data["drop"]))
    return Outputs(unseal_value(data["outputs"], crypter, f"{root}#outputs"))


def _needs(resource: ResourceState, place: Mapping[str, int]) -> set[int]:
    return {place[urn] for urn in needed_urns(resource) if urn in place}
