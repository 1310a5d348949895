"""What `was` does: a renamed component is built under its first name, and only its resources are then called anew.

A name reaches further than the resource that carries it: into hashes of content, texts, the order of lists and what
other components make of it. Built as it was first deployed, none of that moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec

from mlops_iac.components.component import Outputs
from mlops_iac.diagnostics import ConfigPath
from mlops_iac.graph import naming
from mlops_iac.graph.nodes import Node
from mlops_iac.graph.values import NodeKey, Ref, Value, rewrite
from mlops_iac.spec.references import Reference, references_of, resolve
from mlops_iac.spec.system import Instance, System


def under_first_names(system: System) -> System:
    """``system`` with every component, and every reference to it, under the oldest name that it had.

    Paths stay those of the configuration. The references must resolve.
    """
    if not any(instance.formers for instance in system.instances):
        return system
    instances = tuple(
        replace(instance, name=instance.first_name, spec=_spec_under_first_names(instance, system))
        for instance in system.instances
    )
    by_kind: dict[str, dict[str, Instance]] = {}
    for instance in instances:
        by_kind.setdefault(instance.kind, {})[instance.name] = instance
    return replace(system, instances=instances, by_kind=by_kind)


@dataclass(frozen=True, slots=True)
class Renames:
    """From what builders called resources to what they are called today; ``renamed`` by kind and first name."""

    renamed: Mapping[tuple[str, str], Instance]

    @classmethod
    def of(cls, built: System) -> Renames:
        """Those of a system that ``under_first_names`` made."""
        return cls({(each.kind, each.name): each for each in built.instances if each.formers})

    def key(self, key: NodeKey) -> NodeKey:
        """Today's key of a resource."""
        return self._called(key, str(found.path[-1])) if (found := self._owner(key)) is not None else key

    def value(self, value: Value) -> Value:
        """``value`` with its references to today's resources."""
        return rewrite(value, lambda ref: Ref(self.key(ref.node), ref.path)) if self.renamed else value

    def outputs(self, outputs: Outputs) -> Outputs:
        """What a component offers, with references to today's resources."""
        if not self.renamed:
            return outputs
        return replace(outputs, **{each.name: self.value(getattr(outputs, each.name)) for each in fields(outputs)})

    def node(self, node: Node) -> Node:
        """``node`` under today's name, with its earlier ones as aliases."""
        if not self.renamed:
            return node
        owner, options = self._owner(node.key), node.options
        options = replace(
            options,
            parent=self.key(options.parent) if options.parent is not None else None,
            provider=self.key(options.provider) if options.provider is not None else None,
            depends_on=tuple(sorted(map(self.key, options.depends_on))),
            aliases=tuple(self._called(node.key, former).name for former in owner.formers) if owner is not None else (),
        )
        inputs = {name: self.value(value) for name, value in node.inputs.items()}
        return replace(node, key=self.key(node.key), inputs=inputs, options=options)

    def _owner(self, key: NodeKey) -> Instance | None:
        return self.renamed.get((key.kind, key.name.partition(".")[0]))

    def _called(self, key: NodeKey, owner: str) -> NodeKey:
        return key._replace(name=naming.logical(owner, key.name.partition(".")[2]))


def _spec_under_first_names(instance: Instance, system: System) -> Any:
    spec = instance.spec
    for reference in references_of(instance):
        target = resolve(system, reference)
        if target is not None and target.first_name != reference.name:
            spec = _renamed(spec, reference.path[len(instance.path) :], reference, target.first_name)
    return spec


def _renamed(value: Any, path: ConfigPath, reference: Reference, name: str) -> Any:
    """``value`` with ``name`` at ``path``; of a reference that is a key, in place of the key."""
    if not path:
        return name
    step, rest = path[0], path[1:]
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        attribute = next(field.name for field in fields if field.encode_name == step)
        return msgspec.structs.replace(value, **{attribute: _renamed(getattr(value, attribute), rest, reference, name)})
    if isinstance(value, Mapping):
        if reference.is_key and not rest:
            return {name if key == step else key: item for key, item in value.items()}
        return {key: _renamed(item, rest, reference, name) if key == step else item for key, item in value.items()}
    items = (_renamed(item, rest, reference, name) if index == step else item for index, item in enumerate(value))
    return type(value)(items)
