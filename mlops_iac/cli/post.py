"""``mlops-iac post``: reports onto the forge, updated in place."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from mlops_iac.cli.options import EXIT_CHANGES, EXIT_REFUSED, guarded
from mlops_iac.cli.printing import write
from mlops_iac.delivery.comments import sized, without_html
from mlops_iac.delivery.forge import Api, Forge, Note, Posted
from mlops_iac.delivery.forges import forges
from mlops_iac.delivery.jobs import TOKEN_VARIABLE
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

NO_TOKEN: Final = "MI7304"
"""There is no token to post with."""
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]{1,2000}")
"""An address that ends a Markdown link nowhere but at its end."""


@click.group(short_help="Post reports to a change or an issue.")
def command() -> None:
    """Post reports where people read them: as one comment on a change, or as one issue, updated in place.

    This is what the jobs that `mlops-iac delivery` writes use. It contacts the forge that is named, with the token in
    the environment variable MLOPS_IAC_FORGE_TOKEN.

    \b
    Example:
      mlops-iac post issue --forge gitlab --repository acme/fraud --key fraud-prod --title Drift --file drift.md
    """


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--file", "files", type=click.Path(path_type=Path), multiple=True, help="A Markdown report."),
        click.option("--key", required=True, help="Tells this comment or issue from others of ours."),
        click.option("--api", metavar="URL", help="Where the forge's API is.  [default: that of its public service]"),
        click.option(
            "--repository", required=True, metavar="OWNER/NAME", help="The repository, as the forge names it."
        ),
        click.option("--forge", "name", type=click.Choice(list(forges())), required=True, help="The forge."),
    ):
        function = option(function)
    return guarded(function)


@command.command(short_help="Comment on a change.")
@_options
@click.option("--number", required=True, help="Number of the pull or merge request.")
@click.option(
    "--page",
    "pages",
    multiple=True,
    metavar="NAME=URL",
    help="Address of a report's page, which the comment links to; one without an address is left out.",
)
@click.option("--if-token", is_flag=True, help="Do nothing without a token, as in a run of a fork.")
def comment(
    name: str,
    repository: str,
    api: str | None,
    key: str,
    files: tuple[Path, ...],
    number: str,
    pages: tuple[str, ...],
    if_token: bool,
) -> None:
    """Put the reports on a pull or merge request, into the comment of the same key where there is one.

    \b
    Example:
      mlops-iac post comment --forge github --repository acme/fraud-ml --number 7 --key fraud --file out/comment.md
    """
    if if_token and not os.environ.get(TOKEN_VARIABLE):
        click.echo("no token, so nothing is posted", err=True)
        return
    if not number.isdecimal():
        raise click.BadParameter(f"{number!r} is not the number of a change", param_hint="--number")
    forge = forges()[name]
    note = Note(repository, key, _text(forge, files, _links(pages)), html=forge.html)
    _say(forge.comment(_api(forge, api), note, number))


@command.command(short_help="Open, update or close an issue.")
@_options
@click.option("--title", required=True, help="Title of the issue.")
@click.option(
    "--drift-status",
    type=int,
    default=EXIT_CHANGES,
    help="Exit status of `mlops-iac drift`: 0 closes the issue, 2 and 10 open it, others leave it.",
)
def issue(
    name: str, repository: str, api: str | None, key: str, files: tuple[Path, ...], title: str, drift_status: int
) -> None:
    """Keep one open issue per key: open it, update its text, or close it when the drift is gone.

    \b
    Example:
      mlops-iac post issue --forge github --repository acme/fraud-ml --key fraud-prod --title Drift --file drift.md
    """
    if drift_status not in (0, EXIT_REFUSED, EXIT_CHANGES):
        click.echo("drift could not be looked for, so the issue stays as it is", err=True)
        return
    forge = forges()[name]
    note = Note(repository, key, _text(forge, files), title, forge.html)
    _say(forge.issue(_api(forge, api), note, drift_status != 0))


def _api(forge: Forge, root: str | None) -> Api:
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        text = f"the environment variable {TOKEN_VARIABLE} is not set"
        raise DiagnosticsError([Diagnostic(NO_TOKEN, text, "set it to a token that may write the comment or issue")])
    return Api((root or forge.api).rstrip("/"), forge.headers(token))


def _links(pages: tuple[str, ...]) -> str:
    """A line with the pages' addresses: one link where all have the same. What is no plain address is left out."""
    named = (page.partition("=") for page in pages)
    linked = {name: url for name, _, url in named if _ADDRESS.fullmatch(url)}
    if not linked:
        return ""
    if len({*linked.values()}) == 1:
        return f"[Whole report]({next(iter(linked.values()))})"
    return f"Whole report: {' · '.join(f'[{name}]({url})' for name, url in linked.items())}"


def _text(forge: Forge, files: tuple[Path, ...], first: str = "") -> str:
    """The reports below the first line; one that a failed job did not write is named."""
    texts = [
        file.read_text(encoding="utf-8")
        if file.is_file() and file.stat().st_size
        else f"`{file}` was not made: see the run."
        for file in files
    ]
    texts = texts if forge.html else [without_html(text) for text in texts]
    head = f"{first}\n\n" if first else ""
    return head + sized(texts, forge.limit - 1_000 - len(head))


def _say(posted: Posted) -> None:
    write(f"{posted.action}{f' {posted.url}' if posted.url else ''}\n")
    sys.exit(0)
