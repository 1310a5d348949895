"""``mlops-iac doctor``: what this machine has for each target."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_FAILURE, guarded
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import MISSING_EXTRA


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked for. ``needed`` things that are missing make the command fail."""

    target: str
    what: str
    found: bool
    detail: str
    needed: bool = False


@click.command(short_help="Check what this machine has.")
@click.option(
    "--install-pulumi",
    is_flag=True,
    help="Let Pulumi's own installer fetch the CLI, of the version of the installed SDK, where there is none.",
)
@guarded
def command(install_pulumi: bool) -> None:
    """Check what this machine has for each target, and say how to get what is missing.

    Exits with 1 when something that the local target needs is missing.

    \b
    Example:
      mlops-iac doctor
    """
    if install_pulumi:
        click.echo(f"pulumi CLI: {_installed_cli()}")
    checks = machine_checks()
    for target in dict.fromkeys(check.target for check in checks):
        click.echo(target)
        for check in checks:
            if check.target == target:
                mark = "ok     " if check.found else "missing"
                click.echo(f"  {mark}  {check.what}: {check.detail}")
    if any(check.needed and not check.found for check in checks):
        sys.exit(EXIT_FAILURE)


def machine_checks() -> tuple[Check, ...]:
    """Everything that a target needs or can use, and whether this machine has it."""
    version = ".".join(map(str, sys.version_info[:3]))
    local = "local target"
    pulumi = "pulumi engine"
    return (
        Check("core", "Python", (3, 11) <= sys.version_info[:2] <= (3, 13), f"{version} (3.11 to 3.13)", True),
        _module(local, "boto3", "pip install 'mlops-iac[local]'"),
        _module(local, "moto", "pip install 'mlops-iac[local]'"),
        _module(local, "cryptography", "pip install 'mlops-iac[local]'"),
        _module(local, "kubernetes", "pip install 'mlops-iac[local]'", needed=False),
        _api_server(local),
        _pulumi_cli(pulumi),
        _module(pulumi, "pulumi", "pip install 'mlops-iac[pulumi]'", needed=False),
        _module(pulumi, "pulumi_aws", "pip install 'mlops-iac[pulumi]'", needed=False),
        _module(pulumi, "pulumi_kubernetes", "pip install 'mlops-iac[pulumi]'", needed=False),
        _module(pulumi, "pip", "uv pip install pip, or python -m ensurepip; Pulumi needs it", needed=False),
        _program("previews against git refs", "git", "install git"),
        *_plugins(),
    )


def _plugins() -> Iterator[Check]:
    """What other installed packages offer, each imported to see whether it works."""
    from mlops_iac.components.registry import ENTRY_POINT_GROUP, registry
    from mlops_iac.plugins import offers
    from mlops_iac.policies.registry import PACKS_GROUP, POLICIES_GROUP, packs, policies

    target = "installed packages"
    problems = [*registry().problems(), *policies().problems(), *packs().problems()]
    for group in (ENTRY_POINT_GROUP, POLICIES_GROUP, PACKS_GROUP):
        for name, found in offers(group).items():
            broken = next((each.message for each in problems if any(str(offer) in each.message for offer in found)), "")
            what = f"{group.partition('.')[2]} {name}"
            yield Check(target, what, not broken, broken or found[0].package)


def _module(target: str, name: str, remedy: str, *, needed: bool = True) -> Check:
    found = importlib.util.find_spec(name) is not None
    return Check(target, f"Python package {name}", found, "installed" if found else remedy, needed)


def _program(target: str, name: str, remedy: str) -> Check:
    path = shutil.which(name)
    return Check(target, f"program {name}", path is not None, path or remedy)


def _installed_cli() -> str:
    """Where the CLI is, after Pulumi's installer ran where there was none. Raises ``DiagnosticsError``."""
    try:
        from mlops_iac.engines.pulumi.cli import find_cli
    except ModuleNotFoundError as error:
        text = f"the Python package {error.name} is not installed"
        raise DiagnosticsError([Diagnostic(MISSING_EXTRA, text, "pip install 'mlops-iac[pulumi]'")]) from error
    return find_cli(os.environ, install=True).command


def _pulumi_cli(target: str) -> Check:
    """The CLI, of a version that fits the installed SDK."""
    what = "program pulumi"
    if importlib.util.find_spec("pulumi") is None:
        return _program(target, "pulumi", "install the Pulumi CLI the official way, then check again")
    from mlops_iac.engines.pulumi.cli import find_cli

    try:
        cli = find_cli(os.environ)
    except DiagnosticsError as error:
        found = error.diagnostics[0]
        return Check(target, what, False, f"{found.message}; {found.hint}")
    return Check(target, what, True, f"{shutil.which(cli.command) or cli.command}, {cli.version}")


def _api_server(target: str) -> Check:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    what = "Kubernetes API server"
    if folder and all((Path(folder) / name).exists() for name in ("kube-apiserver", "etcd")):
        return Check(target, what, True, f"kube-apiserver and etcd in {folder}")
    return Check(
        target,
        what,
        False,
        "set KUBEBUILDER_ASSETS, or give --kube-context; without it objects are checked and recorded",
    )
