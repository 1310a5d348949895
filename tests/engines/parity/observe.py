"""What a run of either engine showed, in one form, and how two runs differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.plan.model import Change, Op
from mlops_iac.providers.facts import facts_of
from mlops_iac.state.checkpoint import PROVIDER_PREFIX, STACK_REFERENCE
from mlops_iac.state.snapshot import ResourceState, Snapshot

ADDED_BY_SDK = ("version", "__internal", "__defaults")
"""Inputs of a provider resource that the SDK and the engine put in."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One run. ``preview`` has the steps by URN, named as Pulumi names them; ``calls`` what the provider was asked.

    ``refused``: the run ended before it changed anything. ``failed``: it did not carry everything out.
    """

    preview: Mapping[str, Sequence[str]]
    calls: Sequence[Sequence[str]]
    refused: bool
    failed: bool
    state: Sequence[Mapping[str, Any]]
    outputs: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the layers that wait for this one are tried."""
        return not self.failed

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


Run = Mapping[str, Seen]
"""What a step showed, by layer in the order of the runs; a layer that was not tried is not in it."""


def records(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The state in comparable form, sorted; what says nothing is left out.

    The engines make up the ids of provider resources: they are told apart only as the one in use and old ones. Pulumi's
    records every other stack that is read as a resource; which layers a run reads is compared by what follows from it.
    """
    compared = [item for item in snapshot.resources if item.type != STACK_REFERENCE]
    ordered = sorted(compared, key=lambda item: (item.urn, item.delete, item.id or ""))
    names = {
        f"{item.urn}::{item.id}": "old" if item.delete else "in use"
        for item in ordered
        if item.type.startswith(PROVIDER_PREFIX)
    }
    return [_record(resource, names) for resource in ordered]


def _record(resource: ResourceState, names: Mapping[str, str]) -> dict[str, Any]:
    is_provider = resource.type.startswith(PROVIDER_PREFIX)
    provider = None
    if resource.provider is not None:
        provider = f"{resource.provider.rpartition('::')[0]} {names.get(resource.provider, 'gone')}"
    facts = facts_of(resource.type) if resource.custom else None
    secrets = facts.secrets if facts is not None else frozenset()
    data: dict[str, Any] = {
        "urn": resource.urn,
        "custom": resource.custom,
        "id": None if is_provider else resource.id,
        "inputs": _values(resource.inputs, is_provider),
        "outputs": _values(resource.outputs, is_provider),
        "parent": resource.parent,
        "provider": provider,
        "dependencies": _resources(resource.dependencies),
        "propertyDependencies": {
            name: found for name, urns in resource.property_dependencies.items() if (found := _resources(urns))
        },
        "protect": resource.protect,
        "retainOnDelete": resource.retain_on_delete,
        "delete": resource.delete,
        "pendingReplacement": resource.pending_replacement,
        "additionalSecretOutputs": sorted(set(resource.additional_secret_outputs) - secrets),
        "ignoreChanges": list(resource.ignore_changes),
        "replaceOnChanges": list(resource.replace_on_changes),
    }
    return {name: value for name, value in data.items() if value}


def _resources(urns: Iterable[str]) -> list[str]:
    return sorted(urn for urn in urns if f"::{STACK_REFERENCE}::" not in urn)


def _values(values: Mapping[str, Any], is_provider: bool) -> dict[str, Any]:
    left_out = ADDED_BY_SDK if is_provider else ("__defaults",)
    return {name: plain(value) for name, value in sorted(values.items()) if name not in left_out}


def plain(value: Any) -> Any:
    """JSON data with secrets marked."""
    if isinstance(value, SecretValue):
        return {"secret": plain(value.value)}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def steps_of(changes: Sequence[Change], before: Snapshot) -> dict[str, list[str]]:
    """What Pulumi calls the steps of a plan, by URN; same steps are left out."""
    found: dict[str, list[str]] = {}
    states = before.live()
    along = {urn for change in changes for urn in change.takes_along}
    for change in changes:
        old = states.get(change.old_urn or change.urn)
        gone = old is not None and old.pending_replacement
        if change.op is Op.SAME:
            continue
        if change.op is Op.REPLACE:
            deleted = [] if gone and change.goes_with is None else ["delete-replaced"]
            names = [*deleted, "replace", "create-replacement"]
            if change.old_urn is not None:
                # The old one is deleted under the name that it had.
                found.setdefault(change.old_urn, []).extend(deleted)
                names = names[len(deleted) :]
        elif change.op is Op.DELETE:
            names = ["remove-pending-replace" if gone else "delete"]
            names = ["delete-replaced", "remove-pending-replace"] if change.urn in along else names
        else:
            names = [change.op.value]
        found.setdefault(change.urn, []).extend(names)
    for resource in before.resources:
        if resource.delete:
            found.setdefault(resource.urn, []).append("delete-replaced")
    return {urn: sorted(names) for urn, names in sorted(found.items())}


def differences(ours: Seen, theirs: Seen) -> Iterator[str]:
    """How two runs of the same step differ, a line each.

    Pulumi ends a preview at the first refusal, with as much announced as its parallel steps had come to.
    """
    refused = ours.refused and theirs.refused
    for urn in sorted({*ours.preview, *theirs.preview}):
        mine, other = list(ours.preview.get(urn, ())), list(theirs.preview.get(urn, ()))
        if mine != other and not (refused and set(other) <= set(mine)):
            yield f"preview {_short(urn)}: {mine or 'same'} is {other or 'same'} in Pulumi"
    if ours.refused != theirs.refused:
        yield f"refused: {ours.refused} is {theirs.refused} in Pulumi"
        return
    theirs = replace(theirs, calls=_named_alike(theirs.calls, ours.calls))
    if ours.failed != theirs.failed:
        yield f"failed: {ours.failed} is {theirs.failed} in Pulumi"
    mine_calls, their_calls = Counter(map(tuple, ours.calls)), Counter(map(tuple, theirs.calls))
    for call in sorted((mine_calls - their_calls).keys()):
        yield f"call {call[0]} {_short(call[1])} {call[2]}: only ours"
    for call in sorted((their_calls - mine_calls).keys()):
        yield f"call {call[0]} {_short(call[1])} {call[2]}: only Pulumi's"
    for urn in sorted({call[1] for call in ours.calls}):
        if (first := _order(ours.calls, urn)) != (other := _order(theirs.calls, urn)):
            yield f"order {_short(urn)}: {first} is {other} in Pulumi"
    yield from _state_differences(ours.state, theirs.state)
    if ours.outputs != theirs.outputs:
        yield f"outputs: {dict(ours.outputs)} is {dict(theirs.outputs)} in Pulumi"


def _named_alike(calls: Sequence[Sequence[str]], ours: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    """Pulumi's calls with our names: what is renamed and replaced in one run is deleted by its old name there."""
    names = {id: urn for verb, urn, id in ours if verb.endswith("delete")}
    return [(verb, names.get(id, urn) if verb.endswith("delete") else urn, id) for verb, urn, id in calls]


def _order(calls: Sequence[Sequence[str]], urn: str) -> list[str]:
    """Whether a resource was created or deleted first, and the other after it."""
    return [verb for verb, called, _ in calls if called == urn and verb in ("create", "delete")]


def _state_differences(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    mine, other = {_label(item): item for item in ours}, {_label(item): item for item in theirs}
    for label in sorted({*mine, *other}):
        if label not in other or label not in mine:
            yield f"state {_short(label)}: only {'ours' if label in mine else 'Pulumi' + chr(39) + 's'}"
            continue
        for name in sorted({*mine[label], *other[label]}):
            before, after = mine[label].get(name), other[label].get(name)
            if before != after:
                yield f"state {_short(label)} {name}: {before} is {after} in Pulumi"


def order_problems(calls: Sequence[Sequence[str]], before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Calls that came too early: before something needed was made, or while a user was still there."""
    made = {(urn, id): place for place, (verb, urn, id) in enumerate(calls) if verb in ("create", "update")}
    deleted = {id: place for place, (verb, _, id) in enumerate(calls) if verb == "delete"}
    made_urns = {urn for verb, urn, _ in calls if verb in ("create", "refused create")}
    live = after.live()
    by_urn = {urn: place for (urn, id), place in made.items() if urn in live and live[urn].id == id}
    for urn, place in by_urn.items():
        for needed in _used(live[urn]):
            if by_urn.get(needed, -1) > place:
                yield f"{_short(urn)} was made before {_short(needed)}, which it needs"
    known = {resource.urn: resource for resource in before.resources if not resource.delete}
    for resource in known.values():
        for needed in _used(resource):
            other = known.get(needed)
            if other is None or resource.id not in deleted or other.id not in deleted:
                continue
            if _order(calls, other.urn)[:1] == ["delete"] and other.urn in made_urns:
                # Deleted to make room for its successor: users that can live without it may follow later.
                continue
            if deleted[other.id or ""] < deleted[resource.id or ""]:
                yield f"{_short(other.urn)} was deleted before {_short(resource.urn)}, which used it"


def _used(resource: ResourceState) -> set[str]:
    return {*resource.dependencies, *(urn for urns in resource.property_dependencies.values() for urn in urns)}


def _label(record: Mapping[str, Any]) -> str:
    return f"{record['urn']} {record.get('id', '')} (old)" if record.get("delete") else str(record["urn"])


def _short(urn: str) -> str:
    return urn.split("::", 2)[-1]
