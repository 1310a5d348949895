"""Shows resources to policies that did not come from our configuration: a stack's state, or somebody's program.

What the configuration would say of the system is read from the resources' tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from mlops_iac.policies.policy import Limits, ResourceView, StackView, SystemView, view
from mlops_iac.state.checkpoint import without_stack
from mlops_iac.state.snapshot import ResourceState, Snapshot

ENVIRONMENTS: Final = ("dev", "staging", "prod")


def view_state(snapshots: Iterable[Snapshot], today: str = "") -> StackView:
    """Every deployed resource of those stacks, with the inputs that it was deployed with.

    One stack alone may be a part of a system; several together are taken to be the whole of it.
    """
    stacks = list(snapshots)
    resources = tuple(
        _view(resource) for snapshot in stacks for resource in snapshot.live().values() if resource.custom
    )
    system = system_of(resources, stacks[0].stack if stacks else "", today=today)
    return StackView(resources, system, whole=len(stacks) > 1)


def view_deployed(snapshots: Iterable[Snapshot], declared: StackView) -> StackView:
    """Every deployed resource of a system whose configuration is known: ``declared`` is how that shows it.

    A resource has its component, its line and its system from there; one that is not declared stands for itself.
    """
    seen = view_state(snapshots, declared.system.today)
    known = {without_stack(resource.urn): resource for resource in declared.resources}
    resources = tuple(
        replace(resource, component=same.component, location=same.location)
        if (same := known.get(without_stack(resource.urn)))
        else resource
        for resource in seen.resources
    )
    projects = {without_stack(resource.urn).partition("::")[0] for resource in declared.resources}
    whole = projects <= {without_stack(resource.urn).partition("::")[0] for resource in resources}
    return StackView(resources, declared.system, whole=whole)


def system_of(
    resources: Iterable[ResourceView], stack: str, given: Mapping[str, Any] | None = None, *, today: str = ""
) -> SystemView:
    """The system that resources belong to, by their tags; ``given`` holds what is known better."""
    known = given or {}
    tags: dict[str, str] = {}
    readable = (r.tags for r in resources if r.inputs.is_known("tags"))
    for name, value in chain.from_iterable(found.items() for found in readable):
        tags.setdefault(name, str(value))
    environment = known.get("environment") or tags.get("environment") or stack
    return SystemView(
        name=tags.get("ml-system", "system"),
        environment=environment if environment in ENVIRONMENTS else "dev",
        risk_class=known.get("risk_class") or tags.get("risk-class") or "minimal",
        owner=known.get("owner") or tags.get("owner") or "",
        purpose=known.get("purpose") or tags.get("purpose") or "",
        limits=known.get("limits") or Limits(),
        today=today,
    )


def _view(resource: ResourceState) -> ResourceView:
    sources = {name: frozenset(urns) for name, urns in resource.property_dependencies.items() if urns}
    named = (resource.id, *(resource.outputs.get(key) for key in ("arn", "name", "bucket", "url")))
    return view(
        resource.urn,
        resource.type,
        resource.urn.rpartition("::")[2],
        resource.inputs,
        sources=sources,
        protect=resource.protect,
        retain_on_delete=resource.retain_on_delete,
        component=("state", resource.urn.rpartition("::")[2]),
        identifiers=(text for text in named if isinstance(text, str)),
    )
