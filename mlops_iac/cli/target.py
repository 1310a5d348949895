"""What the verbs that reach a target share: which engine applies where, its progress display, and confirmation."""

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
from mlops_iac.engines.codes import MISSING_EXTRA, NOT_CONFIRMED
from mlops_iac.graph.nodes import LAYERS, Layer

if TYPE_CHECKING:
    from mlops_iac.engines.engine import Engine
    from mlops_iac.engines.events import OnEvent

Function = TypeVar("Function", bound=Callable[..., object])


def only_option(function: Function) -> Function:
    """Add ``--only LAYERS``; the verb gets ``only``, every layer without it."""
    return click.option(
        "--only",
        callback=_layers,
        metavar="LAYERS",
        help="Only these layers, for example serving,models; the others are taken as they are deployed.",
    )(function)


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
        only_option,
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
def engine_at(folder: Path, choice: TargetChoice, *, quiet: bool = False) -> Iterator[Engine]:
    """The chosen engine for the system in ``folder``; shows progress on standard error unless ``quiet``.

    Raises ``DiagnosticsError`` where the engine's packages are missing.
    """
    from mlops_iac.render.progress import Progress

    progress = Progress(sys.stderr)
    try:
        yield _local_engine(folder, choice, _ignore if quiet else progress)
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
    finally:
        progress.close()


def _local_engine(folder: Path, choice: TargetChoice, on_event: OnEvent) -> Engine:
    from mlops_iac.engines.local.engine import LocalEngine, LocalOptions

    options = LocalOptions(
        parallel=choice.parallel,
        context=choice.kube_context,
        force=choice.force_lock,
        command=click.get_current_context().command_path,
        on_event=on_event,
    )
    return LocalEngine(folder, options)


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


def _layers(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[Layer, ...]:
    if value is None:
        return LAYERS
    wanted = [name.strip() for name in value.split(",")]
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"{name!r} is not a layer; choose from {', '.join(LAYERS)}", context, parameter)
    return tuple(layer for layer in LAYERS if layer in wanted)
