"""``mlops-iac kinds``: what a system can declare, and the reference of one kind."""

from __future__ import annotations

import sys

import click

from mlops_iac.cli.options import guarded
from mlops_iac.cli.printing import write
from mlops_iac.render.page import page_for


@click.command(short_help="List what a system can declare; describe a kind.")
@click.argument("kind", required=False)
@guarded
def command(kind: str | None) -> None:
    """List every component kind with its back ends, or describe KIND: its fields, defaults and an example.

    Kinds and back ends of installed packages are among them; one that is broken is named on standard error.

    \b
    Examples:
      mlops-iac kinds
      mlops-iac kinds feature_stores
    """
    from mlops_iac.components.registry import registry
    from mlops_iac.render.kinds import kind_text, kinds_text
    from mlops_iac.spec.suggest import did_you_mean

    known = registry()
    for problem in known.problems() if kind is None else known.problems_of(kind) if kind in known.kinds else ():
        click.echo(f"left out: {problem.message}\n  hint  {problem.hint}", err=True)
    usable = known.usable()
    page = page_for(sys.stdout)
    if kind is None:
        write(kinds_text(usable, page))
    elif kind in usable.kinds:
        write(kind_text(usable, kind, page))
    else:
        hint = did_you_mean(kind, usable.kinds) or "`mlops-iac kinds` lists them all"
        raise click.ClickException(f"there is no kind {kind!r}; {hint}")
