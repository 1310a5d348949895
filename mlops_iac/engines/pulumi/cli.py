"""Finds the pulumi CLI, checks its version, installs it when asked, and runs it so that it can be interrupted.

Source: https://www.pulumi.com/docs/iac/automation-api/
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from pulumi.automation import CommandResult, InvalidVersionError, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.codes import INSTALL_FAILED, NO_CLI, WRONG_CLI

MINIMUM: Final = VersionInfo(3, 200, 0)
"""The oldest CLI that is accepted: the SDK's lower bound in pyproject.toml."""
INSTALL_HINT: Final = (
    "install it the way https://www.pulumi.com/docs/iac/download-install/ shows, or let Pulumi's own installer do it: "
    "`mlops-iac doctor --install-pulumi`"
)


_UPDATES: Final = frozenset({"up", "refresh", "destroy", "preview"})


class Cli(PulumiCommand):
    """The pulumi CLI. Each command runs in a process group of its own, so that an interrupt reaches it only from here:
    the first asks it to finish what is in flight, a second ends it."""

    def __init__(self, path: str) -> None:
        """Of the program at ``path``. Raises ``InvalidVersionError`` when its version does not fit, ``OSError`` or
        ``subprocess.CalledProcessError`` when it does not run."""
        # The base class would look for another program: the one on this process's own PATH.
        self.command = path
        environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        said = subprocess.run([path, "version"], env=environment, capture_output=True, check=True)  # noqa: S603
        self.version = _fitting(said.stdout.decode(errors="replace").strip().removeprefix("v"))
        self._guard = threading.Lock()
        self._updates: set[subprocess.Popen[str]] = set()
        self.interrupted = False

    def interrupt(self) -> None:
        """Pass an interrupt on to every update that runs; what only reads is let finish."""
        with self._guard:
            self.interrupted = True
            for process in self._updates:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
    ) -> CommandResult:
        """Run a command to its end. Raises ``pulumi.automation.CommandError`` when it fails."""
        command = [self.command, *(() if "--non-interactive" in args else ("--non-interactive",)), *args]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        with self._guard:
            process = subprocess.Popen(  # noqa: S603 - no shell; the program is the pulumi CLI that was found
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            if not _UPDATES.isdisjoint(args):
                self._updates.add(process)
                if self.interrupted:
                    process.send_signal(signal.SIGINT)
        texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
        readers = [
            threading.Thread(target=_read, args=(process.stdout, texts["stdout"], on_output)),
            threading.Thread(target=_read, args=(process.stderr, texts["stderr"], on_error)),
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        code = process.wait()
        with self._guard:
            self._updates.discard(process)
        result = CommandResult("\n".join(texts["stdout"]), "\n".join(texts["stderr"]), code)
        if code != 0:
            raise create_command_error(result)
        return result


def find_cli(environ: Mapping[str, str], *, install: bool = False, root: Path | None = None) -> Cli:
    """The CLI on ``PATH``, else the one that Pulumi's installer put below ``root``; with ``install`` installed there.

    ``root`` is ``~/.pulumi/versions/<version of the SDK>`` by default, as the installer has it. Raises
    ``DiagnosticsError`` when there is none, when it is too old or too new, and when the installer fails.
    """
    path = shutil.which("pulumi", path=environ.get("PATH"))
    place = root or default_root(environ)
    try:
        if path is not None:
            return Cli(path)
        if (place / "bin" / "pulumi").exists():
            return Cli(str(place / "bin" / "pulumi"))
        if install:
            PulumiCommand.install(root=str(place))
            return Cli(str(place / "bin" / "pulumi"))
    except InvalidVersionError as error:
        raise _failure(WRONG_CLI, f"the pulumi CLI does not fit: {error}", INSTALL_HINT) from error
    except (OSError, subprocess.CalledProcessError) as error:
        if not install:
            raise _failure(NO_CLI, f"the pulumi CLI cannot be run: {error}", INSTALL_HINT) from error
        hint = "check the network or the proxy; or install the CLI by hand and put it on PATH"
        raise _failure(INSTALL_FAILED, f"Pulumi's installer failed: {_cause(error)}", hint) from error
    raise _failure(NO_CLI, f"the pulumi CLI is neither on PATH nor in {place}", INSTALL_HINT)


def default_root(environ: Mapping[str, str]) -> Path:
    """Where Pulumi's installer puts the CLI of the installed SDK's version."""
    from pulumi._version import version

    return Path(environ.get("HOME") or "~").expanduser() / ".pulumi" / "versions" / str(version)


def _fitting(text: str) -> VersionInfo:
    try:
        version = VersionInfo.parse(text)
    except ValueError as error:
        raise InvalidVersionError(f"it calls its version {text!r}") from error
    if version < MINIMUM:
        raise InvalidVersionError(f"it is {version}, and {MINIMUM} is the oldest that is known to work")
    if version.major > MINIMUM.major:
        raise InvalidVersionError(f"it is {version}, and the installed SDK is of version {MINIMUM.major}")
    return version


def _read(stream: IO[str], lines: list[str], tell: Callable[[str], Any] | None) -> None:
    for line in stream:
        lines.append(line.rstrip())
        if tell is not None:
            tell(line.rstrip())
    stream.close()


def _cause(error: Exception) -> str:
    output = getattr(error, "output", None)
    text = output.decode(errors="replace").strip() if isinstance(output, bytes) and output.strip() else str(error)
    return " ".join(text.split())


def _failure(code: str, message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(code, message, hint)])
