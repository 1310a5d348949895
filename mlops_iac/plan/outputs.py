"""What a planned resource's outputs will be: known where nothing can move them, else known after apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, one_secret, property_at
from mlops_iac.plan.model import Op
from mlops_iac.plan.paths import format_property
from mlops_iac.state.snapshot import ResourceState

MOVING_OUTPUTS: Final[Mapping[str, frozenset[str]]] = {
    "aws:cloudformation/stack:Stack": frozenset({"outputs"}),
    "aws:ec2/launchTemplate:LaunchTemplate": frozenset({"defaultVersion", "latestVersion"}),
    "aws:imagebuilder/imagePipeline:ImagePipeline": frozenset({"dateUpdated"}),
    "aws:lambda/function:Function": frozenset(
        {"codeSha256", "lastModified", "qualifiedArn", "qualifiedInvokeArn", "version"}
    ),
    "aws:lambda/layerVersion:LayerVersion": frozenset({"arn", "version"}),
    "aws:s3/bucketObject:BucketObject": frozenset({"etag", "versionId"}),
    "aws:s3/bucketObjectv2:BucketObjectv2": frozenset({"etag", "versionId"}),
    "aws:sfn/stateMachine:StateMachine": frozenset({"revisionId", "stateMachineVersionArn"}),
    "aws:ssm/parameter:Parameter": frozenset({"version"}),
}
"""Outputs that an update in place moves, as the AWS provider's CustomizeDiff functions say: a launch
template's latest version, for instance, by which node groups follow it. Source:
https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service (``SetNewComputed``)."""


_ABSENT: Final = object()


class Placeholders(Mapping[str, Any]):
    """The outputs of a resource that was never deployed: its inputs, and a stable text for everything else.

    The text names the resource and the property, so that a reference that stays the same compares equal and
    one that changes does not. Iteration gives the inputs only; asking for any other name succeeds.
    """

    __slots__ = ("_inputs", "_label")

    def __init__(self, type: str, name: str, inputs: Mapping[str, Any]) -> None:
        self._inputs = inputs
        self._label = f"{type} {name}"

    def at(self, path: Sequence[str | int]) -> Any:
        """The value at ``path``: never unknown."""
        known = _declared(self._inputs, path)
        return f"${{{self._label}.{format_property(path)}}}" if known is _ABSENT else known

    def __getitem__(self, name: str) -> Any:
        return self.at((name,))

    def __iter__(self) -> Iterator[str]:
        return iter(self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)


def planned_output(
    op: Op,
    inputs: Mapping[str, Any],
    changed: frozenset[str],
    old: ResourceState | None,
    path: Sequence[str | int],
) -> Any:
    """The output at ``path`` once the plan is carried out, ``UNKNOWN`` where only the apply can tell.

    ``changed`` are the names of the inputs that an update changes. A created resource's outputs are known
    where an input has their name, as the providers' own previews hold.
    """
    if old is None or op in (Op.CREATE, Op.REPLACE):
        return UNKNOWN if path[0] == "id" else _or_unknown(_declared(inputs, path))
    if path[0] == "id":
        return UNKNOWN if old.id is None else old.id
    name = str(path[0])
    if op is Op.UPDATE and name in MOVING_OUTPUTS.get(old.type, ()):
        return UNKNOWN
    before = _deployed(old, path)
    if op is Op.UPDATE and name in changed:
        after = _declared(inputs, path)
        if after is _ABSENT:
            # An input that was taken away falls back to a value of the provider's own.
            return before if _declared(old.inputs, path) is _ABSENT else UNKNOWN
        return _overlay(before, after)
    return _or_unknown(_declared(inputs, path)) if before is UNKNOWN else before


def _declared(inputs: Mapping[str, Any], path: Sequence[str | int]) -> Any:
    """What the inputs say at ``path``: ``UNKNOWN`` where they hold an unknown, ``_ABSENT`` where they say
    nothing (or null)."""
    found: Any = inputs
    secret = False
    for part in path:
        if isinstance(found, SecretValue):
            found, secret = found.value, True
        if found is UNKNOWN:
            return UNKNOWN
        in_mapping = isinstance(found, Mapping) and part in found
        in_list = isinstance(found, list) and isinstance(part, int) and part < len(found)
        if not in_mapping and not in_list:
            return _ABSENT
        found = found[part]
    if found is None:
        return _ABSENT
    return SecretValue(found) if secret and found is not UNKNOWN else found


def _or_unknown(value: Any) -> Any:
    return UNKNOWN if value is _ABSENT else value


def _deployed(old: ResourceState, path: Sequence[str | int]) -> Any:
    if isinstance(old.outputs, Placeholders):
        return old.outputs.at(path)
    return property_at(old.outputs, path)


def _overlay(before: Any, after: Any) -> Any:
    """``after``, completed by what the provider had added inside ``before``, as in an object's metadata."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {**before, **{key: _overlay(before.get(key, UNKNOWN), value) for key, value in after.items()}}
    return one_secret(after) if isinstance(before, SecretValue) else after
