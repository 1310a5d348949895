"""The resource graph: Pulumi's own model as frozen data, one part a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mlops_iac.diagnostics import ConfigPath, Location
from mlops_iac.graph.values import NodeKey, Ref, Value, references


class Layer(StrEnum):
    """The six Pulumi projects, in the order in which they are applied."""

    FOUNDATION = "foundation"
    DATA = "data"
    COMPUTE = "compute"
    MODELS = "models"
    SERVING = "serving"
    OPERATIONS = "operations"


LAYERS: tuple[Layer, ...] = tuple(Layer)


def layer_of(project: str) -> Layer | None:
    """The layer that a project is of by its name, None for a project of another shape."""
    return next((layer for layer in LAYERS if project.endswith(f"-{layer.value}")), None)


@dataclass(frozen=True, slots=True)
class Options:
    """Pulumi resource options; names and meaning are Pulumi's.

    Source: https://www.pulumi.com/docs/iac/concepts/options/
    """

    parent: NodeKey | None = None
    provider: NodeKey | None = None
    depends_on: tuple[NodeKey, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetByPolicy:
    """An input that a policy has set: its path, the rule's id, what stood there (None for nothing) and what does."""

    path: str
    rule: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Node:
    """One resource to be. ``custom`` is false for a component node, which only groups its children.

    ``component`` is the configuration path it was built from (``("buckets", "raw")``) and ``source`` the place
    of that key. ``set_by_policy`` are the inputs that a remediation has set.
    """

    key: NodeKey
    inputs: Mapping[str, Value]
    options: Options = Options()
    custom: bool = True
    component: ConfigPath = ()
    source: Location | None = None
    set_by_policy: tuple[SetByPolicy, ...] = field(default=(), compare=False)

    @property
    def type(self) -> str:
        """Pulumi type token."""
        return self.key.type

    @property
    def name(self) -> str:
        """Logical name."""
        return self.key.name

    @property
    def exists_outside(self) -> bool:
        """Whether it becomes a resource of a target: components and providers are in the state only."""
        return self.custom and not self.type.startswith("pulumi:")

    def dependencies(self) -> tuple[NodeKey, ...]:
        """Every node of the same layer that must exist first, sorted: parent, provider, explicit and by value."""
        found = {ref.node for ref in references(self.inputs) if isinstance(ref, Ref)}
        found.update(self.options.depends_on)
        found.update(key for key in (self.options.parent, self.options.provider) if key is not None)
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Stack:
    """One layer: its nodes in dependency order and what it exports to other layers and to people."""

    layer: Layer
    project: str
    name: str
    nodes: tuple[Node, ...]
    outputs: Mapping[str, Value] = field(default_factory=dict)

    def urn(self, node: Node, index: Mapping[NodeKey, Node]) -> str:
        """The URN that Pulumi gives ``node``: parent types are joined with ``$``."""
        types = [node.type]
        parent = node.options.parent
        while parent is not None:
            types.append(parent.type)
            parent = index[parent].options.parent
        qualified = "$".join(reversed(types))
        return f"urn:pulumi:{self.name}::{self.project}::{qualified}::{node.name}"


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole system: a stack per layer, in apply order; layers without nodes are left out."""

    system: str
    environment: str
    stacks: tuple[Stack, ...]

    def nodes(self) -> Iterator[Node]:
        """Every node, layer by layer in dependency order."""
        for stack in self.stacks:
            yield from stack.nodes

    def exports(self) -> dict[tuple[str, str], Value]:
        """Every stack output, by layer and name."""
        return {(stack.layer.value, name): value for stack in self.stacks for name, value in stack.outputs.items()}

    def stack(self, layer: str) -> Stack | None:
        """The stack of ``layer``, or None where nothing was declared for it."""
        return next((stack for stack in self.stacks if stack.layer == layer), None)
