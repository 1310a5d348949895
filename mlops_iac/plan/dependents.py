"""Which resources go along when one is deleted before its replacement exists.

A resource that would itself be replaced if it did not know the old one's properties cannot outlive it: a
bucket's policy goes with the bucket. Source: ``calculateDependentReplacements`` in
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.plan.decision import PROVIDER_REPLACED, Facts, judge_inputs
from mlops_iac.state.snapshot import ResourceState


def deleted_along(
    root: str, resources: Iterable[ResourceState], passed: Collection[str], facts: Facts
) -> dict[str, tuple[str, ...]]:
    """The URNs that are deleted before the resource with the URN ``root``, each with the properties that force it.

    ``resources`` is the state in dependency order, and so is the answer: delete from its end. ``passed`` are the URNs
    that this run has dealt with already; they are left alone.
    """
    states = {resource.urn: resource for resource in resources if not resource.delete}
    found: dict[str, tuple[str, ...]] = {}
    for urn, resource in states.items():
        if resource.custom and not resource.external and urn != root and urn not in passed:
            reasons = _reasons(resource, {root, *found}, states, facts)
            if reasons:
                found[urn] = reasons
    return found


def _reasons(
    resource: ResourceState, gone: Collection[str], states: Mapping[str, ResourceState], facts: Facts
) -> tuple[str, ...]:
    provider = resource.provider.rpartition("::")[0] if resource.provider is not None else None
    if provider in gone:
        return (PROVIDER_REPLACED,)
    moved = [name for name, urns in resource.property_dependencies.items() if not set(urns).isdisjoint(gone)]
    unknown: dict[str, Any] = {name: UNKNOWN for name in moved if name in resource.inputs}
    if not unknown:
        return ()
    served_by = states.get(provider) if provider is not None else None
    _, diff = judge_inputs(
        resource.type,
        resource.inputs,
        {**resource.inputs, **unknown},
        facts(resource.type),
        ignore_changes=resource.ignore_changes,
        replace_on_changes=resource.replace_on_changes,
        provider_inputs=served_by.inputs if served_by is not None else {},
    )
    return tuple(change.path for change in diff if change.replaces)
