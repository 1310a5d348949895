"""Compiles a declaration of a few components, and looks at what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from mlops_iac.compile.driver import compile_graph
from mlops_iac.compose.composition import Composition
from mlops_iac.diagnostics import ConfigPath, DiagnosticsError
from mlops_iac.graph.nodes import Graph, Node
from mlops_iac.graph.values import Join, Ref, StackOutput, ToJson
from mlops_iac.spec.load import load
from mlops_iac.spec.system import System
from mlops_iac.validate import validate


@dataclass(frozen=True)
class Compiled:
    """A compiled system, by logical name and by type."""

    system: System
    graph: Graph

    def node(self, name: str, type: str = "") -> Node:
        """The only node with this logical name, and this end of its type."""
        found = [node for node in self.graph.nodes() if node.name == name and node.type.endswith(type)]
        assert len(found) == 1, f"{name} {type}: {[node.key for node in found]}"
        return found[0]

    def inputs(self, name: str, type: str = "") -> dict[str, Any]:
        """Its inputs as plain data; a reference reads ``<logical name>.<path>``."""
        return plain(self.node(name, type).inputs)

    def of_type(self, type: str) -> list[Node]:
        """Every node whose type ends so, in order."""
        return [node for node in self.graph.nodes() if node.type.endswith(type)]

    def names(self) -> set[str]:
        """Logical names of all resources."""
        return {node.name for node in self.graph.nodes() if node.custom}


def plain(value: Any) -> Any:
    """A value with references written as text and JSON documents as data."""
    if isinstance(value, Ref):
        return f"{value.node.name}.{'.'.join(map(str, value.path))}"
    if isinstance(value, StackOutput):
        return f"{value.layer}:{value.name}"
    if isinstance(value, Join):
        return "".join(str(plain(part)) for part in value.parts)
    if isinstance(value, ToJson):
        return json.loads(json.dumps(plain(value.value)))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@pytest.fixture
def compiled(compose_text: Callable[[str], Composition]) -> Callable[[str], Compiled]:
    """Compiles one YAML text; core sections that it leaves out are filled in."""

    def make(text: str) -> Compiled:
        composition = compose_text(text)
        system = load(validate(composition))
        return Compiled(system, compile_graph(system, composition))

    return make


@pytest.fixture
def problems(compose_text: Callable[[str], Composition]) -> Callable[[str], dict[ConfigPath, str]]:
    """The code found at each path of one YAML text, warnings included."""

    def find(text: str) -> dict[ConfigPath, str]:
        try:
            found = load(validate(compose_text(text))).diagnostics
        except DiagnosticsError as error:
            found = error.diagnostics
        return {diagnostic.path: diagnostic.code for diagnostic in found}

    return find
