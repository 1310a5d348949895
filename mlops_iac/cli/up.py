"""``mlops-iac up``: preview, confirm, apply."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.baseline import local_baseline
from mlops_iac.cli.options import EXIT_FAILURE, EXIT_REFUSED, format_option, request_for, system_options
from mlops_iac.cli.printing import finding_diagnostics, print_diagnostics, print_preview, print_result
from mlops_iac.cli.target import TargetChoice, confirm, local_engine, target_options
from mlops_iac.diagnostics import Severity
from mlops_iac.pipeline import environment_of, gate_diagnostics, plan_against, run_phases
from mlops_iac.plan.model import Op


@click.command(short_help="Apply the configuration.")
@target_options
@format_option("text", "json")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    form: str,
    choice: TargetChoice,
) -> None:
    """Apply the configuration: show the preview, ask, then create, update, replace and delete.

    A gate or a mandatory policy violation stops it before anything is changed (exit code 2). State is written before
    and after every operation; an interrupted run is finished by the next.

    \b
    Example:
      mlops-iac up -C examples/fraud-detection --yes
    """
    checked = run_phases(request_for(folder, overrides), until="check")
    run = plan_against(checked, local_baseline(folder.resolve(), environment_of(checked)))
    if run.refused:
        refused = [item for item in gate_diagnostics(run) if item.severity is Severity.ERROR]
        print_diagnostics((*refused, *finding_diagnostics(f for f in run.findings if f.stops)), folder, form)
        sys.exit(EXIT_REFUSED)
    if run.plan is None or run.graph is None:
        raise ValueError("the plan phase made no plan")
    if any(count for op, count in run.plan.summary().items() if op is not Op.SAME):
        if form == "text":
            print_preview(run, form)
        confirm("Apply these changes to the local target?", yes=choice.yes)
    with local_engine(folder.resolve(), choice, quiet=form == "json") as engine:
        result = engine.up(run.graph)
    print_result("up", result, form)
    if not result.ok:
        sys.exit(EXIT_FAILURE)
