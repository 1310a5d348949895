"""The compile phase: every component's builder, in dependency order, into one resource graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter

from mlops_iac.compile.context import Assembly, BuildContext
from mlops_iac.compile.link import link
from mlops_iac.compile.renames import Renames, under_first_names
from mlops_iac.components.component import Outputs
from mlops_iac.components.registry import located_faults
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import Diagnostic, raise_on_errors
from mlops_iac.graph import naming
from mlops_iac.graph.nodes import LAYERS, Graph, Node, Options, Stack
from mlops_iac.graph.opaque import MangledMarkError, resolve_marks
from mlops_iac.graph.values import NodeKey, Value
from mlops_iac.providers.facts import check_inputs
from mlops_iac.spec.references import build_order
from mlops_iac.spec.system import Instance, System

UNKNOWN_PROPERTY = "MI4002"
"""A builder emitted a property that the provider's resource type does not take."""


MANGLED_MARK = "MI4004"
"""A builder cut, or computed with, a text that is not known when the graph is made."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that was built, before it is divided into layers: nodes as added, exports by layer and name."""

    nodes: Mapping[NodeKey, Node]
    outputs: Mapping[tuple[str, str], Outputs]
    exports: Mapping[str, Mapping[str, Value]]


def compile_graph(system: System, composition: Composition) -> Graph:
    """The resource graph of ``system``; the same system gives the same graph, byte for byte.

    Raises ``DiagnosticsError`` when a file that a component names cannot be read, or an emitted resource does not fit
    its provider type.
    """
    parts = build_parts(system, composition)
    linked = link(parts.nodes, parts.exports)
    core = system.core
    stacks = tuple(
        Stack(
            layer,
            naming.project(core.system.name, layer.value),
            core.env.name,
            in_dependency_order([node for node in linked.nodes if node.key.layer == layer.value]),
            linked.exports[layer.value],
        )
        for layer in LAYERS
        if any(node.key.layer == layer.value for node in linked.nodes)
    )
    return Graph(core.system.name, core.env.name, stacks)


def build_parts(system: System, composition: Composition) -> Parts:
    """Every component built, in dependency order; references still lead across layers.

    Raises ``DiagnosticsError`` as ``compile_graph`` does.
    """
    assembly = Assembly(composition.root)
    exports: dict[str, dict[str, Value]] = {layer.value: {} for layer in LAYERS}
    built = under_first_names(system)
    renames = Renames.of(built)
    made: dict[tuple[str, str], Outputs] = {}
    for instance in build_order(built):
        outputs = renames.outputs(_build(instance, built, composition, assembly))
        made[instance.kind, str(instance.path[-1])] = outputs
        # Under every name, the oldest first: whoever reads one goes on, and so do layers that read what is deployed.
        names = (*instance.formers, str(instance.path[-1])) if instance.component.many else (None,)
        for field, value in outputs.exports():
            layer = exports[instance.component.layer.value]
            layer.update({naming.output(instance.kind, name, field): value for name in names})
    nodes = {renames.key(key): renames.node(node) for key, node in assembly.nodes.items()}
    problems = list(assembly.problems)
    if composition.marks:
        problems += _resolve_marks(nodes, exports, composition.marks)
    raise_on_errors((*problems, *_fit_provider_types(nodes)))
    return Parts(nodes, made, exports)


def _resolve_marks(
    nodes: dict[NodeKey, Node], exports: Mapping[str, dict[str, Value]], marks: Mapping[str, Value]
) -> list[Diagnostic]:
    """Put the values in place of their marks; answers with what could not be."""
    problems = []
    for key, node in nodes.items():
        try:
            inputs = {name: resolve_marks(value, marks) for name, value in node.inputs.items()}
        except MangledMarkError as error:
            message = f"{node.type} {node.name!r} needs a text that is known when the graph is made, not {str(error)!r}"
            hint = "give the value itself, or let another field hold it"
            problems.append(Diagnostic(MANGLED_MARK, message, hint, node.source, node.component))
            continue
        nodes[key] = replace(node, inputs=inputs)
    for values in exports.values():
        values.update({name: resolve_marks(value, marks) for name, value in values.items()})
    return problems


def _build(instance: Instance, system: System, composition: Composition, assembly: Assembly) -> Outputs:
    component = instance.component
    root = NodeKey(component.layer.value, component.token, instance.name, component.kind)
    locate = composition.location_of
    assembly.nodes[root] = Node(root, {}, Options(), False, instance.path, locate(instance.path))
    context = BuildContext(instance, system, assembly, root, locate)
    with located_faults(instance, locate):
        outputs: Outputs = component.build(instance.name, instance.spec, context)
    assembly.outputs[instance.kind, instance.name] = outputs
    if instance.protections:
        _protect(root, instance, assembly)
    return outputs


def _protect(root: NodeKey, instance: Instance, assembly: Assembly) -> None:
    """Mark a protected component in the state, or nothing would notice that it is no longer declared.

    Where it has a protected resource, that is the mark.
    """
    if not any(node.options.protect for node in assembly.nodes.values() if node.component == instance.path):
        node = assembly.nodes[root]
        assembly.nodes[root] = replace(node, options=replace(node.options, protect=True))


def _fit_provider_types(nodes: Mapping[NodeKey, Node]) -> list[Diagnostic]:
    return [
        Diagnostic(
            UNKNOWN_PROPERTY,
            f"{node.type} {node.name!r}: {problem.message}",
            "this is a fault of the component that emits it; please report it with the configuration",
            node.source,
            node.component,
        )
        for node in nodes.values()
        if node.custom
        for problem in check_inputs(node.type, node.inputs)
    ]


def in_dependency_order(nodes: list[Node]) -> tuple[Node, ...]:
    """``nodes`` so that each comes after everything it depends on; ties by the order in which they were added.

    Dependencies outside ``nodes`` are ignored. Raises ``graphlib.CycleError`` on a cycle.
    """
    index = {node.key: position for position, node in enumerate(nodes)}
    sorter = TopologicalSorter({node.key: [key for key in node.dependencies() if key in index] for node in nodes})
    sorter.prepare()
    ordered: list[Node] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=index.__getitem__)
        ordered.extend(nodes[index[key]] for key in ready)
        sorter.done(*ready)
    return tuple(ordered)
