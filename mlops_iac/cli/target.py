"""What the verbs that change something share: the local engine with its progress display, and confirmation."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

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
    """Add what chooses and steers the target; the verb gets it as ``choice``."""

    @functools.wraps(function)
    def collected(
        *args: object,
        target: str,
        yes: bool,
        parallel: int,
        kube_context: str | None,
        force_lock: bool,
        **kwargs: object,
    ) -> object:
        return function(*args, choice=TargetChoice(yes, parallel, kube_context, force_lock), **kwargs)

    decorated: Callable[..., object] = collected
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
        decorated = option(decorated)
    return cast("Function", decorated)


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """What ``target_options`` collected."""

    yes: bool
    parallel: int
    kube_context: str | None
    force_lock: bool


@contextmanager
def local_engine(folder: Path, choice: TargetChoice, *, quiet: bool = False) -> Iterator[LocalEngine]:
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
    options = LocalOptions(
        parallel=choice.parallel,
        context=choice.kube_context,
        force=choice.force_lock,
        command=click.get_current_context().command_path,
        on_event=_ignore if quiet else progress,
    )
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
