"""``mlops-iac up``: preview, confirm, apply; or apply exactly a plan that was reviewed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_REFUSED, exit_with, format_option, request_for, system_options
from mlops_iac.cli.plans import (
    load_plan,
    overrides_of,
    problems_after,
    problems_before,
    refuse,
    refuse_drifted,
    reviewed,
)
from mlops_iac.cli.printing import finding_diagnostics, print_diagnostics, print_preview, print_result
from mlops_iac.cli.target import TargetChoice, confirm, engine_for, engines_named, target_options, tell_details
from mlops_iac.diagnostics import DiagnosticsError, Severity
from mlops_iac.engines.engine import Engine
from mlops_iac.engines.events import RunResult
from mlops_iac.graph.nodes import LAYERS, Layer
from mlops_iac.pipeline import Run, baseline_of, gate_diagnostics, plan_against, run_phases
from mlops_iac.plan.reviewed import NOT_PLANNED
from mlops_iac.plan.saved import SavedPlan


@click.command(short_help="Apply the configuration.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Apply exactly the plan that `preview --save-plan FILE` saved, without asking; it brings its overrides.",
)
@click.option(
    "--continue-on-error",
    is_flag=True,
    help="Go on with what does not depend on what failed, in Pulumi's engine too; the local engine always does.",
)
@target_options
@format_option("text", "json")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    form: str,
    choice: TargetChoice,
    only: tuple[Layer, ...],
    plan_file: Path | None,
    continue_on_error: bool,
) -> None:
    """Apply the configuration: show the preview, ask, then create, update, replace and delete.

    A gate or a mandatory policy violation stops it before anything is changed (exit code 2). State is written before
    and after every operation; an interrupted run is finished by the next.

    With --plan it refuses when the configuration or the state moved since the plan was saved, or when what the plan
    would update, replace or delete was changed by hand (exit code 3), and stops before any operation that the plan does
    not have.

    \b
    Examples:
      mlops-iac up -C examples/fraud-detection --yes
      mlops-iac up -C examples/fraud-detection --plan dev.plan.json
    """
    choice = replace(choice, continue_on_error=continue_on_error)
    saved = load_plan(plan_file) if plan_file is not None else None
    if saved is not None:
        overrides = overrides_of(saved, overrides)
        if only not in (LAYERS, saved.layers):
            raise click.UsageError(f"the saved plan is of {', '.join(saved.layers)}; leave --only out")
        only = saved.layers
        if not choice.named:
            choice = replace(choice, engines=engines_named(saved.engine))
    checked = run_phases(request_for(folder, overrides), until="check")
    with engine_for(checked, choice, quiet=form == "json") as (engine, checked):
        if checked.graph is None:
            raise ValueError("the compile phase made no graph")
        snapshots = engine.snapshots(checked.graph)
        if saved is not None:
            problems = problems_before(saved, checked.graph, snapshots, choice.engines.name)
            if problems:
                refuse(problems, folder, form)
        run = plan_against(checked, baseline_of(snapshots, f"the state of {engine.place}"), only)
        if run.refused:
            refused = [item for item in gate_diagnostics(run) if item.severity is Severity.ERROR]
            print_diagnostics((*refused, *finding_diagnostics(f for f in run.findings if f.stops)), folder, form)
            sys.exit(EXIT_REFUSED)
        if run.plan is None:
            raise ValueError("the plan phase made no plan")
        if saved is not None:
            result = _apply_saved(saved, run, engine, choice, folder, form)
        else:
            if run.plan.changes_something:
                if form == "text":
                    print_preview(run, form)
                tell_details(engine, checked, choice)
                confirm(f"Apply these changes to {engine.place}?", yes=choice.yes)
            result = engine.up(checked.graph, only)
    print_result("up", result, form)
    exit_with(result)


def _apply_saved(
    saved: SavedPlan, run: Run, engine: Engine, choice: TargetChoice, folder: Path, form: str
) -> RunResult:
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    problems = problems_after(saved, run)
    if problems:
        refuse(problems, folder, form)
    refuse_drifted(saved, run, engine, choice.engines, folder, form)
    try:
        return engine.up(run.graph, saved.layers, reviewed(saved))
    except DiagnosticsError as error:
        if all(item.code == NOT_PLANNED for item in error.diagnostics):
            refuse(error.diagnostics, folder, form)
        raise
