"""What a stack's state holds: the deployed resources, and the operations that were in flight.

The model is that of a Pulumi version-3 deployment (apitype.DeploymentV3 in pulumi/sdk/go/common/apitype);
the JSON form is written and read by ``checkpoint``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

OperationType = Literal["creating", "updating", "deleting", "reading", "importing"]


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One deployed resource. ``inputs`` and ``outputs`` are evaluated data and may hold ``SecretValue``.

    ``delete`` marks an old copy that a replacement left behind and that is still to be deleted;
    ``pending_replacement`` one that was deleted and whose successor is still to be created.
    ``provider`` is ``<urn>::<id>`` of the provider resource. ``property_dependencies`` maps an input's name to the URNs
    that its value came from. ``import_id`` is the id that the resource was adopted by.
    """

    urn: str
    type: str
    custom: bool
    id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    provider: str | None = None
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    delete: bool = False
    pending_replacement: bool = False
    external: bool = False
    additional_secret_outputs: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    import_id: str | None = None
    created: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that had begun when the state was written; its outcome is not known."""

    type: OperationType
    resource: ResourceState


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of one stack; resources come after everything they depend on.

    ``secrets`` is the checkpoint's ``secrets_providers`` entry, kept as it was read. ``written`` is when, as the
    checkpoint says.
    """

    project: str
    stack: str
    resources: tuple[ResourceState, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    serial: int = 0
    secrets: Mapping[str, Any] | None = None
    written: str = field(default="", compare=False)

    def live(self) -> dict[str, ResourceState]:
        """Every resource by URN, without old copies that wait for deletion."""
        return {resource.urn: resource for resource in self.resources if not resource.delete}
