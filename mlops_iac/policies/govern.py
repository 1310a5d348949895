"""What the policies themselves put into the graph, before anything is planned.

Rules with the enforcement ``remediate`` put right what breaks them, where they can; and every cluster that the system
makes gets the rules that its API server can judge by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import Diagnostic, Severity, format_path
from mlops_iac.graph import naming
from mlops_iac.graph.evaluate import compact_json
from mlops_iac.graph.nodes import Graph, Node, Options, SetByPolicy, Stack
from mlops_iac.graph.values import NodeKey, Value
from mlops_iac.policies.admission import API, BINDING_KIND, POLICY_KIND, Exempt, Statement, admission_objects
from mlops_iac.policies.checker import NO_REMEDY, chosen_rules, covers, waivers_in_force
from mlops_iac.policies.inputs import with_values
from mlops_iac.policies.policy import Enforcement, Policy, SystemView
from mlops_iac.policies.registry import packs, policies, profiles
from mlops_iac.policies.views import view_graph, view_system
from mlops_iac.spec.system import System, Waiver

REMEDIATED = "MI5102"
"""A policy has set an input of a resource."""

PROVIDER: Final = "pulumi:providers:kubernetes"
RELEASE: Final = "kubernetes:helm.sh/v3:Release"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a system asks of its clusters: rules, exceptions, and namespaces that nobody judges."""

    system: SystemView
    rules: Mapping[Policy, Enforcement]
    waivers: tuple[Waiver, ...]
    unjudged: tuple[str, ...]


def govern_graph(graph: Graph, system: System, today: str) -> Graph:
    """The graph as the chosen rules have it; ``today`` (ISO date) ends waivers.

    A pack or rule that cannot be had is left out: the check phase tells.
    """
    clusters = {provider.key: root for stack in graph.stacks for provider, root in _clusters(stack)}
    if not clusters and not _asks_for_remedies(system):
        return graph
    rules, waivers = _usable_rules(system), waivers_in_force(system, today)
    graph = remediated(graph, system, rules, waivers, today)
    unjudged = tuple(system.core.policies.unjudged_namespaces)
    return _on_clusters(graph, clusters, _Chosen(view_system(system, today), rules, tuple(waivers), unjudged))


def remediated(
    graph: Graph, system: System, rules: Mapping[Policy, Enforcement], waivers: Sequence[Waiver], today: str
) -> Graph:
    """The graph with the violations put right that its rules are to put right and that no waiver covers."""
    for policy, enforcement in rules.items():
        if enforcement is not Enforcement.REMEDIATE or policy.remediate is None:
            continue
        stack = view_graph(graph, system, today)
        remedies = {
            resource.urn: remedy
            for resource in stack.resources
            if (resource.type in policy.applies_to or "*" in policy.applies_to)
            and not any(covers(waiver, policy, resource.component) for waiver in waivers)
            and (remedy := policy.remedy(resource, stack))
        }
        graph = _with_remedies(graph, policy.id, remedies) if remedies else graph
    return graph


def remediation_diagnostics(graph: Graph) -> list[Diagnostic]:
    """What policies have set, as information at the line of the component."""
    return [
        Diagnostic(
            REMEDIATED,
            f"{item.rule}: {format_path(node.component)} ({node.name}) has {item.path} set to "
            f"{compact_json(item.after)} by policy{'' if item.before is None else _instead(item.before)}",
            policies()[item.rule].fix,
            node.source,
            node.component,
            Severity.INFO,
        )
        for node in graph.nodes()
        for item in node.set_by_policy
    ]


def level_diagnostics(system: System, composition: Composition) -> list[Diagnostic]:
    """Warnings of catalogued rules that are to put violations right and cannot."""
    section, environment = system.core.policies, system.core.env.name
    here = next((levels for name, levels in section.enforcement_in.items() if name == environment), {})
    asked = [rule for rule, level in section.levels(environment).items() if level == "remediate"]
    unable = [rule for rule in asked if rule in policies() and policies()[rule].remediate is None]
    return [
        Diagnostic(
            NO_REMEDY,
            f"the policy {rule} puts nothing right: `remediate` is `mandatory` for it",
            "write `mandatory`; `mlops-iac policy explain` says which policies have a remedy",
            composition.location_of(path, value=True),
            path,
            Severity.WARNING,
        )
        for rule in unable
        for path in [("policies", *(("enforcement_in", environment) if rule in here else ("enforcement",)), rule)]
    ]


def _instead(before: Any) -> str:
    return f", instead of {compact_json(before)}" if isinstance(before, str | int | float | bool) else ""


def _usable_rules(system: System) -> dict[Policy, Enforcement]:
    section, usable, known = system.core.policies, packs().sound(), policies()
    levels = {rule: Enforcement(level) for rule, level in section.levels(system.core.env.name).items() if rule in known}
    return chosen_rules([name for name in section.packs if name in usable], system.core.env.name, levels)


def _asks_for_remedies(system: System) -> bool:
    section = system.core.policies
    levels = [*section.levels(system.core.env.name).values(), *profiles().get(system.core.env.name, {}).values()]
    usable = packs().sound()
    levels += [level for name in section.packs if name in usable for level in usable[name].rules.values()]
    return Enforcement.REMEDIATE in levels


def _with_remedies(graph: Graph, rule: str, remedies: Mapping[str, Mapping[str, tuple[Any, Any]]]) -> Graph:
    nodes = {node.key: node for node in graph.nodes()}
    stacks = (
        replace(
            stack, nodes=tuple(_remedied(node, rule, remedies.get(stack.urn(node, nodes), {})) for node in stack.nodes)
        )
        for stack in graph.stacks
    )
    return replace(graph, stacks=tuple(stacks))


def _remedied(node: Node, rule: str, remedy: Mapping[str, tuple[Any, Any]]) -> Node:
    if not remedy:
        return node
    inputs = with_values(node.inputs, {path: after for path, (_, after) in remedy.items()})
    told = tuple(SetByPolicy(path, rule, before, after) for path, (before, after) in remedy.items())
    return replace(node, inputs=inputs, set_by_policy=(*node.set_by_policy, *told))


def _on_clusters(
    graph: Graph,
    clusters: Mapping[NodeKey, Node],
    chosen: _Chosen,
) -> Graph:
    """The chosen rules on every cluster that the graph makes."""
    stacks = []
    for stack in graph.stacks:
        added = [
            node
            for key, root in clusters.items()
            if key.layer == stack.layer.value
            for node in _admission_nodes(key, root, graph, chosen)
        ]
        stacks.append(replace(stack, nodes=(*stack.nodes, *added)) if added else stack)
    return replace(graph, stacks=tuple(stacks))


def statement_objects(
    rules: Mapping[Policy, Enforcement], system: SystemView, unjudged: Iterable[str] = ()
) -> Iterator[dict[str, Any]]:
    """Policies and bindings for a cluster that is not ours: only ``unjudged`` namespaces and its own are exempt."""
    exempt = Exempt(tuple(sorted(unjudged)))
    for statement in _statements(rules, system, dict.fromkeys((policy.id for policy in rules), exempt)):
        yield from admission_objects(statement, system.name)


def is_admission(node: Node) -> bool:
    """Whether a node is a rule on a cluster."""
    return node.type in (f"kubernetes:{API}:{POLICY_KIND}", f"kubernetes:{API}:{BINDING_KIND}")


def _statements(
    rules: Mapping[Policy, Enforcement], system: SystemView, exempt: Mapping[str, Exempt]
) -> Iterator[Statement]:
    """The rules that can be stated at admission; ``exempt`` says by rule id what is not judged."""
    for policy, enforcement in rules.items():
        admission = policy.admission_in(system)
        if admission is not None:
            deny = enforcement is not Enforcement.ADVISORY
            yield Statement(policy.id, policy.title, policy.fix, policy.source_url, admission, deny, exempt[policy.id])


def _clusters(stack: Stack) -> Iterator[tuple[Node, Node]]:
    """The Kubernetes providers of a layer and the component that the cluster is, where this layer makes it."""
    roots = {node.component: node for node in stack.nodes if not node.custom}
    for node in stack.nodes:
        if node.type == PROVIDER and node.component in roots:
            yield node, roots[node.component]


def _admission_nodes(provider: NodeKey, root: Node, graph: Graph, chosen: _Chosen) -> Iterator[Node]:
    objects = [node for node in graph.nodes() if _is_on(node, provider.name)]
    exempt = {policy.id: _exempt(policy, objects, chosen) for policy in chosen.rules}
    first = _prerequisites([node for node in objects if node.key.layer == provider.layer])
    for statement in _statements(chosen.rules, chosen.system, exempt):
        policy, binding = admission_objects(statement, chosen.system.name)
        made = _node(root, provider, f"admission-{statement.rule}", POLICY_KIND, policy, first)
        yield made
        yield _node(root, provider, f"admission-{statement.rule}-binding", BINDING_KIND, binding, (made.key,))


def _node(
    root: Node, provider: NodeKey, suffix: str, kind: str, body: Mapping[str, Value], depends_on: tuple[NodeKey, ...]
) -> Node:
    key = NodeKey(provider.layer, f"kubernetes:{API}:{kind}", naming.logical(root.name, suffix), root.key.kind)
    formers = tuple(naming.logical(former, suffix) for former in root.options.aliases)
    options = Options(parent=root.key, provider=provider, depends_on=depends_on, aliases=formers)
    return Node(key, body, options, True, root.component, root.source)


def _is_on(node: Node, provider: str) -> bool:
    """Whether a node is an object of the cluster; every layer reaches it by a provider of the same name."""
    used = node.options.provider
    return node.type.startswith("kubernetes:") and used is not None and used.name == provider


def _prerequisites(objects: Sequence[Node]) -> tuple[NodeKey, ...]:
    """What every object waits for that waits for no other object: the cluster's access and nodes."""
    keys = {node.key for node in objects}
    waits = [set(node.options.depends_on) for node in objects if not keys & set(node.options.depends_on)]
    return tuple(sorted(set.intersection(*waits))) if waits else ()


def _exempt(policy: Policy, objects: Sequence[Node], chosen: _Chosen) -> Exempt:
    """Namespaces of charts, whose objects nobody here has written, and the objects that a waiver covers."""
    charts = (node.inputs.get("namespace") for node in objects if node.type == RELEASE)
    namespaces = {str(namespace) for namespace in charts if namespace} | set(chosen.unjudged)
    waived = [
        (str(metadata.get("namespace") or ""), str(metadata.get("name")))
        for node in objects
        if any(covers(waiver, policy, node.component) for waiver in chosen.waivers)
        and (metadata := _metadata(node)).get("name")
    ]
    return Exempt(tuple(sorted(namespaces)), tuple(sorted(set(waived))))


def _metadata(node: Node) -> Mapping[str, Any]:
    found = node.inputs.get("metadata")
    return found if isinstance(found, Mapping) else {}
