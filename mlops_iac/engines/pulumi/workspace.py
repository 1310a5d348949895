"""One layer's Automation API workspace: its project's folder, its stack, and what the commands need around them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pulumi.automation import CommandError, ConcurrentUpdateError, LocalWorkspace, Stack, StackNotFoundError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.cli import Cli
from mlops_iac.engines.pulumi.codes import COMMAND_FAILED, NO_PIP, STACK_LOCKED
from mlops_iac.engines.pulumi.projects import Project

_PIP_CALL: Final = "-m pip list"
"""How Pulumi's Python host names the command that failed where an environment has no pip."""


class Workspace(LocalWorkspace):
    """A project's folder as it is. Never changes which stack the user has selected there.

    Everything that is the user's stays so: backend, login, secrets provider, configuration. ``environ`` is added to
    the environment of each command.
    """

    def __init__(self, project: Project, cli: Cli, environ: Mapping[str, str]) -> None:
        super().__init__(
            work_dir=str(project.folder),
            pulumi_command=cli,
            env_vars=dict(environ),
            secrets_provider=project.secrets_provider or None,
        )
        self.project = project

    def select_stack(self, stack_name: str) -> None:
        """See that the stack exists. Raises ``StackNotFoundError``."""
        self._run_pulumi_cmd_sync(["stack", "--show-name", "--stack", stack_name])

    def create_stack(self, stack_name: str) -> None:
        """Create the stack, leaving the selected one selected."""
        sealed_by = ["--secrets-provider", self.secrets_provider] if self.secrets_provider else []
        self._run_pulumi_cmd_sync(["stack", "init", stack_name, "--no-select", *sealed_by])

    def exists(self) -> bool:
        """Whether the stack exists. Raises ``DiagnosticsError`` when the backend cannot be read."""
        try:
            self.select_stack(self.project.address)
        except StackNotFoundError:
            return False
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, self.project)]) from error
        return True

    def made(self) -> Stack:
        """The stack, created where it does not exist yet. Raises ``pulumi.automation.CommandError``."""
        return Stack.create_or_select(self.project.address, self)

    def exported(self) -> dict[str, Any] | None:
        """The stack's state as it is exported, secrets sealed; None where the stack does not exist.

        Raises ``DiagnosticsError`` when the backend cannot be read.
        """
        try:
            done = self._run_pulumi_cmd_sync(["stack", "export", "--stack", self.project.address])
        except StackNotFoundError:
            return None
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, self.project)]) from error
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def imported(self, path: str) -> None:
        """Put an export in the state's place. Raises ``DiagnosticsError`` when the engine refuses it."""
        try:
            self._run_pulumi_cmd_sync(["stack", "import", "--stack", self.project.address, "--file", path])
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, self.project)]) from error

    def forgotten(self, urn: str) -> None:
        """Take a resource out of the state, also a protected one. Raises ``DiagnosticsError`` where that is refused."""
        try:
            self._run_pulumi_cmd_sync(["state", "delete", urn, "--force", "--yes", "--stack", self.project.address])
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, self.project)]) from error

    def backend_url(self) -> str:
        """Where the project's state is kept. Raises ``DiagnosticsError`` when nobody is logged in."""
        try:
            return str(self.who_am_i().url)
        except CommandError as error:
            raise DiagnosticsError([failure_of(error, self.project)]) from error


def failure_of(error: CommandError, project: Project) -> Diagnostic:
    """What a command that failed as a whole said."""
    text = " ".join(_said(str(error)).split())
    where = f"{project.name}, stack {project.address}"
    if isinstance(error, ConcurrentUpdateError):
        hint = "wait for it; when it is known to be dead, `mlops-iac cancel --engine pulumi` releases the stack"
        return Diagnostic(STACK_LOCKED, f"{where}: another run holds it: {text}", hint)
    if _PIP_CALL in text:
        # What pip, or the lack of it, said is lost: https://github.com/pulumi/pulumi, sdk/python/toolchain/pip.go.
        hint = "if it has no pip (`uv venv` makes none), give it one: `uv pip install pip`, or `python -m ensurepip`"
        return Diagnostic(NO_PIP, f"{where}: Pulumi lists the packages of the Python environment by pip: {text}", hint)
    hint = f"run it by hand to see more: cd {project.folder} && pulumi preview --stack {project.address}"
    return Diagnostic(COMMAND_FAILED, f"{where}: pulumi failed: {text}", hint)


def _said(text: str) -> str:
    """The standard error of a command, from the text that the Automation API makes of its result."""
    return text.rpartition("stderr:")[2].strip() or text.partition("stdout:")[2].strip() or text
