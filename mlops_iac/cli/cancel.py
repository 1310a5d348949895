"""``mlops-iac cancel``: release what a run that died still holds."""

from __future__ import annotations

from pathlib import Path

import click

from mlops_iac.cli.options import request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.cli.target import TargetChoice, confirm, engine_for, target_options
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import run_phases


@click.command(short_help="Release the lock of a dead run.")
@target_options
@system_options
def command(folder: Path, overrides: tuple[str, ...], choice: TargetChoice, only: tuple[Layer, ...]) -> None:
    """Release what a run that died still holds: the local target's lock, or the stacks of Pulumi's backend.

    Only for a run that is known to be dead: one that still works would go on without its lock. The state is not
    changed; the next `up` settles what was in flight.

    \b
    Example:
      mlops-iac cancel --engine pulumi --only serving
    """
    compiled = run_phases(request_for(folder, overrides), until="compile")
    with engine_for(compiled, choice, quiet=True) as (engine, run):
        if run.graph is None:
            raise ValueError("the compile phase made no graph")
        confirm(f"Release what a dead run holds on {engine.place}?", yes=choice.yes)
        released = engine.cancel(run.graph, only)
    write("".join(f"released {what}\n" for what in released) or "Nothing is held.\n")
