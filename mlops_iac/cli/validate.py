"""``mlops-iac validate``: every error in the configuration, located, at once."""

from __future__ import annotations

from pathlib import Path

import click

from mlops_iac.cli.options import format_option, request_for, system_options
from mlops_iac.cli.printing import print_validation
from mlops_iac.pipeline import run_phases


@click.command(short_help="Check the configuration.")
@format_option("text", "json")
@system_options
def command(folder: Path, overrides: tuple[str, ...], form: str) -> None:
    """Check the configuration: YAML, overrides, shape, references and meaning.

    Every error is shown at once with its file, line and column, and what to do about it.

    \b
    Example:
      mlops-iac validate -C examples/fraud-detection env=prod
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    print_validation(run, form)
