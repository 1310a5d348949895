"""``mlops-iac delivery``: the files of the CI system that delivers a system."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from mlops_iac.cli.options import EXIT_FAILURE, request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.components.operations.delivery import DeliverySpec, project_of, target_of
from mlops_iac.delivery import files
from mlops_iac.delivery.project import Project
from mlops_iac.delivery.registry import providers
from mlops_iac.delivery.setup import setup_text
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.pipeline import run_phases
from mlops_iac.spec.system import System

NOT_DECLARED: Final = "MI3634"
"""The system has no delivery section."""


@click.command(short_help="Write the files of the CI system.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and show the difference when a file is stale.")
@click.option("--setup", is_flag=True, help="Write nothing; say what has to be set once in the CI system.")
@click.option("--force", is_flag=True, help="Replace a file that was written by hand.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="The repository's folder.  [default: the nearest one above the system with a .git]",
)
@system_options
def command(folder: Path, overrides: tuple[str, ...], check: bool, setup: bool, force: bool, root: Path | None) -> None:
    """Write what the CI system of `delivery:` runs: preview a change, plan and apply a merge, look for drift.

    A preview needs no credentials. A plan is made with a role that only reads, and exactly that plan is applied, with
    another role, after those in `delivery.approve` agreed. Roles are taken with short-lived identity tokens.

    \b
    Examples:
      mlops-iac delivery -C examples/fraud-detection
      mlops-iac delivery -C examples/fraud-detection --check
      mlops-iac delivery delivery.provider=gitlab --setup
    """
    root = root or _repository(folder.resolve())
    project, spec = _project(folder, overrides, root)
    provider = providers()[spec.provider]
    if setup:
        write(setup_text(project, provider))
        return
    wanted = files.delivery_files(project, provider)
    if check:
        stale = files.stale(root, wanted)
        for item in stale:
            write(item.diff)
            click.echo(f"{item.path} is not what system.yaml says; run `mlops-iac delivery -C {folder}`", err=True)
        sys.exit(EXIT_FAILURE if stale else 0)
    written = files.write(root, wanted, force=force)
    for path in wanted:
        write(f"{'wrote' if path in written else 'is current:'} {path}\n")
    if written:
        write(f"\n{setup_text(project, provider)}")
    else:
        write(f"`mlops-iac delivery -C {folder} --setup` says what {provider.label} needs set once.\n")


def _project(folder: Path, overrides: tuple[str, ...], root: Path) -> tuple[Project, DeliverySpec]:
    """The project, with the account and region that each delivered environment has."""
    spec = _spec(_system(folder, overrides))
    targets = []
    for environment in spec.environments:
        system = _system(folder, (*overrides, f"env={environment}"))
        targets.append(target_of(_spec(system), system.core))
    project = project_of(spec, system.core, targets, files.folder_in(root, folder))
    return replace(project, overrides=overrides), spec


def _system(folder: Path, overrides: tuple[str, ...]) -> System:
    run = run_phases(request_for(folder, overrides), until="spec")
    if run.system is None:
        raise ValueError("the spec phase made no system")
    return run.system


def _spec(system: System) -> DeliverySpec:
    found = next(system.of_kind("delivery"), None)
    if found is None or not isinstance(found.spec, DeliverySpec):
        hint = "write delivery: {provider: github, repository: acme/fraud-ml, approve: {prod: [risk-leads]}}"
        raise DiagnosticsError([Diagnostic(NOT_DECLARED, "the system does not say how it is delivered", hint)])
    return found.spec


def _repository(folder: Path) -> Path:
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
