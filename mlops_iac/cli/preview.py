"""``mlops-iac preview``: what would change, before anything happens."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from mlops_iac.cli.baseline import load_baseline
from mlops_iac.cli.options import (
    EXIT_CHANGES,
    EXIT_REFUSED,
    exit_code_of,
    format_option,
    request_for,
    system_options,
)
from mlops_iac.cli.plans import save_plan, tell_saved
from mlops_iac.cli.printing import print_preview
from mlops_iac.cli.reporting import report_forms, report_option, write_failure, write_report
from mlops_iac.cli.target import Engines, TargetChoice, engine_for, engine_options, only_option
from mlops_iac.diagnostics import DiagnosticsError, Severity
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import Run, baseline_of, plan_against, run_phases, take_verdicts


@click.command(short_help="Show what would change.")
@click.option(
    "--against",
    multiple=True,
    metavar="none|local|REF|FILE",
    help="Compare with nothing, the local state, a git ref such as origin/main, or what is really deployed: a "
    "file that `pulumi stack export` wrote, a folder of them, or - for standard input; can be repeated.  "
    "[default: the local state where there is one]",
)
@engine_options
@only_option
@report_option
@click.option(
    "--save-plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan, so that `mlops-iac up --plan FILE` applies exactly this and nothing else.",
)
@click.option("--show-same", is_flag=True, help="List unchanged resources too.")
@click.option("--exit-code", is_flag=True, help="Exit with 10 when there are changes.")
@format_option("text", "json", "markdown")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    against: tuple[str, ...],
    only: tuple[Layer, ...],
    engines: Engines | None,
    report: Path | None,
    plan_file: Path | None,
    show_same: bool,
    exit_code: bool,
    form: str,
) -> None:
    """Show what would change and what that does to the running models; gates, policies and warnings.

    Reads only the configuration and the state to compare with; needs no cloud account and no network, unless you name
    an engine: then the state is the engine's, and its own preview must say the same. With --report, errors that leave
    nothing to preview are reported too.

    \b
    Examples:
      mlops-iac preview -C examples/fraud-detection
      mlops-iac preview -C examples/fraud-detection --against origin/main --format markdown
      mlops-iac preview env=prod --against exports/
      mlops-iac preview --against origin/main --report out
      mlops-iac preview env=prod clusters.research.pools.a10g.max_nodes=16
      mlops-iac preview env=prod --engine pulumi --save-plan prod.plan.json
    """
    if plan_file is not None and against:
        raise click.UsageError("--save-plan plans against the state that it will be applied to: leave --against out")
    try:
        run = _planned(folder, overrides, against, only, engines, plan_file)
    except DiagnosticsError as error:
        if report is not None:
            write_failure("preview", error.diagnostics, overrides, folder, report)
        raise
    print_preview(run, form, show_same=show_same)
    if report is not None:
        write_report(report_forms(run, folder), report)
    if run.refused:
        failures = [item for item in run.diagnostics if item.severity is Severity.ERROR]
        sys.exit(exit_code_of(failures) if failures else EXIT_REFUSED)
    if exit_code and run.plan and run.plan.changes_something:
        sys.exit(EXIT_CHANGES)


def _planned(
    folder: Path,
    overrides: tuple[str, ...],
    against: tuple[str, ...],
    only: tuple[Layer, ...],
    engines: Engines | None,
    plan_file: Path | None,
) -> Run:
    checked = run_phases(request_for(folder, overrides), until="check")
    if checked.graph is None:
        raise ValueError("the compile phase made no graph")
    if (engines is not None and not against) or plan_file is not None:
        return _by_engine(checked, engines or Engines(), only, plan_file)
    return plan_against(checked, *load_baseline(against, checked.graph, folder.resolve(), overrides, only))


def _by_engine(checked: Run, engines: Engines, only: tuple[Layer, ...], plan_file: Path | None) -> Run:
    """The plan against the engine's state, with the verdicts that the engine's own preview gave.

    Warns wherever that preview says otherwise.
    """
    with engine_for(checked, TargetChoice(engines), quiet=True) as (engine, named):
        if named.graph is None:
            raise ValueError("the compile phase made no graph")
        run = plan_against(named, baseline_of(engine.snapshots(named.graph), f"the state of {engine.place}"), only)
        if run.plan is None:
            raise ValueError("the plan phase made no plan")
        own = engine.own_preview(run.plan, named.graph, only, binding=plan_file is not None)
        run = take_verdicts(replace(run, diagnostics=(*run.diagnostics, *own.diagnostics)), own.decided)
        if plan_file is not None:
            save_plan(plan_file, run, engines.name, own.plans)
            tell_saved(plan_file, run)
    return run
