"""The Pulumi projects below ``stacks/``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mlops_iac.engines.pulumi.scaffold import ENVIRONMENTS, stack_files
from mlops_iac.graph.nodes import LAYERS

STACKS = Path(__file__).parents[2] / "stacks"


def test_the_repositorys_stacks_are_those_of_the_example() -> None:
    files = stack_files("fraud", "../../examples/fraud-detection")
    wanted = {path: text for path, text in files.items() if not path.startswith("policy/")}
    written = {
        path.relative_to(STACKS).as_posix(): path.read_text(encoding="utf-8")
        for layer in LAYERS
        for path in sorted((STACKS / layer).iterdir())
        if path.is_file()
    }
    assert written == wanted


@pytest.mark.parametrize("layer", LAYERS)
def test_a_project_is_complete(layer: str) -> None:
    files = stack_files("churn", "../..")
    project = yaml.safe_load(files[f"{layer}/Pulumi.yaml"])
    assert project["name"] == f"churn-{layer}"
    assert project["runtime"]["name"] == "python"
    assert project["config"]["system"]["default"] == "../.."
    assert all(setting.keys() >= {"type", "default", "description"} for setting in project["config"].values())
    for environment in ENVIRONMENTS:
        settings = yaml.safe_load(files[f"{layer}/Pulumi.{environment}.yaml"])
        assert settings == {"config": {f"churn-{layer}:environment": environment}}
    compile(files[f"{layer}/__main__.py"], "__main__.py", "exec")


def test_making_projects_needs_no_pulumi() -> None:
    program = (
        "import sys; from mlops_iac.engines.pulumi.scaffold import stack_files; stack_files('a', '..');"
        "sys.exit('pulumi' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
