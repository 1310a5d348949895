"""``mlops-iac completion``: the script that a shell sources."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print the shell completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Example:
      mlops-iac completion bash >> ~/.bashrc
    """
    from mlops_iac.cli.main import cli

    completion = get_completion_class(shell)
    if completion is None:
        raise click.ClickException(f"click knows no completion for {shell}")
    click.echo(completion(cli, {}, "mlops-iac", "_MLOPS_IAC_COMPLETE").source())
