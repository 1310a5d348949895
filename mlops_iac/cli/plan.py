"""``mlops-iac plan``: read a saved plan, and see whether it still fits."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_REFUSED, format_option, guarded, request_for
from mlops_iac.cli.plans import load_plan, problems_after, problems_before, refuse, refuse_drifted
from mlops_iac.cli.printing import write
from mlops_iac.cli.target import TargetChoice, engine_for, engines_named
from mlops_iac.pipeline import baseline_of, plan_against, run_phases
from mlops_iac.render.page import page_for
from mlops_iac.render.plan import plan_markdown, plan_text

_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(short_help="Show or check a saved plan.")
def command() -> None:
    """Read plans that `mlops-iac preview --save-plan FILE` wrote.

    \b
    Examples:
      mlops-iac plan show prod.plan.json
      mlops-iac plan check prod.plan.json -C examples/fraud-detection
    """


@command.command()
@_FILE
@format_option("text", "markdown", "json")
@guarded
def show(file: Path, form: str) -> None:
    """Show a saved plan: who made it of what, and the report that was reviewed.

    Reads nothing but the file. The file's checksum and version are checked first.

    \b
    Example:
      mlops-iac plan show prod.plan.json --format markdown
    """
    saved = load_plan(file)
    if form == "json":
        write(file.read_text(encoding="utf-8"))
    elif form == "markdown":
        write(plan_markdown(saved))
    else:
        write(plan_text(saved, page_for(sys.stdout)))


@command.command()
@_FILE
@click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    metavar="DIR",
    help="The system's folder.  [default: the current folder]",
)
@format_option("text", "json")
@guarded
def check(file: Path, folder: Path, form: str) -> None:
    """See whether a saved plan could be applied now; changes nothing.

    Exits with 0 if it could, 2 if a policy or a gate refuses it, 3 if configuration or state moved since, or if what
    the plan would touch was changed by hand. What it would touch is read from the target.

    \b
    Example:
      mlops-iac plan check prod.plan.json -C examples/fraud-detection
    """
    saved = load_plan(file)
    checked = run_phases(request_for(folder, saved.overrides), until="check")
    engines = engines_named(saved.engine)
    with engine_for(checked, TargetChoice(engines), quiet=True) as (engine, named):
        if named.graph is None:
            raise ValueError("the compile phase made no graph")
        snapshots = engine.snapshots(named.graph)
        problems = problems_before(saved, named.graph, snapshots, saved.engine)
        if not problems:
            run = plan_against(named, baseline_of(snapshots, f"the state of {engine.place}"), saved.layers)
            if run.refused:
                click.echo("a policy or a gate refuses it by now; `mlops-iac preview` says which", err=True)
                sys.exit(EXIT_REFUSED)
            problems = problems_after(saved, run)
            if not problems:
                refuse_drifted(saved, run, engine, engines, folder, form)
    if problems:
        refuse(problems, folder, form)
    write(
        f"{file} still fits.\n" if form == "text" else json.dumps({"version": 1, "kind": "check", "fits": True}) + "\n"
    )
