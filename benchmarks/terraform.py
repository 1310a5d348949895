"""``terraform plan`` of many ``terraform_data`` resources: the leanest plan that a peer can make."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks.measure import Command, run

MISSING = "terraform is not on PATH"


def plan_of(folder: Path, resources: int) -> Command | None:
    """What plans that many resources; None without terraform."""
    terraform = shutil.which("terraform")
    if terraform is None:
        return None
    project = folder / f"terraform-{resources}"
    project.mkdir(parents=True)
    blocks = (f'resource "terraform_data" "r{index}" {{\n  input = "value {index}"\n}}\n' for index in range(resources))
    (project / "main.tf").write_text("".join(blocks), encoding="utf-8")
    quiet = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    run([terraform, "init", "-input=false"], project, quiet)
    return lambda: run([terraform, "plan", "-input=false", "-no-color"], project, quiet)
