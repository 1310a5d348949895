"""``mlops-iac destroy``: delete what an apply made."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_FAILURE, format_option, request_for, system_options
from mlops_iac.cli.printing import print_result
from mlops_iac.cli.target import TargetChoice, confirm, local_engine, target_options
from mlops_iac.pipeline import environment_of, run_phases


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
    forget: bool,
) -> None:
    """Delete every resource of the environment, last layer first, and stop the local target's servers.

    Protected resources are refused before anything is deleted; take `protect` out and apply first.

    \b
    Example:
      mlops-iac destroy -C examples/fraud-detection --yes
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    environment = environment_of(run)
    confirm(f"Delete everything of {environment} on the local target?", yes=choice.yes)
    with local_engine(folder.resolve(), choice, quiet=form == "json") as engine:
        result = engine.destroy(environment, forget=forget)
        if not any(snapshot.resources for snapshot in engine.load_snapshots().values()):
            engine.stop()
    print_result("destroy", result, form)
    if not result.ok:
        sys.exit(EXIT_FAILURE)
