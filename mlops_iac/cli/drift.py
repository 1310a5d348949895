"""``mlops-iac drift``: what was changed by hand, and how dangerous that is."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.looking import judged, observed
from mlops_iac.cli.options import (
    EXIT_CHANGES,
    EXIT_REFUSED,
    exit_with,
    format_option,
    request_for,
    system_options,
)
from mlops_iac.cli.printing import write
from mlops_iac.cli.reporting import drift_forms, report_option, write_failure, write_report
from mlops_iac.cli.target import TargetChoice, engine_for, target_options
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import RunResult
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import Run, run_phases
from mlops_iac.plan.drift import Danger, drift_plan
from mlops_iac.render.drift import drift_json, drift_markdown, drift_text
from mlops_iac.render.json import to_text
from mlops_iac.render.page import page_for


@click.command(short_help="Show what was changed by hand, and how dangerous that is.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 2 when a drift is dangerous, with 10 when one is not harmless."
)
@report_option
@target_options
@format_option("text", "json", "markdown")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    form: str,
    choice: TargetChoice,
    only: tuple[Layer, ...],
    report: Path | None,
    exit_code: bool,
) -> None:
    """Ask the target for every resource and judge what is not as the state says. The state stays as it is.

    Dangerous: something is gone, open, unguarded or unencrypted that was not. Harmless: what autoscalers move, and tags
    that nothing reads. Everything else is for a person to look at. Each comes with what to do: a `refresh`, which takes
    it into the state, and an `up`, which puts it right; or the configuration takes it in. With --report, errors that
    leave nothing to look for are reported too.

    \b
    Examples:
      mlops-iac drift -C examples/fraud-detection
      mlops-iac drift env=prod --engine pulumi --exit-code --format markdown
      mlops-iac drift env=prod --engine pulumi --report out
    """
    try:
        run, result = _looked(folder, overrides, choice, only)
    except DiagnosticsError as error:
        if report is not None:
            write_failure("drift", error.diagnostics, overrides, folder, report)
        raise
    findings = judged(result, run)
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    failures = tuple(failure for stack in result.stacks for failure in stack.failures)
    names = run.graph.system, run.graph.environment
    if form == "json":
        write(to_text(drift_json(findings, failures, *names)))
    elif form == "markdown":
        write(drift_markdown(findings, failures, *names))
    else:
        write(drift_text(findings, failures, page_for(sys.stdout)))
    if report is not None:
        write_report(drift_forms(run, drift_plan(observed(result), run.graph), findings, failures, folder), report)
    exit_with(result)
    worst = findings[0].danger if findings else Danger.HARMLESS
    if exit_code and worst is not Danger.HARMLESS:
        sys.exit(EXIT_REFUSED if worst is Danger.DANGEROUS else EXIT_CHANGES)


def _looked(
    folder: Path, overrides: tuple[str, ...], choice: TargetChoice, only: tuple[Layer, ...]
) -> tuple[Run, RunResult]:
    compiled = run_phases(request_for(folder, overrides), until="compile")
    with engine_for(compiled, choice, quiet=True) as (engine, run):
        if run.graph is None:
            raise ValueError("the compile phase made no graph")
        return run, engine.look(run.graph, only)
