"""Answers where a value comes from, and which values a line of a file sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_iac.compose.composition import Composition, Origin, Replaced
from mlops_iac.compose.tree import Node, children
from mlops_iac.diagnostics import ConfigPath


class Origins(Mapping[ConfigPath, Origin]):
    """An origin for each path; made when asked for, because most paths of a large system never are."""

    def __init__(self, nodes: Mapping[ConfigPath, Node]) -> None:
        self._nodes = nodes

    def __getitem__(self, path: ConfigPath) -> Origin:
        return origin_of_node(self._nodes[path])

    def __contains__(self, path: object) -> bool:
        return path in self._nodes

    def __iter__(self) -> Iterator[ConfigPath]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __repr__(self) -> str:
        return f"Origins({len(self)} paths)"


class Replacements(Mapping[ConfigPath, tuple[Replaced, ...]]):
    """What each path held before, latest first, for the paths that were set more than once."""

    def __init__(self, nodes: Mapping[ConfigPath, Node]) -> None:
        self._nodes = {path: node for path, node in nodes.items() if node.replaced is not None}

    def __getitem__(self, path: ConfigPath) -> tuple[Replaced, ...]:
        return tuple(Replaced(_raw(node), origin_of_node(node)) for node in _older(self._nodes[path]))

    def __iter__(self) -> Iterator[ConfigPath]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


@dataclass(frozen=True, slots=True)
class Description:
    """All that is known about a path.

    ``exists`` tells whether the configuration has the path. ``origin`` is None if no source set it or
    anything above it; ``inherited`` tells that the origin is the one of ``origin_path``, a value above it.
    """

    path: ConfigPath
    exists: bool
    value: Any
    origin: Origin | None
    origin_path: ConfigPath
    replaced: tuple[Replaced, ...]

    @property
    def inherited(self) -> bool:
        """Whether the value was set as part of a larger one."""
        return self.origin is not None and self.origin_path != self.path


def describe(composition: Composition, path: ConfigPath) -> Description:
    """Explain the value at ``path``: where it was set, and what it replaced."""
    found, value = _look_up(composition.data, path)
    origin_path = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in composition.origins), ())
    return Description(
        path=path,
        exists=found,
        value=value,
        origin=composition.origins.get(origin_path),
        origin_path=origin_path,
        replaced=composition.replaced.get(path, ()),
    )


def paths_at(composition: Composition, file: str, line: int) -> list[ConfigPath]:
    """The paths whose key or value stands on a line, in the configuration's order; an alias makes several.

    On a later line of a text that spans lines, the path of that text.
    """
    here = []
    before: tuple[int, ConfigPath] | None = None
    for path, origin in composition.origins.items():
        if origin.key.file != file or origin.override is not None:
            continue
        if line == origin.key.line or (line == origin.value.line and not _holds_others(composition, path)):
            here.append(path)
        elif origin.value.line < line and (before is None or origin.value.line >= before[0]):
            before = (origin.value.line, path)
    if here or before is None:
        return here
    return [before[1]] if _continues(composition, before[1], file, line) else []


def nodes_by_path(root: Node) -> dict[ConfigPath, Node]:
    """Every value below ``root``, in the configuration's order."""
    nodes: dict[ConfigPath, Node] = {}
    _index(root, (), nodes)
    return nodes


def _index(node: Node, path: ConfigPath, nodes: dict[ConfigPath, Node]) -> None:
    for key, child in children(node):
        nodes[(*path, key)] = child
        if isinstance(child.value, dict | list):
            _index(child, (*path, key), nodes)


def origin_of_node(node: Node) -> Origin:
    """The public form of a node's places."""
    source = node.place.source
    return Origin(
        key=node.key.location(),
        value=node.place.location(),
        group=source.group,
        override=source.override,
        interpolation=node.value if isinstance(node.value, str) and node.is_interpolation else None,
    )


def _holds_others(composition: Composition, path: ConfigPath) -> bool:
    """Whether the value is a collection: in block style it starts on the line of its first entry."""
    return isinstance(_look_up(composition.data, path)[1], Mapping | list)


def _continues(composition: Composition, path: ConfigPath, file: str, line: int) -> bool:
    """Whether a line without a key belongs to the text at ``path``: it is indented below the key."""
    _, value = _look_up(composition.data, path)
    lines = composition.sources.get(file, "").splitlines()
    if not isinstance(value, str) or line > len(lines) or not lines[line - 1].strip():
        return False
    indentation = len(lines[line - 1]) - len(lines[line - 1].lstrip())
    return indentation >= composition.origins[path].key.column


def _look_up(data: Any, path: ConfigPath) -> tuple[bool, Any]:
    for part in path:
        is_item = isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)
        if not is_item and not (isinstance(data, Mapping) and part in data):
            return False, None
        data = data[part]
    return True, data


def _older(node: Node) -> Iterator[Node]:
    older = node.replaced
    while older is not None:
        yield older
        older = older.replaced


def _raw(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _raw(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_raw(child) for child in node.value]
    return node.value
