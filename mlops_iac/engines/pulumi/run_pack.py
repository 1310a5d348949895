"""The policy pack that goes with a run of our own verbs: for what the offline check left open, and what it never saw.

Verdicts that were given offline hold: the program refuses to register another graph than the one that was judged. So
the engine judges, before each call, the resources whose verdict waited for a value, and those that the user's program
registers beside the system's. A layer that has neither runs without a pack, at no cost.

The pack itself is ``run_judge``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlops_iac.engines.files import make_private_folder, write_atomic
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.scaffold import registers_only_its_layer
from mlops_iac.policies.policy import Finding
from mlops_iac.policies.settle import place_of, undecided

FOLDER: Final = "policy"
FIX: Final = ". Fix: "
"""Stands between what a rule of the pack finds wrong and what to do."""
HOLDS: Final = "holds"
"""What the pack says, after the rule's id, of a resource whose verdict waited and turned out well."""

_PROJECT: Final = """\
description: What mlops-iac judges in this run
version: 0.1.0
runtime: {name: python, options: {toolchain: pip}}
"""
_PROGRAM: Final = """\
from mlops_iac.engines.pulumi.run_judge import serve

serve(**{arguments!r})
"""


@dataclass(frozen=True, slots=True)
class RunPolicies:
    """What the offline check of a run left: ``findings`` with their place in the configuration.

    ``today`` is an ISO date, ``project_code`` whether the project's own rule files may run.
    """

    today: str
    project_code: bool
    findings: tuple[Finding, ...] = ()

    @property
    def waiting(self) -> Mapping[tuple[str, str], Finding]:
        """The findings that a value decides, by URN without the stack's name and rule."""
        return {place_of(found): found for found in undecided(self.findings)}


def needs_pack(project: Project, policies: RunPolicies) -> bool:
    """Whether something in the layer has not been judged yet."""
    waits = any(urn.startswith(f"{project.name}::") for urn, _ in policies.waiting)
    return waits or not registers_only_its_layer(project.folder, project.layer)


def write_pack(home: Path, root: Path, environment: str, policies: RunPolicies) -> Path:
    """The folder of the pack for a system, written anew. Raises ``DiagnosticsError`` when that fails."""
    folder = home / FOLDER
    make_private_folder(folder)
    arguments = {
        "root": str(root),
        "environment": environment,
        "today": policies.today,
        "project_code": policies.project_code,
    }
    write_atomic(folder / "PulumiPolicy.yaml", _PROJECT.encode())
    write_atomic(folder / "__main__.py", _PROGRAM.format(arguments=arguments).encode())
    return folder
