"""Packages that are installed without pip and network: the files that it would leave, in a folder for PYTHONPATH."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def install(site: Path, name: str, version: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Write the metadata of a package with entry points: by group, then name."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    groups = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in found.items()) for group, found in points.items())
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def install_project(site: Path, folder: Path) -> None:
    """The same for the project in ``folder``, as its pyproject.toml says; its modules are read where they are."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install(site, project["name"], project["version"], project["entry-points"])
    for package in folder.glob("*/__init__.py"):
        (site / package.parent.name).symlink_to(package.parent)


def run_with(site: Path, *command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python with the installed packages on its path."""
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
