"""The real ``pulumi preview`` of the examples, with stand-in providers on its plugin protocol."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Command, Cost, run
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import request_at, run_phases


def missing() -> str:
    """Why this cannot be measured here, or an empty text."""
    if shutil.which("pulumi") is None:
        return "pulumi is not on PATH"
    absent = [name for name in ("pulumi", "pulumi_aws", "pulumi_kubernetes") if importlib.util.find_spec(name) is None]
    return f"Python package {absent[0]} is not installed" if absent else ""


@dataclass(frozen=True, slots=True)
class Example:
    """What both preview: ``system``, and the same as Pulumi projects, one a layer, or as the one in ``program``.

    ``limit`` is that of the ratio.
    """

    name: str
    system: Path
    limit: float
    program: Path | None = None

    @property
    def what(self) -> str:
        """The comparison in words."""
        same = "of it" if self.program is not None else "of the same layers in a row"
        return f"preview of {self.name} beside pulumi preview {same}, stand-in providers"


_ROOT = Path(__file__).parents[1]
EXAMPLES = (
    Example("examples/fraud-detection", _ROOT / "examples" / "fraud-detection", 0.1),
    Example("examples/own-component", _ROOT / "examples" / "own-component" / "system", 0.1),
    # A program has no YAML: ours previews its components as YAML declares them, without the five resources that are
    # written by hand, which only Pulumi knows. What a user learns from it: what a look at a change costs in the one
    # form and in the other. One stack, so the ratio has less to gain than with six.
    Example(
        "examples/pulumi-program (its components as YAML)",
        Path(__file__).parent / "pulumi_program",
        0.5,
        _ROOT / "examples" / "pulumi-program",
    ),
)


def graph_of(example: Example) -> Graph | str:
    """What the system compiles to, or why it does not here."""
    try:
        graph = run_phases(request_at(example.system), until="compile").graph
    except DiagnosticsError as error:
        return error.diagnostics[0].message
    assert graph is not None
    return graph


def preview_of(folder: Path, example: Example, graph: Graph) -> Command:
    """What previews the example's projects, one after the other, as ``pulumi preview`` in each does."""
    from mlops_iac.engines.pulumi.plugin_server import plugin_script

    for name in ("state", "home", "plugins"):
        (folder / name).mkdir(parents=True)
    packages = sorted({_package(node.type) for node in graph.nodes() if node.custom})
    for package in packages:
        script = folder / "plugins" / f"pulumi-resource-{package}"
        script.write_text(plugin_script(package, "benchmarks.standin_provider:make", python=sys.executable), "utf-8")
        script.chmod(0o755)
    pulumi = str(shutil.which("pulumi"))
    surroundings = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(_ROOT),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    projects = _projects(folder / "stacks", example, graph)
    plugins = {"providers": [{"name": package, "path": str(folder / "plugins")} for package in packages]}
    for project in projects:
        settings = project / "Pulumi.yaml"
        settings.write_text(f"{settings.read_text(encoding='utf-8')}plugins: {json.dumps(plugins)}\n", encoding="utf-8")
        run([pulumi, "stack", "init", graph.environment, "--non-interactive"], project, surroundings)

    def preview() -> Cost:
        costs = [run([pulumi, "preview", "--non-interactive"], project, surroundings) for project in projects]
        return Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs), max(c.memory for c in costs))

    return preview


def _projects(folder: Path, example: Example, graph: Graph) -> list[Path]:
    """The folders of the example's Pulumi projects, written below ``folder``."""
    if example.program is not None:
        shutil.copytree(example.program, folder / "program")
        return [folder / "program"]
    for path, text in stack_files(graph.system, str(example.system)).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return [folder / stack.layer.value for stack in graph.stacks]


def _package(type: str) -> str:
    return type.removeprefix("pulumi:providers:").split(":")[0]
