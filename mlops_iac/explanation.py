"""Traces between configuration and resources, both ways, with what a resource costs and which policies judged it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlops_iac.compose.composition import Composition, Origin
from mlops_iac.compose.provenance import paths_at
from mlops_iac.cost.model import Estimate, Line
from mlops_iac.diagnostics import ConfigPath, format_path
from mlops_iac.graph.links import component_links
from mlops_iac.graph.nodes import Graph
from mlops_iac.policies.policy import Finding


@dataclass(frozen=True, slots=True)
class Setting:
    """One configured value below a component: its path, the value, and who set it."""

    path: str
    value: object
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that a component becomes: what it costs, and every policy that judged it, with its verdict."""

    urn: str
    type: str
    name: str
    cost: Line | None = None
    verdicts: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One component: the settings that shape it, the resources that it becomes, and who uses those.

    ``uses`` and ``used_by`` are configuration paths of other components.
    """

    path: ConfigPath
    layer: str
    settings: tuple[Setting, ...]
    resources: tuple[Made, ...]
    uses: tuple[str, ...]
    used_by: tuple[str, ...]

    @property
    def component(self) -> str:
        """Its configuration path as text."""
        return format_path(self.path)

    @property
    def gaps(self) -> int:
        """How many prices of its resources are not known."""
        return sum(len(made.cost.gaps) for made in self.resources if made.cost is not None)

    @property
    def floor(self) -> float:
        """The least that its resources cost in a month, as far as prices are known."""
        return sum(made.cost.floor for made in self.resources if made.cost is not None)

    @property
    def ceiling(self) -> float:
        """The most that its resources cost in a month, as far as prices are known."""
        return sum(made.cost.ceiling for made in self.resources if made.cost is not None)


def explain_system(
    graph: Graph, composition: Composition, estimate: Estimate | None = None, verdicts: Iterable[Finding] = ()
) -> tuple[Explanation, ...]:
    """Every component of a graph, by path. ``estimate`` adds what things cost, ``verdicts`` who judged them."""
    index = {node.key: node for node in graph.nodes()}
    costs = {line.urn: line for line in estimate.lines} if estimate is not None else {}
    judged: dict[str, list[Finding]] = {}
    for finding in verdicts:
        judged.setdefault(finding.resource.urn, []).append(finding)
    made: dict[ConfigPath, list[Made]] = {}
    layers: dict[ConfigPath, str] = {}
    for stack in graph.stacks:
        for node in stack.nodes:
            layers.setdefault(node.component, stack.layer.value)
            resources = made.setdefault(node.component, [])
            if node.custom:
                urn = stack.urn(node, index)
                resources.append(Made(urn, node.type, node.name, costs.get(urn), tuple(judged.get(urn, ()))))
    settings = _settings(composition, made)
    uses: dict[ConfigPath, set[str]] = {}
    used_by: dict[ConfigPath, set[str]] = {}
    for used, user in component_links(graph):
        uses.setdefault(user, set()).add(format_path(used))
        used_by.setdefault(used, set()).add(format_path(user))
    return tuple(
        Explanation(
            path,
            layers[path],
            settings.get(path, ()),
            tuple(resources),
            tuple(sorted(uses.get(path, ()))),
            tuple(sorted(used_by.get(path, ()))),
        )
        for path, resources in sorted(made.items())
    )


def of_path(explanations: Iterable[Explanation], path: ConfigPath) -> list[Explanation]:
    """Every component at, above or below ``path``; for a path above none, such as ``system``, all that it shapes."""
    return [each for each in explanations if each.path[: len(path)] == path or path[: len(each.path)] == each.path]


def of_line(explanations: Iterable[Explanation], composition: Composition, file: str, line: int) -> list[Explanation]:
    """Every component that a line of a file sets a value of."""
    listed = list(explanations)
    found: dict[ConfigPath, Explanation] = {}
    for path in paths_at(composition, file, line):
        for explanation in of_path(listed, path):
            found.setdefault(explanation.path, explanation)
    return list(found.values())


def of_resource(explanations: Iterable[Explanation], what: str) -> list[Explanation]:
    """The components of every resource with that URN, type token or logical name."""
    return [
        each
        for each in explanations
        if any(what in (made.name, made.type, made.type.rsplit(":", 1)[-1], made.urn) for made in each.resources)
    ]


def _settings(composition: Composition, components: Iterable[ConfigPath]) -> Mapping[ConfigPath, tuple[Setting, ...]]:
    """The settings of each component: every value at or below its path that a source set, a plain list as one."""
    wanted = set(components)
    found: dict[ConfigPath, list[Setting]] = {}
    for path in sorted(composition.origins, key=format_path):
        value = _value_at(composition, path)
        if isinstance(value, dict) or (isinstance(path[-1], int) and isinstance(value, str | int | float | None)):
            continue
        for end in range(len(path) + 1):
            if path[:end] in wanted:
                found.setdefault(path[:end], []).append(Setting(format_path(path), value, composition.origin_of(path)))
    return {path: tuple(settings) for path, settings in found.items()}


def _value_at(composition: Composition, path: ConfigPath) -> object:
    current: object = composition.data
    for part in path:
        if isinstance(current, dict):
            current = current.get(part)
        elif isinstance(current, list) and isinstance(part, int) and part < len(current):
            current = current[part]
        else:
            return None
    return current
