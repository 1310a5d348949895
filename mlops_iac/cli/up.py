"""``mlops-iac up``: preview, confirm, apply."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_REFUSED, exit_with, format_option, request_for, system_options
from mlops_iac.cli.printing import finding_diagnostics, print_diagnostics, print_preview, print_result
from mlops_iac.cli.target import TargetChoice, confirm, engine_for, target_options, tell_details
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import baseline_of, gate_diagnostics, plan_against, run_phases
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
    only: tuple[Layer, ...],
) -> None:
    """Apply the configuration: show the preview, ask, then create, update, replace and delete.

    A gate or a mandatory policy violation stops it before anything is changed (exit code 2). State is written before
    and after every operation; an interrupted run is finished by the next.

    \b
    Example:
      mlops-iac up -C examples/fraud-detection --yes
    """
    checked = run_phases(request_for(folder, overrides), until="check")
    with engine_for(checked, choice, quiet=form == "json") as (engine, checked):
        if checked.graph is None:
            raise ValueError("the compile phase made no graph")
        baseline = baseline_of(engine.snapshots(checked.graph), f"the state of {engine.place}")
        run = plan_against(checked, baseline, only)
        if run.refused:
            refused = [item for item in gate_diagnostics(run) if item.severity is Severity.ERROR]
            print_diagnostics((*refused, *finding_diagnostics(f for f in run.findings if f.stops)), folder, form)
            sys.exit(EXIT_REFUSED)
        if run.plan is None:
            raise ValueError("the plan phase made no plan")
        if any(count for op, count in run.plan.summary().items() if op is not Op.SAME):
            if form == "text":
                print_preview(run, form)
            tell_details(engine, checked, choice)
            confirm(f"Apply these changes to {engine.place}?", yes=choice.yes)
        result = engine.up(checked.graph, only)
    print_result("up", result, form)
    exit_with(result)
