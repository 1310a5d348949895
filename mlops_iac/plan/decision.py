"""Decides what happens to one resource: same, update or replace, and because of which properties.

The preview and the local engine both ask ``diff_node``. The rules are those of Pulumi's engine and its providers.
Source: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN, contains_unknown, one_secret
from mlops_iac.graph.nodes import Node
from mlops_iac.plan.compare import Difference, differences, differences_to_read
from mlops_iac.plan.model import Kind, Op, PropertyChange
from mlops_iac.plan.paths import PropertyPath, format_property, parse_property, restore, touches
from mlops_iac.providers.facts import Replaces, TypeFacts
from mlops_iac.state.snapshot import ResourceState

Facts = Callable[[str], TypeFacts | None]
"""Answers a type token with what is known of the type."""

PROVIDER_REPLACED: Final = "provider"
"""The replace reason of a resource whose provider is replaced."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one resource. ``inputs`` are those to apply: ignored changes taken back unless it is
    replaced, secrets marked. ``diff`` is the engine's, which compares lists by index; ``shown`` is the same to read,
    item by item, None where it has no list."""

    op: Op
    inputs: Mapping[str, Any]
    diff: tuple[PropertyChange, ...] = ()
    replace_reasons: tuple[str, ...] = ()
    delete_before_replace: bool = False
    shown: tuple[PropertyChange, ...] | None = None


def diff_node(
    node: Node,
    new_inputs: Mapping[str, Any],
    old: ResourceState | None,
    facts: TypeFacts | None,
    *,
    provider_inputs: Mapping[str, Any] | None = None,
    provider_replaced: bool = False,
    settled: Collection[str] = (),
) -> Decision:
    """Decide what happens to ``node``, whose evaluated inputs are ``new_inputs`` and whose state is ``old``.

    ``provider_inputs`` are the evaluated inputs of the node's explicit provider; a ``provider_replaced`` one
    replaces the resource. ``settled`` names the inputs whose unknown parts cannot have moved, since what
    they come from does not change: those parts count as equal. A resource that an interrupted replacement
    has deleted already is replaced, whatever its inputs.
    """
    wanted = mark_secrets(new_inputs, facts)
    if old is None:
        return Decision(Op.CREATE, wanted)
    options = node.options
    judge = partial(
        judge_inputs,
        node.type,
        old.inputs,
        wanted,
        facts,
        ignore_changes=options.ignore_changes,
        replace_on_changes=options.replace_on_changes,
        provider_inputs=provider_inputs or {},
        settled=settled,
    )
    inputs, diff = judge()
    in_lists = any(isinstance(part, int) for change in diff for part in parse_property(change.path))
    shown = judge(compare=differences_to_read)[1] if in_lists else None
    reasons = tuple(change.path for change in diff if change.replaces)
    if not (reasons or provider_replaced or old.pending_replacement):
        return Decision(Op.UPDATE if diff else Op.SAME, inputs, diff, shown=shown)
    # A successor has no former values to keep: it gets what is declared, ignored changes included.
    if provider_replaced:
        # What changes beside the provider does not decide the order: the new one has another place to be.
        causes = (PROVIDER_REPLACED, *reasons)
        return Decision(Op.REPLACE, wanted, diff, causes, options.delete_before_replace, shown)
    first = options.delete_before_replace or old.pending_replacement
    if not first and facts is not None and facts.deletes_first(old.inputs, wanted):
        # The provider orders the replacement, and it knows nothing of replace_on_changes.
        switches = provider_inputs or {}
        _, own = judge_inputs(node.type, old.inputs, inputs, facts, provider_inputs=switches, settled=settled)
        first = any(change.replaces for change in own)
    return Decision(Op.REPLACE, wanted, diff, reasons, first, shown)


def judge_inputs(
    type: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    facts: TypeFacts | None,
    *,
    ignore_changes: Iterable[str] = (),
    replace_on_changes: Iterable[str] = (),
    provider_inputs: Mapping[str, Any] = MappingProxyType({}),
    settled: Collection[str] = (),
    compare: Callable[[Mapping[str, Any], Mapping[str, Any]], list[Difference]] = differences,
) -> tuple[Mapping[str, Any], tuple[PropertyChange, ...]]:
    """``new`` with ignored changes taken back, and how it then differs from ``old``, each difference judged."""
    for pattern in ignore_changes:
        new = restore(new, old, parse_property(pattern))
    patterns = tuple(map(parse_property, replace_on_changes))
    return new, tuple(
        _judge(type, difference, new, facts, patterns, provider_inputs)
        for difference in compare(old, new)
        if not (difference.path[0] in settled and contains_unknown(difference.new))
    )


def _judge(
    type: str,
    difference: Difference,
    inputs: Mapping[str, Any],
    facts: TypeFacts | None,
    replace_on_changes: Collection[PropertyPath],
    provider_inputs: Mapping[str, Any],
) -> PropertyChange:
    """One difference as a property change: does it replace the resource, and is it secret?"""
    path, kind, old, new = difference
    verdict = Replaces.NEVER
    if facts is not None:
        verdicts = {facts.replaced_by(leaf) for leaf in (*_leaves(old, path), *_leaves(new, path))}
        verdict = next((v for v in (Replaces.ALWAYS, Replaces.MAYBE) if v in verdicts), Replaces.NEVER)
        if facts.is_secret(path):
            old, new = as_secret(old), as_secret(new)
    verdict = _condition(type, difference, inputs, provider_inputs) or verdict
    if any(touches(pattern, path) for pattern in replace_on_changes):
        verdict = Replaces.ALWAYS
    return PropertyChange(format_property(path), kind, old, new, verdict is Replaces.ALWAYS, verdict is Replaces.MAYBE)


def _leaves(value: Any, path: PropertyPath) -> Iterator[PropertyPath]:
    """The paths of the single values inside ``value``: an object that appears as a whole may hold one that
    replaces."""
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    empty = True
    for key, member in members:
        empty = False
        yield from _leaves(member, (*path, key))
    if empty:
        yield path


def _condition(
    type: str, difference: Difference, inputs: Mapping[str, Any], provider_inputs: Mapping[str, Any]
) -> Replaces | None:
    """The verdict where it depends on more than the property: a switch of the provider, or being unknown.

    Sources: `forceNewProperties` and `DiffConfig` in
    https://github.com/pulumi/pulumi-kubernetes/tree/master/provider/pkg/provider, and
    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support (the
    provider's region moves every resource).
    """
    path = difference.path
    switch = {
        "kubernetes:core/v1:ConfigMap": "enableConfigMapMutable",
        "kubernetes:core/v1:Secret": "enableSecretMutable",
    }.get(type)
    if switch is not None and path[0] in ("binaryData", "data", "stringData"):
        editable = provider_inputs.get(switch) in (True, "true") and inputs.get("immutable") is not True
        return Replaces.NEVER if editable else Replaces.ALWAYS
    if type in ("pulumi:providers:aws", "pulumi:providers:aws-native") and path == ("region",):
        return Replaces.ALWAYS
    if type == "pulumi:providers:kubernetes" and path[0] in ("kubeconfig", "context", "cluster"):
        if inputs.get("clusterIdentifier"):
            return Replaces.NEVER
        # Another kubeconfig may mean another cluster; while it is unknown the provider assumes that it does.
        return Replaces.ALWAYS if contains_unknown(difference.new) else Replaces.MAYBE
    if type == "pulumi:providers:kubernetes" and path == ("clusterIdentifier",):
        # Saying for the first time which cluster it is moves nothing.
        return Replaces.ALWAYS if difference.kind is Kind.UPDATE else Replaces.NEVER
    return None


def mark_secrets(inputs: Mapping[str, Any], facts: TypeFacts | None) -> Mapping[str, Any]:
    """``inputs`` with the properties that the type declares secret marked so, as Pulumi's SDKs mark them."""
    names = [name for name in facts.secrets if inputs.get(name) is not None] if facts is not None else []
    return {**inputs, **{name: as_secret(inputs[name]) for name in names}} if names else inputs


def as_secret(value: Any) -> Any:
    """``value`` marked secret as a whole; nothing and what is marked already stay as they are."""
    return value if value is None or value is UNKNOWN else one_secret(value)
