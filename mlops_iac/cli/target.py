"""What the verbs that change something share: the local engine with its progress display, and confirmation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError

if TYPE_CHECKING:
    from mlops_iac.engines.local.engine import LocalEngine

NOT_CONFIRMED = "MI7102"
"""A change was asked for without a terminal to confirm it on."""
MISSING_EXTRA = "MI7103"
"""The local target's packages are not installed."""

Function = TypeVar("Function", bound=Callable[..., object])


def target_options(function: Function) -> Function:
    """Add ``--target``, ``--yes``, ``--parallel``, ``--kube-context`` and ``--force-lock``."""
    for option in (
        click.option(
            "--force-lock",
            is_flag=True,
            help="Take the lock from a holder on another machine that is known to be gone.",
        ),
        click.option(
            "--kube-context",
            metavar="NAME",
            help="Apply Kubernetes objects to this context of your kubeconfig, wherever it points.",
        ),
        click.option(
            "--parallel", type=click.IntRange(1, 64), default=8, show_default=True, help="Operations at the same time."
        ),
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
        click.option(
            "--target", type=click.Choice(["local"]), default="local", show_default=True, help="Where to apply."
        ),
    ):
        function = option(function)
    return function


@contextmanager
def local_engine(
    folder: Path, *, parallel: int = 8, kube_context: str | None = None, quiet: bool = False
) -> Iterator[LocalEngine]:
    """The engine of a system's folder; shows progress on standard error unless ``quiet``.

    Raises ``DiagnosticsError`` where the local target's packages are missing.
    """
    from mlops_iac.render.progress import Progress

    try:
        from mlops_iac.engines.local.engine import LocalEngine, LocalOptions
    except ModuleNotFoundError as error:
        raise DiagnosticsError(
            [
                Diagnostic(
                    MISSING_EXTRA,
                    f"the local target needs the Python package {error.name}, which is not installed",
                    "pip install 'mlops-iac[local]'",
                )
            ]
        ) from error
    progress = Progress(sys.stderr)
    options = LocalOptions(parallel=parallel, kube_context=kube_context, on_event=_ignore if quiet else progress)
    try:
        yield LocalEngine(folder, options)
    finally:
        progress.close()


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a change. Raises ``DiagnosticsError`` without a terminal, ``click.Abort`` on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise DiagnosticsError(
            [
                Diagnostic(
                    NOT_CONFIRMED,
                    "nothing was changed: there is no terminal to ask on",
                    "give --yes to agree beforehand",
                )
            ]
        )
    click.confirm(question, abort=True)


def _ignore(event: object) -> None:
    """Shows nothing."""
