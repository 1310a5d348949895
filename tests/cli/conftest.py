"""A small system of its own for every test, and the command line in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.provider import RecordingProvider
from mlops_iac.engines.local.store import Store
from mlops_iac.pipeline import request_at, run_phases

SYSTEM = """\
defaults:
  - env: dev
  - security: baseline
  - _self_
system: {name: small, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d}
"""

Run = Callable[..., Result]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """The folder of a small valid system."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "system.yaml").write_text(SYSTEM, encoding="utf-8")
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``mlops-iac`` with these arguments, errors and output apart."""
    for name in ("MLOPS_IAC_TRACEBACK", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def invoke(*arguments: str | os.PathLike[str], **options: object) -> Result:
        return CliRunner().invoke(cli, [os.fspath(item) for item in arguments], prog_name="mlops-iac", **options)  # type: ignore[arg-type]

    return invoke


@pytest.fixture
def deployed(system: Path) -> Store:
    """The small system in the local state, as if it had been applied; nothing was created anywhere."""
    graph = run_phases(request_at(system), "compile").graph
    assert graph is not None
    store = Store(system, environ={})
    store.prepare()
    outputs = {}
    for stack in graph.stacks:
        result = apply_stack(stack, outputs, lambda package, inputs: RecordingProvider(package), store)
        assert result.ok
        outputs[stack.layer.value] = result.outputs
    return store
