"""What the verbs share: their options, building a request, and turning errors into messages and exit codes."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.pipeline import NO_PROJECT_CODE_VARIABLE, Request, request_at

if TYPE_CHECKING:
    from mlops_iac.engines.events import RunResult

EXIT_FAILURE = 1
EXIT_REFUSED = 2
EXIT_STALE = 3
EXIT_CHANGES = 10
EXIT_INTERRUPTED = 130
TRACEBACK_VARIABLE = "MLOPS_IAC_TRACEBACK"
_PROJECT_CODE = "mlops_iac.project_code"

Function = TypeVar("Function", bound=Callable[..., Any])


def system_options(function: Function) -> Function:
    """Add ``-C DIR``, positional Hydra overrides and error handling; the verb gets ``folder`` and ``overrides``."""
    decorated = guarded(function)
    decorated = click.option(
        "--no-project-code",
        is_flag=True,
        expose_value=False,
        envvar=NO_PROJECT_CODE_VARIABLE,
        callback=_keep_project_code,
        help="Refuse to run Python files of the project (policies.files); for untrusted changes.",
    )(decorated)
    decorated = click.argument("overrides", nargs=-1, metavar="[OVERRIDE]...")(decorated)
    return click.option(
        "-C",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=".",
        metavar="DIR",
        help="The system's folder, which holds system.yaml.  [default: the current folder]",
    )(decorated)


def format_option(*choices: str) -> Callable[[Function], Function]:
    """Add ``--format`` with those choices; the first is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="How to print it.",
    )


def request_for(folder: Path, overrides: tuple[str, ...], day: datetime | None = None) -> Request:
    """The request of a run from what the user typed; the clock is read here and nowhere deeper.

    ``day`` is the date that the user gave instead of today.
    """
    context = click.get_current_context(silent=True)
    allowed = context is None or bool(context.meta.get(_PROJECT_CODE, True))
    return request_at(folder, overrides, (day or datetime.now(tz=UTC)).date().isoformat(), project_code=allowed)


def _keep_project_code(context: click.Context, parameter: click.Parameter, refused: bool) -> None:
    context.meta[_PROJECT_CODE] = not refused


def exit_with(result: RunResult) -> None:
    """Leave with the exit code of a run that did not carry everything out; return when it did."""
    if result.stopped:
        sys.exit(EXIT_INTERRUPTED)
    if not result.ok:
        sys.exit(exit_code_of(result.failures))


def exit_code_of(failures: Collection[Diagnostic]) -> int:
    """The exit code of what an engine could not do: a refusal where policies alone stopped it."""
    from mlops_iac.policies.checker import VIOLATION

    return EXIT_REFUSED if failures and all(item.code == VIOLATION for item in failures) else EXIT_FAILURE


def guarded(function: Function) -> Function:
    """Print diagnostics and failures as messages, and leave with the documented exit code."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except DiagnosticsError as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            fail_with(error.diagnostics, kwargs.get("folder"), kwargs.get("form", "text"))
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            # The reader (head, less) went away; that is its right.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(EXIT_FAILURE)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except Exception as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            click.echo(
                f"internal error: {type(error).__name__}: {error}\n"
                f"  this is a fault of mlops-iac; run again with {TRACEBACK_VARIABLE}=1 and report it",
                err=True,
            )
            sys.exit(EXIT_FAILURE)

    return wrapper  # type: ignore[return-value]


def fail_with(
    diagnostics: tuple[Diagnostic, ...], folder: Path | None, form: str, code: int = EXIT_FAILURE
) -> NoReturn:
    """Print ``diagnostics`` in the form that the verb was asked for, and exit."""
    from mlops_iac.cli.printing import print_diagnostics

    print_diagnostics(diagnostics, folder, form)
    sys.exit(code)
