"""``mlops-iac graph``: a picture of the system."""

from __future__ import annotations

from pathlib import Path

import click

from mlops_iac.cli.options import format_option, request_for, system_options
from mlops_iac.pipeline import run_phases
from mlops_iac.render import diagram


@click.command(short_help="Draw the system.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of the terminal.",
)
@format_option("mermaid", "svg", "html")
@system_options
def command(folder: Path, overrides: tuple[str, ...], out: Path | None, form: str) -> None:
    """Draw the components by layer, and what uses what.

    \b
    Examples:
      mlops-iac graph -C examples/fraud-detection
      mlops-iac graph -C examples/fraud-detection --format html --out system.html
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    draw = {"mermaid": diagram.mermaid, "svg": diagram.svg, "html": diagram.page}[form]
    text = draw(diagram.diagram_of(run.graph))
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"wrote {out}")
