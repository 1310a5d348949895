"""Every system below examples/ is a golden case: the same bytes everywhere, and what it declares is on record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.policies.registry import own_packs
from mlops_iac.render import json as render_json

Golden = Callable[[str, str], None]

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/system.yaml"))
ENVIRONMENTS = ("dev", "prod")
EVERY = [
    pytest.param(example, environment, id=f"{example.name}-{environment}")
    for example in EXAMPLES
    for environment in ENVIRONMENTS
]
TODAY = "2026-06-30"


def compiled(example: Path, environment: str) -> Run:
    return run_phases(request_at(example, (f"env={environment}",), TODAY))


def summary(graph: Graph) -> dict[str, Any]:
    """Logical names by type, layer by layer; what the preview beside it does not show are the outputs."""
    layers: dict[str, Any] = {}
    for stack in graph.stacks:
        types: dict[str, list[str]] = {}
        for node in stack.nodes:
            types.setdefault(node.type, []).append(node.name)
        layers[stack.layer.value] = {
            "resources": {type: sorted(names) for type, names in sorted(types.items())},
            "outputs": sorted(stack.outputs),
        }
    return layers


@pytest.mark.parametrize(("example", "environment"), EVERY)
def test_what_an_example_declares_is_on_record(example: Path, environment: str, golden: Golden) -> None:
    run = compiled(example, environment)
    assert run.graph is not None
    text = json.dumps(summary(run.graph), indent=1, ensure_ascii=False) + "\n"
    golden(f"examples/{example.name}/{environment}-graph.json", text)


@pytest.mark.parametrize(("example", "environment"), EVERY)
def test_the_preview_of_an_example_is_on_record(example: Path, environment: str, golden: Golden) -> None:
    run = compiled(example, environment)
    assert run.plan is not None
    document = render_json.preview_json(run.plan, run.diagnostics, impacts=run.impacts, gates=run.gates)
    schema = json.loads((ROOT / "schemas" / "preview.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(json.loads(json.dumps(document)))
    golden(f"examples/{example.name}/{environment}-preview.json", render_json.to_text(document))


@pytest.mark.parametrize(("example", "environment"), EVERY)
def test_two_processes_compile_the_same_bytes(example: Path, environment: str, tmp_path: Path) -> None:
    surroundings = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kolkata", "COLUMNS": "40", "HOME": str(tmp_path)},
    )
    written = [
        compile_in_a_process(example, environment, tmp_path / str(index), given)
        for index, given in enumerate(surroundings)
    ]
    assert written[0] == written[1]
    assert any(name.endswith("graph.json") for name in written[0])


def compile_in_a_process(example: Path, environment: str, out: Path, given: dict[str, str]) -> dict[str, bytes]:
    """Every file that ``compile --out`` wrote."""
    subprocess.run(
        [sys.executable, "-m", "mlops_iac", "compile", "-C", str(example), "--out", str(out), f"env={environment}"],
        env={**{k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}, **given},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_no_pack_finds_anything_in_an_example_but_what_is_waived(example: Path, environment: str) -> None:
    every = f"policies.packs=[{','.join(own_packs())}]"
    run = run_phases(request_at(example, (f"env={environment}", every), TODAY), until="check")

    assert [f"{f.policy.id}: {f.resource.name}" for f in run.findings if not f.waiver] == []
    assert [item.message for item in run.diagnostics if item.path[:1] == ("policies",)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_names_the_schema_for_editors(example: Path) -> None:
    first = (example / "system.yaml").read_text(encoding="utf-8").splitlines()[0]
    prefix, _, path = first.partition("$schema=")
    assert prefix == "# yaml-language-server: "
    assert (example / path).resolve() == ROOT / "schemas" / "system.schema.json"
