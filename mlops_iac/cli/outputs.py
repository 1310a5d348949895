"""``mlops-iac outputs``: what the deployed stacks export."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.baseline import local_baseline
from mlops_iac.cli.options import format_option, request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.cli.target import Engines, TargetChoice, engine_for, engine_options
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.pipeline import environment_of, run_phases


@click.command(short_help="Show stack outputs.")
@click.option("--layer", type=click.Choice([layer.value for layer in LAYERS]), help="Only this layer's.")
@engine_options
@format_option("text", "json")
@system_options
def command(folder: Path, overrides: tuple[str, ...], form: str, layer: str | None, engines: Engines | None) -> None:
    """Show what the deployed stacks export, secrets masked.

    \b
    Examples:
      mlops-iac outputs -C examples/fraud-detection --layer serving
      mlops-iac outputs --engine pulumi env=prod
    """
    from mlops_iac.render import json
    from mlops_iac.render.page import page_for
    from mlops_iac.render.text import outputs_text

    run = run_phases(request_for(folder, overrides), until="compile")
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    if engines is None:
        snapshots = local_baseline(folder.resolve(), environment_of(run)).snapshots
    else:
        with engine_for(run, TargetChoice(engines), quiet=True) as (engine, named):
            snapshots = engine.snapshots(named.graph or run.graph)
    outputs = {
        stack.layer.value: snapshots[stack.project].outputs
        for stack in run.graph.stacks
        if stack.project in snapshots and layer in (None, stack.layer.value)
    }
    if form == "json":
        write(json.to_text(json.outputs_json(outputs)))
    else:
        write(outputs_text(outputs, page_for(sys.stdout)))
