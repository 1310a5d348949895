"""Whatever somebody writes, the answer is a graph or located diagnostics; never another exception."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_iac.cli.compile import layer_files
from mlops_iac.cli.printing import finding_diagnostics
from mlops_iac.components.registry import registry
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.render import json, markdown, text
from mlops_iac.render.page import Page

from .strategies import edits, mutations, systems

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/system.yaml"))
HEAD = "defaults: [env: dev, security: baseline, _self_]\n"
CORE = {
    "system": {"name": "fuzz", "owner": "ml@example.com", "purpose": "fuzz", "tags": {"cost-center": "1"}},
    "cloud": {"region": "eu-west-1", "account": "111122223333"},
}
PARTS = [
    {**CORE, **example.system, component.kind: example.values}
    for component in registry().components()
    for example in component.examples
]
IN_CI = os.environ.get("HYPOTHESIS_PROFILE") == "ci"

Judge = Callable[[Path, bytes], Run | None]


def cases(in_ci: int) -> settings:
    """``in_ci`` cases in CI, a tenth of them elsewhere."""
    # Found failures are replayed from what CI prints; a data base of examples would make runs differ.
    return settings(
        max_examples=in_ci if IN_CI else in_ci // 10, suppress_health_check=list(HealthCheck), deadline=None
    )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One system's folder; every case writes its own system.yaml over the last one's."""
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary)
        for example in EXAMPLES:
            shutil.copytree(
                example,
                made / example.name,
                ignore=lambda _, names: [name for name in names if name.startswith(".")],
            )
        for part in registry().components():
            for example_of in part.examples:
                for name, content in example_of.files.items():
                    (made / "parts" / name).parent.mkdir(parents=True, exist_ok=True)
                    (made / "parts" / name).write_text(content, encoding="utf-8")
        (made / "parts" / "steps").mkdir(parents=True, exist_ok=True)
        (made / "parts" / "steps" / "train.py").write_text("loss = 0\n", encoding="utf-8")
        yield made


def judge(system: Path, content: bytes) -> Run | None:
    """Run every phase and every renderer; None where diagnostics were the answer."""
    (system / "system.yaml").write_bytes(content)
    sources = {"system.yaml": content.decode(errors="replace")}
    try:
        run = run_phases(request_at(system, today="2026-01-01"))
    except DiagnosticsError as error:
        assert any(found.severity is Severity.ERROR for found in error.diagnostics)
        check(error.diagnostics, sources)
        return None
    check((*run.diagnostics, *finding_diagnostics(run.findings)), sources)
    assert run.graph is not None and run.plan is not None
    for stack in run.graph.stacks:
        layer_files(stack)
    json.to_text(json.preview_json(run.plan, run.diagnostics))
    markdown.preview_markdown(run.plan)
    text.preview_text(run.plan, Page(), diagnostics=run.diagnostics, sources=sources)
    return run


def check(diagnostics: tuple[Diagnostic, ...], sources: Mapping[str, str]) -> None:
    """Every diagnostic helps: a code, what is wrong, what to do, and where.

    A policy may be about a component that every system has, which stands on no line.
    """
    for found in diagnostics:
        assert re.fullmatch(r"MI[1-6][0-9]{3}", found.code), found
        assert found.message.strip(), found
        assert found.hint.strip(), found
        if found.severity is Severity.ERROR and not found.code.startswith("MI5"):
            assert found.location is not None, found
            assert found.location.line >= 1 and found.location.column >= 1, found
    json.to_text(json.validation_json(diagnostics))
    text.validation_text(diagnostics, 0, Page(), sources)
    text.validation_text(diagnostics, 0, Page(ascii_only=True), sources)


@cache
def composed(example: Path) -> dict[str, Any]:
    """An example's own sections as data."""
    composition = run_phases(request_at(example), until="compose").composition
    assert composition is not None
    return {name: value for name, value in composition.data.items() if name not in ("env", "security")}


def yaml_of(data: Mapping[str, Any]) -> bytes:
    """``data`` as the text of a system.yaml."""
    own = yaml.dump(msgspec.to_builtins(dict(data)), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
    return (HEAD + own).encode("utf-8", "replace")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@given(draw=st.data())
@cases(in_ci=400)
def test_an_example_that_was_damaged(example: Path, draw: st.DataObject, folder: Path) -> None:
    judge(folder / example.name, draw.draw(mutations((example / "system.yaml").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
@given(draw=st.data())
@cases(in_ci=200)
def test_an_example_that_was_edited(example: Path, draw: st.DataObject, folder: Path) -> None:
    judge(folder / example.name, yaml_of(draw.draw(edits(composed(example)))))


@given(draw=st.data())
@cases(in_ci=200)
def test_a_component_that_was_edited(draw: st.DataObject, folder: Path) -> None:
    judge(folder / "parts", yaml_of(draw.draw(st.sampled_from(PARTS).flatmap(edits))))


@given(data=systems())
@cases(in_ci=200)
def test_a_system_from_the_schema(data: dict[str, Any], folder: Path) -> None:
    judge(folder / "parts", yaml_of(data))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_undamaged_example_is_judged_fine(example: Path, folder: Path) -> None:
    assert judge(folder / example.name, (example / "system.yaml").read_bytes()) is not None
