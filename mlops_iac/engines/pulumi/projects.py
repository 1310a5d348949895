"""The Pulumi projects of a system on disk: which folder serves a layer, and which of its stacks is the environment's.

Nothing is configured twice: a stack is of an environment when its ``Pulumi.<stack>.yaml`` says so, so whoever names
stacks in another way renames that file. ``organization`` in the same file names the organization of the layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.codes import AMBIGUOUS_STACK, NO_PROJECT
from mlops_iac.graph import naming
from mlops_iac.graph.nodes import LAYERS, Layer


@dataclass(frozen=True, slots=True)
class Project:
    """One layer's project. ``stack`` is the stack's name, ``organization`` its owner where the project names one.
    ``secrets_provider`` is what a new stack seals its secrets with; empty for the backend's own."""

    layer: Layer
    name: str
    folder: Path
    stack: str
    organization: str = ""
    secrets_provider: str = ""

    @property
    def address(self) -> str:
        """The stack as the CLI is told it."""
        return f"{self.organization}/{self.stack}" if self.organization else self.stack


def projects_in(folder: Path, system: str, environment: str, stack: str | None = None) -> dict[Layer, Project]:
    """The project of each layer below ``folder``, with its stack for ``environment``; ``stack`` names it outright.

    Raises ``DiagnosticsError`` for a layer without a project, for files that cannot be read, and where several stacks
    are of the environment.
    """
    found = {}
    problems: list[Diagnostic] = []
    for layer in LAYERS:
        try:
            found[layer] = _project(folder / layer.value, layer, system, environment, stack)
        except DiagnosticsError as error:
            problems += error.diagnostics
    if problems:
        raise DiagnosticsError(problems)
    return found


def names_in(folder: Path) -> dict[Layer, str]:
    """The project's name of each layer that has one below ``folder``, whatever system it is of.

    Raises ``DiagnosticsError`` for a file that cannot be read.
    """
    return {
        layer: str(_read(file).get("name"))
        for layer in LAYERS
        if (file := folder / layer.value / "Pulumi.yaml").exists()
    }


def _project(folder: Path, layer: Layer, system: str, environment: str, stack: str | None) -> Project:
    name = str(_read(folder / "Pulumi.yaml").get("name"))
    if name != naming.project(system, layer.value):
        raise _failure(
            NO_PROJECT,
            f"{folder / 'Pulumi.yaml'} is the project {name!r}, not {naming.project(system, layer.value)!r}",
            "name the folder of this system's projects with --stacks",
        )
    settings = {
        path.name.removeprefix("Pulumi.").removesuffix(".yaml"): _read(path) for path in folder.glob("Pulumi.*.yaml")
    }
    serving = [one for one in sorted(settings) if (_config(settings[one], f"{name}:environment") or one) == environment]
    if stack is None and len(serving) > 1:
        raise _failure(
            AMBIGUOUS_STACK,
            f"the stacks {' and '.join(serving)} of {name} are all of the environment {environment!r}",
            "say which with --stack NAME",
        )
    chosen = stack or (serving[0] if serving else environment)
    own = settings.get(chosen, {})
    organization = str(_config(own, f"{name}:organization") or "")
    return Project(layer, name, folder, chosen, organization, str(own.get("secretsprovider") or ""))


def _config(settings: Mapping[str, Any], key: str) -> Any:
    return (settings.get("config") or {}).get(key)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _failure(NO_PROJECT, f"cannot read {path}: {error}", "restore the file from version control") from error
    return document if isinstance(document, dict) else {}


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
