"""The real ``pulumi preview`` of a system's layers, with stand-in providers on its plugin protocol."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

from benchmarks.measure import Command, Cost, run
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import Graph


def missing() -> str:
    """Why this cannot be measured here, or an empty text."""
    if shutil.which("pulumi") is None:
        return "pulumi is not on PATH"
    absent = [name for name in ("pulumi", "pulumi_aws", "pulumi_kubernetes") if importlib.util.find_spec(name) is None]
    return f"Python package {absent[0]} is not installed" if absent else ""


def preview_of(folder: Path, system: Path, graph: Graph) -> Command:
    """What previews every layer of ``graph``, one after the other, as ``pulumi preview`` in each project does."""
    from mlops_iac.engines.pulumi.plugin_server import plugin_script

    root = folder / "pulumi"
    for name in ("state", "home", "plugins"):
        (root / name).mkdir(parents=True)
    tokens = {node.type.removeprefix("pulumi:providers:").split(":")[0] for node in graph.nodes() if node.custom}
    for package in sorted(tokens):
        script = root / "plugins" / f"pulumi-resource-{package}"
        script.write_text(plugin_script(package, "benchmarks.standin_provider:make", python=sys.executable), "utf-8")
        script.chmod(0o755)
    plugins = {"providers": [{"name": package, "path": str(root / "plugins")} for package in sorted(tokens)]}
    pulumi = str(shutil.which("pulumi"))
    surroundings = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "PULUMI_HOME": str(root / "home"),
        "PULUMI_BACKEND_URL": f"file://{root / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    projects = []
    for path, text in stack_files(graph.system, str(system)).items():
        layer, name = path.split("/")
        project = root / "stacks" / layer
        project.mkdir(parents=True, exist_ok=True)
        extra = f"plugins: {json.dumps(plugins)}\n" if name == "Pulumi.yaml" else ""
        (project / name).write_text(text + extra, encoding="utf-8")
        if extra and graph.stack(layer) is not None:
            projects.append(project)
    for project in projects:
        run([pulumi, "stack", "init", graph.environment, "--non-interactive"], project, surroundings)

    def preview() -> Cost:
        costs = [run([pulumi, "preview", "--non-interactive"], project, surroundings) for project in projects]
        return Cost(sum(c.wall for c in costs), sum(c.cpu for c in costs), max(c.memory for c in costs))

    return preview
