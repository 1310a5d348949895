"""The command line: one file a verb, imported only when that verb is called."""

from __future__ import annotations

import difflib
import functools
import gc
import importlib
import keyword
import sys
from typing import Any, Final

import click

from mlops_iac import __version__

VERBS: Final[dict[str, str]] = {
    "init": "Make a new system that validates, previews and applies locally.",
    "validate": "Check the configuration; nothing else is read or changed.",
    "compile": "Write each layer as a graph, a Pulumi YAML program and Kubernetes manifests.",
    "preview": "Show what would change, which policies it breaks, and why.",
    "plan": "Show a saved plan, or see whether it still fits.",
    "up": "Apply the configuration: to this machine, or to the cloud with Pulumi.",
    "import": "Adopt what exists already: take it into the state by its id.",
    "refresh": "Compare the state with what really exists, and show the drift.",
    "cancel": "Release what a run that died still holds.",
    "drift": "Show what was changed by hand, and how dangerous that is; the state stays as it is.",
    "destroy": "Delete everything that an apply made.",
    "state": "Look at the local state, export, import and mend it.",
    "outputs": "Show what the deployed stacks export.",
    "policy": "List, explain and run the policies.",
    "cost": "Estimate the monthly cost, compare it, and compare variants.",
    "prices": "Show the price table, its sources and its age; refresh it.",
    "graph": "Draw the system: mermaid, svg or a page.",
    "diff": "Compare two environments: keys, resources, and what a promotion carries.",
    "explain": "Which line made this resource, and what does this line make?",
    "kinds": "List what a system can declare, and describe one kind.",
    "delivery": "Write the files of the CI system: preview, plan, apply, drift.",
    "post": "Post reports to a change as a comment, or to an issue.",
    "schema": "Print or write the JSON Schemas that editors use.",
    "doctor": "Check what this machine has for each target.",
    "completion": "Print the shell completion script.",
}
"""Every verb and its one-line help. The module ``mlops_iac.cli.<verb>`` holds its ``command``."""

EPILOG: Final = """\b
Exit codes:
  0   fine
  1   bad input, or something failed
  2   a policy or a gate refuses it
  3   a saved plan no longer fits the configuration or the state
  10  changes are present (only with --exit-code)
  130 interrupted
"""


class VerbGroup(click.Group):
    """A group that knows its verbs by name and loads the one that is called."""

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        """Run it; a wrong command line exits with 1, because click's own 2 means a policy violation here."""
        run = functools.partial(super().main, *args, **kwargs)
        if not standalone_mode:
            return run(standalone_mode=False)
        try:
            sys.exit(run(standalone_mode=False))
        except click.ClickException as error:
            error.show()
            sys.exit(1)
        except click.Abort:
            click.echo("not confirmed; nothing was changed", err=True)
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        # A verb that is a word of Python's own has a module with an underscore behind it.
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"mlops_iac.cli.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], VERBS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=VerbGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mlops-iac")
def cli() -> None:
    """Declare a whole ML system in YAML; preview, police and deploy it.

    \b
    Example:
      mlops-iac preview -C examples/fraud-detection env=prod
    """


def main() -> None:
    """Entry point of the console script."""
    # A run builds one large graph and ends: looking for garbage every few hundred objects costs a fifth of its time.
    gc.set_threshold(200_000, 20, 100)
    cli(prog_name="mlops-iac")
