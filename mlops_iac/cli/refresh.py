"""``mlops-iac refresh``: what drifted."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_CHANGES, exit_with, format_option, request_for, system_options
from mlops_iac.cli.printing import print_drift, write
from mlops_iac.cli.target import TargetChoice, engine_for, target_options
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import run_phases


@click.command(short_help="Show what drifted.")
@click.option("--exit-code", is_flag=True, help="Exit with 10 when something drifted.")
@target_options
@format_option("text", "json")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    form: str,
    choice: TargetChoice,
    only: tuple[Layer, ...],
    exit_code: bool,
) -> None:
    """Ask the target for every resource, show what is not as the state says, and note it in the state.

    The next preview then shows how `up` would put it right. A resource that cannot be asked about is never dropped.

    \b
    Example:
      mlops-iac refresh -C examples/fraud-detection
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    with engine_for(run, choice, quiet=True) as (engine, run):
        if run.graph is None:
            raise ValueError("the compile phase made no graph")
        result = engine.refresh(run.graph, only)
    if not result.stacks and form == "text":
        write("Nothing is deployed, so nothing can have drifted.\n")
    else:
        print_drift(result, form)
    exit_with(result)
    if exit_code and any(stack.drift for stack in result.stacks):
        sys.exit(EXIT_CHANGES)
