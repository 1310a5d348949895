"""Adopting what exists already: which declared resource an id is for, Pulumi's import file, and what differs.

Source of the file's form: https://www.pulumi.com/docs/iac/adopting-pulumi/import/
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from mlops_iac.compose.suggest import closest
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Location, format_path
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Node, Stack
from mlops_iac.graph.values import NodeKey
from mlops_iac.plan.model import PropertyChange
from mlops_iac.providers.import_ids import import_form
from mlops_iac.state.checkpoint import PROVIDER_PREFIX, parse_urn
from mlops_iac.state.snapshot import Snapshot

NO_SUCH_NODE: Final = "MI7050"
"""An id is given for something that the configuration does not declare, or that is not one resource."""
BAD_IMPORT_FILE: Final = "MI7051"
"""An import file cannot be understood."""
NOT_FOUND: Final = "MI7052"
"""There is no resource of that id, or it cannot be read."""
ALREADY_MANAGED: Final = "MI7053"
"""The resource is in a state already."""
WOULD_REPLACE: Final = "MI7054"
"""The next apply would replace what is adopted."""
NOT_READY: Final = "MI7055"
"""What a resource belongs to has to be in the state first."""
MOVED: Final = "MI7056"
"""Something changed between the look and the recording."""
NOTHING_GIVEN: Final = "MI7057"
"""No id was given."""
PLACEHOLDER: Final = "<PLACEHOLDER>"
"""What ``pulumi preview --import-file`` writes where an id is to be filled in."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A declared resource and the id of what exists. ``place`` is where the user wrote the id."""

    urn: str
    id: str
    layer: Layer
    node: Node
    place: Location | None = None

    def diagnostic(self, code: str, message: str, hint: str) -> Diagnostic:
        """A finding about it, at the id where it is in a file, else at the component."""
        related = (("declared at", self.node.source),) if self.place is not None and self.node.source else ()
        text = f"{self.node.type} {self.node.name}: {message}"
        return Diagnostic(code, text, hint, self.place or self.node.source, self.node.component, related=related)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A resource as it was read: ``diff`` is what the next apply changes on it, to read: lists item by item; ``id`` the
    one that the state has."""

    wanted: Wanted
    id: str
    diff: tuple[PropertyChange, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was read. ``known`` are the resources that the state has already, with that id."""

    resources: tuple[Adopted, ...] = ()
    known: tuple[Wanted, ...] = ()
    failures: tuple[Diagnostic, ...] = ()

    def replacements(self) -> tuple[Diagnostic, ...]:
        """One error for each resource that the next apply would replace, and so delete."""
        return tuple(
            item.wanted.diagnostic(
                WOULD_REPLACE,
                f"{item.id} differs in what cannot change in place ({', '.join(item.replaced)}), so the next apply "
                "would replace it: what exists now would be deleted",
                "declare what exists, or give the id that was meant; --allow-replacement adopts it all the same",
            )
            for item in self.resources
            if item.replaced
        )


def candidates(graph: Graph, layers: Collection[Layer] = LAYERS) -> Iterator[tuple[str, Stack, Node]]:
    """(URN, stack, node) of each declared resource that exists outside of a state."""
    for stack in graph.stacks:
        index = {node.key: node for node in stack.nodes}
        for node in stack.nodes:
            if stack.layer in layers and node.exists_outside:
                yield stack.urn(node, index), stack, node


def wanted_by_name(graph: Graph, pairs: Iterable[tuple[str, str]]) -> tuple[Wanted, ...]:
    """The resources that (name, id) pairs mean: by URN, logical name, ``type::name``, or the path of a component that
    has one resource. Raises ``DiagnosticsError`` naming the candidates where a name means none or several.
    """
    found: list[Wanted] = []
    problems: list[Diagnostic] = []
    for name, id in pairs:
        matches = [(urn, stack, node) for urn, stack, node in candidates(graph) if name in _names(urn, node)]
        if len(matches) == 1:
            urn, stack, node = matches[0]
            found.append(Wanted(urn, id, stack.layer, node))
        else:
            problems.append(_unclear(name, matches, graph))
    return _distinct(found, problems)


def wanted_in_file(graph: Graph, text: str, source: str) -> tuple[Wanted, ...]:
    """The resources of an import file that have an id; components, providers and empty ids are passed over.

    Raises ``DiagnosticsError``, at the entry, for one that is not declared, and for a file of another form.
    """
    entries, table = _entries(text, source)
    found: list[Wanted] = []
    problems: list[Diagnostic] = []
    for entry, place in entries:
        type, name, id = entry.get("type"), entry.get("logicalName") or entry.get("name"), entry.get("id") or ""
        if not (isinstance(type, str) and isinstance(name, str) and isinstance(id, str)):
            text = "an entry needs the texts `type`, `name` and `id`"
            problems.append(Diagnostic(BAD_IMPORT_FILE, text, "`mlops-iac import --template` writes them", place))
            continue
        if entry.get("component") or type.startswith(PROVIDER_PREFIX) or id in ("", PLACEHOLDER):
            continue
        matches = [item for item in candidates(graph) if (item[2].type, item[2].name) == (type, name)]
        if len(matches) > 1:
            parent = table.get(str(entry.get("parent")), "")
            matches = [item for item in matches if parent and parse_urn(parent).project == item[1].project]
        if len(matches) == 1:
            urn, stack, node = matches[0]
            found.append(Wanted(urn, id, stack.layer, node, place))
        else:
            unclear = _unclear(f"{type}::{name}", matches, graph)
            problems.append(Diagnostic(unclear.code, unclear.message, unclear.hint, place))
    return _distinct(found, problems)


def import_file(
    graph: Graph, snapshots: Mapping[str, Snapshot], layers: Collection[Layer] = LAYERS
) -> tuple[dict[str, Any], int]:
    """Pulumi's import file of every declared resource that no state has, its ids to be filled in; and their number.

    Parents and providers are named as ``pulumi import --file`` wants them; ``form`` shows an id and is ours alone.
    """
    table: dict[str, str] = {}
    resources: list[dict[str, Any]] = []
    count = 0
    several = len(layers) > 1
    for stack in graph.stacks:
        if stack.layer not in layers:
            continue
        index = {node.key: node for node in stack.nodes}
        live = snapshots[stack.project].live() if stack.project in snapshots else {}
        open_nodes = [node for node in stack.nodes if stack.urn(node, index) not in live]
        needed = with_ancestors(stack, [node for node in open_nodes if node.exists_outside])

        def label(key: NodeKey, stack: Stack = stack, index: Mapping[NodeKey, Node] = index) -> str:
            name = f"{stack.layer}.{key.name}" if several else key.name
            short = f"{name}-{key.type.rpartition(':')[2].lower()}"
            table[short] = stack.urn(index[key], index)
            return short

        for node in open_nodes:
            if node.key not in needed or node.type.startswith("pulumi:"):
                continue
            entry: dict[str, Any] = {"type": node.type, "name": node.name}
            if node.custom:
                count += 1
                entry |= {"id": "", "form": import_form(node.type)}
            else:
                entry |= {"component": True}
            if node.options.parent is not None:
                entry["parent"] = label(node.options.parent)
            if node.options.provider is not None and node.custom:
                entry["provider"] = label(node.options.provider)
            resources.append(entry)
    return {"nameTable": dict(sorted(table.items())), "resources": resources}, count


def with_ancestors(stack: Stack, nodes: Iterable[Node]) -> set[NodeKey]:
    """The keys of ``nodes``, of their parents, and of the providers of all these."""
    index = {node.key: node for node in stack.nodes}
    found: set[NodeKey] = set()
    waiting = [node.key for node in nodes]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            options = index[key].options
            waiting += [other for other in (options.parent, options.provider) if other is not None]
    return found


def _names(urn: str, node: Node) -> tuple[str, ...]:
    return urn, node.name, f"{node.type}::{node.name}", format_path(node.component)


def _unclear(name: str, matches: Collection[tuple[str, Stack, Node]], graph: Graph) -> Diagnostic:
    if matches:
        named = ", ".join(f"{node.name} ({node.type})" for _, _, node in matches)
        return Diagnostic(
            NO_SUCH_NODE, f"{name!r} is {len(matches)} resources: {named}", "name one of them, or give its URN"
        )
    known = {text for urn, _, node in candidates(graph) for text in _names(urn, node)[1:]}
    close = closest(name, sorted(known))
    hint = f"did you mean {' or '.join(f'`{text}`' for text in close)}?" if close else ""
    return Diagnostic(
        NO_SUCH_NODE,
        f"no resource {name!r} is declared, so nothing can be adopted as it",
        hint or "`mlops-iac import --template` lists what is declared and not yet in the state",
    )


def _distinct(found: list[Wanted], problems: list[Diagnostic]) -> tuple[Wanted, ...]:
    by_urn: dict[str, Wanted] = {}
    by_id: dict[tuple[str, str], Wanted] = {}
    for item in found:
        twice = by_urn.setdefault(item.urn, item)
        other = by_id.setdefault((item.node.type, item.id), item)
        if twice.id != item.id:
            problems.append(item.diagnostic(NO_SUCH_NODE, f"two ids are given: {twice.id} and {item.id}", "give one"))
        elif other.urn != item.urn:
            text = f"{item.id} is given for {other.node.name} too"
            problems.append(item.diagnostic(NO_SUCH_NODE, text, "one thing is one resource: leave one of them out"))
    if problems:
        raise DiagnosticsError(problems)
    order = {layer: place for place, layer in enumerate(LAYERS)}
    return tuple(sorted(by_urn.values(), key=lambda item: order[item.layer]))


def _entries(text: str, source: str) -> tuple[list[tuple[dict[str, Any], Location]], dict[str, str]]:
    hint = "it is JSON with a list `resources` of objects with type, name and id, as `pulumi import --file` takes it"
    try:
        document = json.loads(text)
        entries, table = document["resources"], document.get("nameTable") or {}
        if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            raise TypeError("`resources` is not a list of objects")
        if not isinstance(table, dict):
            raise TypeError("`nameTable` is not an object")
    except json.JSONDecodeError as error:
        place = Location(source, error.lineno, error.colno)
        raise DiagnosticsError([Diagnostic(BAD_IMPORT_FILE, f"not JSON: {error.msg}", hint, place)]) from error
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        text = f"{source} is not an import file: {type(error).__name__}: {error}"
        raise DiagnosticsError([Diagnostic(BAD_IMPORT_FILE, text, hint)]) from error
    return list(zip(entries, _places(text, source, len(entries)), strict=True)), table


def _places(text: str, source: str, count: int) -> list[Location]:
    """Where each entry of ``resources`` begins: JSON is YAML, whose parser says so."""
    try:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        nodes = next(value for key, value in root.value if key.value == "resources")
        return [Location(source, item.start_mark.line + 1, item.start_mark.column + 1) for item in nodes.value]
    except (yaml.YAMLError, StopIteration, AttributeError, ValueError):
        return [Location(source, 1, 1)] * count
