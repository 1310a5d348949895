"""Small configuration trees for the tests of the compose phase."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlops_iac.compose import ComposeRequest, Composition, compose
from mlops_iac.compose.limits import DEFAULT_LIMITS, Limits
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError


class Tree:
    """A system's folder under the test's temporary directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, files: Mapping[str, str | bytes]) -> "Tree":
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def compose(
        self,
        *overrides: str,
        environment: Mapping[str, str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        config_name: str = "system",
    ) -> Composition:
        request = ComposeRequest(self.root, overrides, config_name, environment or {})
        return compose(request, limits)

    def refusal(
        self,
        *overrides: str,
        environment: Mapping[str, str] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        config_name: str = "system",
    ) -> tuple[Diagnostic, ...]:
        with pytest.raises(DiagnosticsError) as caught:
            self.compose(*overrides, environment=environment, limits=limits, config_name=config_name)
        return caught.value.diagnostics


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder to write a system into."""
    return Tree(tmp_path)


@pytest.fixture
def system(tree: Tree) -> Callable[[str], Tree]:
    """A folder whose ``system.yaml`` has the given text."""
    return lambda text: tree.write({"system.yaml": text})


def brief(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    """Code, place and message of each diagnostic, for tests in which the wording of hints is not the point."""
    return [f"{d.code} {d.location}: {d.message}" for d in diagnostics]
