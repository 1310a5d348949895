"""Which resources go along when one is deleted before its replacement exists.

A resource that would itself be replaced if it did not know the old one's properties cannot outlive it: a
bucket's policy goes with the bucket. Source: ``calculateDependentReplacements`` in
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from mlops_iac.plan.model import Change, Op
from mlops_iac.providers.facts import Replaces, TypeFacts
from mlops_iac.state.snapshot import ResourceState

Facts = Callable[[str], TypeFacts | None]


def deleted_along(
    changes: Iterable[Change],
    live: Iterable[ResourceState],
    needs: Mapping[str, Collection[str]],
    facts: Facts,
) -> dict[str, tuple[str, ...]]:
    """For each resource that is deleted before its replacement, the URNs to delete before it, in that order.

    ``live`` is the state in dependency order, ``needs`` says which URNs a declared resource directly waits for. A
    resource that is declared without depending on the replaced one any more stays.
    """
    ordered = [resource for resource in live if not resource.delete]
    found = {}
    for change in changes:
        if change.op is Op.REPLACE and change.delete_before_replace:
            root = change.old_urn or change.urn
            doomed = [
                urn for urn in _doomed(root, ordered, facts) if urn not in needs or _waits(urn, change.urn, needs)
            ]
            found[change.urn] = tuple(reversed(doomed))
    return found


def _doomed(root: str, ordered: Iterable[ResourceState], facts: Facts) -> list[str]:
    gone = {root}
    listed = []
    for resource in ordered:
        known = facts(resource.type) if resource.custom else None
        if known is None or resource.urn == root:
            continue
        if any(
            gone.intersection(urns) and known.replaced_by((name,)) is Replaces.ALWAYS
            for name, urns in resource.property_dependencies.items()
        ):
            gone.add(resource.urn)
            listed.append(resource.urn)
    return listed


def _waits(urn: str, other: str, needs: Mapping[str, Collection[str]]) -> bool:
    seen: set[str] = set()
    stack = [urn]
    while stack:
        for needed in needs.get(stack.pop(), ()):
            if needed == other:
                return True
            if needed not in seen:
                seen.add(needed)
                stack.append(needed)
    return False
