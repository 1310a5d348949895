"""Turns the graph's values into Pulumi inputs.

Text made of references (``Join``, ``ToJson``, ``ToBase64``) is evaluated by ``graph.evaluate``, the same function that
serves the preview and the local engine, as soon as the engine knows the referenced outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

from mlops_iac.engines.pulumi.sdk import as_wire_names, python_names
from mlops_iac.graph.evaluate import evaluate, reveal
from mlops_iac.graph.values import (
    Archive,
    Join,
    NodeKey,
    Ref,
    Secret,
    StackOutput,
    TextAsset,
    ToBase64,
    ToJson,
    Value,
    children,
    references,
)


class Inputs:
    """Answers graph values with Pulumi inputs.

    ``resources`` holds every resource registered so far; ``stack_output`` answers a reference to another stack.
    """

    def __init__(
        self,
        resources: Mapping[NodeKey, pulumi.Resource],
        stack_output: Callable[[StackOutput], pulumi.Output[Any]],
    ) -> None:
        self._resources = resources
        self._stack_output = stack_output

    def of(self, value: Value) -> Any:
        """The Pulumi input that ``value`` stands for."""
        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, Ref):
            return self._output(value)
        if isinstance(value, StackOutput):
            return self._stack_output(value)
        if isinstance(value, Mapping):
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, Join | ToJson | ToBase64):
            return self._text(value)
        if isinstance(value, Secret):
            return pulumi.Output.secret(self.of(value.value))
        if isinstance(value, TextAsset):
            return pulumi.StringAsset(value.text)
        if isinstance(value, Archive):
            return pulumi.AssetArchive({name: pulumi.StringAsset(asset.text) for name, asset in value.entries})
        return [self.of(item) for item in value]

    def _text(self, value: Join | ToJson | ToBase64) -> Any:
        wanted = tuple(dict.fromkeys(references(value)))

        def evaluated(known: Sequence[Any]) -> Any:
            found = dict(zip(wanted, known, strict=True))
            return reveal(evaluate(value, found.__getitem__))

        text = evaluated(()) if not wanted else pulumi.Output.all(*map(self.of, wanted)).apply(evaluated)
        return pulumi.Output.secret(text) if _holds_secret(value) else text

    def _output(self, ref: Ref) -> pulumi.Output[Any]:
        resource = self._resources[ref.node]
        first, *rest = ref.path
        output = _property(resource, str(first))
        if not rest:
            return output.apply(as_wire_names)

        def walk(value: Any) -> Any:
            return _at(value, ref)

        # With unknowns, so that a known part of an object is known in a preview although another part is not.
        return output.apply(walk, run_with_unknowns=True)


def _property(resource: pulumi.Resource, name: str) -> pulumi.Output[Any]:
    if name == "urn":
        return resource.urn
    if name == "id" and isinstance(resource, pulumi.CustomResource):
        return resource.id
    python_name = python_names(type(resource)).get(name, name)
    output: pulumi.Output[Any] = pulumi.get(resource, python_name)
    return output


def _at(value: Any, ref: Ref) -> Any:
    for part in ref.path[1:]:
        if value is pulumi.UNKNOWN:
            return value
        value = as_wire_names(value)
        if isinstance(value, Mapping) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif pulumi.runtime.is_dry_run():
            return pulumi.UNKNOWN
        else:
            path = ".".join(str(part) for part in ref.path)
            raise pulumi.RunError(f"{ref.node.type} {ref.node.name!r} has no output {path!r}")
    return as_wire_names(value)


def _holds_secret(value: Value) -> bool:
    return isinstance(value, Secret) or any(_holds_secret(child) for child in children(value))
