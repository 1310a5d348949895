"""``mlops-iac destroy``: delete what an apply made."""

from __future__ import annotations

from pathlib import Path

import click

from mlops_iac.cli.options import exit_with, format_option, request_for, system_options
from mlops_iac.cli.printing import print_result
from mlops_iac.cli.target import TargetChoice, confirm, engine_for, target_options, tell_details
from mlops_iac.graph.nodes import LAYERS, Layer
from mlops_iac.pipeline import run_phases


@click.command(short_help="Delete everything.")
@click.option(
    "--forget",
    is_flag=True,
    help="Only empty the state, for resources of a moto server or API server that is gone.",
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
    forget: bool,
) -> None:
    """Delete every resource of the environment, last layer first, and stop the local target's servers.

    Protected resources are refused before anything is deleted; take `protect` out and apply first.

    \b
    Example:
      mlops-iac destroy -C examples/fraud-detection --yes
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    what = "everything" if only == LAYERS else " and ".join(only)
    with engine_for(run, choice, quiet=form == "json") as (engine, run):
        if run.graph is None:
            raise ValueError("the compile phase made no graph")
        tell_details(engine, run, choice)
        confirm(f"Delete {what} of {run.graph.environment} on {engine.place}?", yes=choice.yes)
        result = engine.destroy(run.graph, only, forget=forget)
        engine.stop_if_empty()
    print_result("destroy", result, form)
    exit_with(result)
