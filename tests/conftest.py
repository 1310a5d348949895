"""What several test folders share."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from mlops_iac.compose.composition import Composition, Origin
from mlops_iac.diagnostics import ConfigPath, Location

CORE = """\
system: {name: fraud, owner: ml@example.com, purpose: scoring}
cloud: {region: eu-west-1, account: "111122223333"}
env:
  name: dev
  protect_data: false
  force_destroy: true
  multi_az: false
  deletion_window: 7d
  log_retention: 14d
  backup_retention: 7d
security: {name: baseline}
"""


# A shared machine makes a deadline say nothing about the code; in CI the same examples are tried every time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``, which records golden files instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", help="record golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a text with the recorded file ``tests/golden/<path>``, byte for byte."""

    def compare(path: str, text: str) -> None:
        file = GOLDEN / path
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        assert file.exists(), f"no golden file {path}: record it with --update-golden"
        assert text == file.read_bytes().decode(), f"{path} differs: look, then record it with --update-golden"

    return compare


@pytest.fixture(scope="session")
def compose_text() -> Callable[[str], Composition]:
    """Composes one YAML text without Hydra; ``core.yaml`` holds the core sections that it leaves out."""

    def compose(text: str) -> Composition:
        text = textwrap.dedent(text)
        own = yaml.safe_load(text) or {}
        core = {key: value for key, value in yaml.safe_load(CORE).items() if key not in own}
        origins = {path: place for path, place in _origins("core.yaml", CORE) if path[0] in core}
        origins.update(_origins("system.yaml", text))
        return Composition(Path(), {**core, **own}, origins, {}, {"system.yaml": text, "core.yaml": CORE})

    return compose


def _origins(file: str, text: str) -> Iterator[tuple[ConfigPath, Origin]]:
    root = yaml.compose(text, yaml.SafeLoader)
    if root is not None:
        yield from _below(file, (), root)


def _below(file: str, path: ConfigPath, node: yaml.Node) -> Iterator[tuple[ConfigPath, Origin]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _entry(file, (*path, key.value), key, value)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _entry(file, (*path, index), item, item)


def _entry(file: str, path: ConfigPath, key: yaml.Node, value: yaml.Node) -> Iterator[tuple[ConfigPath, Origin]]:
    yield path, Origin(_location(file, key), _location(file, value))
    yield from _below(file, path, value)


def _location(file: str, node: yaml.Node) -> Location:
    return Location(file, node.start_mark.line + 1, node.start_mark.column + 1)
