"""``--target local`` under the real engine: a backend, a passphrase and stand-in providers in the system's folder.

Everything lies below ``.mlops-iac/pulumi``: a file backend, copies of the projects, and the executables that the
engine finds on ``PATH`` as its AWS and Kubernetes providers. The passphrase beside that folder is the local engine's
too, so that a state of either opens in the other. Source the file ``env`` there to type ``pulumi up`` in one
of the projects. Nothing of the user's own Pulumi (login, plugins, selected stacks) is read or changed.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from mlops_iac.engines.files import make_private_folder, write_atomic
from mlops_iac.engines.local.emulators import CONTEXT_VARIABLE, FOLDER_VARIABLE
from mlops_iac.engines.pulumi.plugin_server import plugin_script
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import LAYERS

PACKAGES: Final = ("aws", "aws-native", "kubernetes")
FACTORY: Final = "mlops_iac.engines.local.emulators:plugin_provider"
ENV_FILE: Final = "env"
_SALT: Final = "encryptionsalt"


class Laptop:
    """The folder ``home``; ``projects`` are the user's own Pulumi projects where there are some.

    ``factory`` (``module:function``) makes the providers; another than the local target's is for tests.
    """

    def __init__(
        self, home: Path, *, context: str | None = None, factory: str = FACTORY, python: str = sys.executable
    ) -> None:
        self.home = home
        self.passphrase = home.parent / "passphrase"
        self._context = context
        self._factory = factory
        self._python = python

    @property
    def projects(self) -> Path:
        """The projects that run here."""
        return self.home / "stacks"

    def environ(self, path: str) -> dict[str, str]:
        """What to add to the environment of each command; ``path`` is the ``PATH`` so far."""
        return {
            "PATH": os.pathsep.join([str(self.home / "plugins"), str(Path(self._python).parent), path]),
            "PULUMI_HOME": str(self.home / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.home / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": self._python,
            FOLDER_VARIABLE: str(self.home),
            CONTEXT_VARIABLE: self._context or "",
        }

    def prepare(self, system: str, folder: Path, environment: str, theirs: Path) -> None:
        """Make what is missing. ``theirs`` are the user's projects, copied where they exist, else written anew.

        Raises ``DiagnosticsError`` when a file cannot be written.
        """
        for name in ("backend", "plugins", "home"):
            make_private_folder(self.home / name)
        if not self.passphrase.exists():
            write_atomic(self.passphrase, secrets.token_urlsafe(32).encode())
        for package in PACKAGES:
            script = self.home / "plugins" / f"pulumi-resource-{package}"
            write_atomic(script, plugin_script(package, self._factory, self._python).encode())
            script.chmod(0o700)
        exports = [f"export {name}={_shell(name, value)}" for name, value in self.environ("").items()]
        write_atomic(self.home / ENV_FILE, ("\n".join(exports) + "\n").encode())
        written = stack_files(system, str(folder))
        for layer in LAYERS:
            made = self.projects / layer.value
            make_private_folder(made)
            salts = {path.name: salt for path in made.glob("Pulumi.*.yaml") if (salt := _read(path).get(_SALT))}
            if (theirs / layer.value).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(theirs / layer.value, made, dirs_exist_ok=True, ignore=ignored)
            else:
                for name in ("Pulumi.yaml", "__main__.py", f"Pulumi.{environment}.yaml"):
                    (made / name).write_text(written[f"{layer}/{name}"], encoding="utf-8")
            project = _read(made / "Pulumi.yaml")
            project.pop("backend", None)
            # Named here, so that the CLI does not warn of each that it finds on PATH.
            plugins = str(self.home / "plugins")
            project["plugins"] = {"providers": [{"name": package, "path": plugins} for package in PACKAGES]}
            _write(made / "Pulumi.yaml", project)
            for path in made.glob("Pulumi.*.yaml"):
                _write(path, _settings(_read(path), f"{system}-{layer}", folder, salts.get(path.name)))


def _settings(theirs: dict[str, Any], project: str, folder: Path, salt: str | None) -> dict[str, Any]:
    """A stack's settings for this folder: its system, and no secret that another secrets provider sealed."""
    kept = {name: value for name, value in theirs.items() if name not in ("secretsprovider", "encryptedkey", _SALT)}
    config = {
        name: value
        for name, value in (kept.get("config") or {}).items()
        if name != f"{project}:organization" and not (isinstance(value, dict) and "secure" in value)
    }
    kept["config"] = {**config, f"{project}:system": str(folder)}
    return {**kept, _SALT: salt} if salt else kept


def _read(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    write_atomic(path, yaml.safe_dump(dict(document), sort_keys=False).encode())


def _shell(name: str, value: str) -> str:
    return f'{shlex.quote(value.removesuffix(os.pathsep))}:"$PATH"' if name == "PATH" else shlex.quote(value)
