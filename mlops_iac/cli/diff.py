"""``mlops-iac diff``: one system in two environments, side by side."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_REFUSED, format_option, request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.pipeline import run_phases
from mlops_iac.plan.promotion import Side, compare_environments
from mlops_iac.render.json import to_text
from mlops_iac.render.page import page_for
from mlops_iac.render.promotion import promotion_json, promotion_text


@click.command(short_help="Compare two environments, key by key and resource by resource.")
@click.argument("before", metavar="FROM")
@click.argument("after", metavar="TO")
@click.option("--check", is_flag=True, help="Exit with 2 when a key differs that may not.")
@format_option("text", "json")
@system_options
def command(before: str, after: str, folder: Path, overrides: tuple[str, ...], check: bool, form: str) -> None:
    """Compare a system in two environments: which keys differ and where each is set, and what becomes of the resources.

    FROM and TO are overrides; quote several. Further overrides hold for both. `promotion.may_differ` lists patterns of
    the keys that may differ.

    \b
    Examples:
      mlops-iac diff env=dev env=prod -C examples/fraud-detection
      mlops-iac diff env=staging "env=prod security=regulated" --check
    """
    promotion = compare_environments(_side(folder, before, overrides), _side(folder, after, overrides))
    if form == "json":
        write(to_text(promotion_json(promotion)))
    else:
        write(promotion_text(promotion, page_for(sys.stdout)))
    if check and promotion.unexpected:
        sys.exit(EXIT_REFUSED)


def _side(folder: Path, chosen: str, overrides: tuple[str, ...]) -> Side:
    try:
        own = tuple(shlex.split(chosen))
    except ValueError as error:
        raise click.BadParameter(f"{chosen!r} cannot be split into overrides: {error}") from None
    run = run_phases(request_for(folder, (*own, *overrides)), until="compile")
    if run.composition is None or run.system is None or run.graph is None:
        raise ValueError("the compile phase made no graph")
    return Side(run.composition, run.system, run.graph)
