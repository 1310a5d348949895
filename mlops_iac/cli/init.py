"""``mlops-iac init``: a small system that works unchanged."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import click

from mlops_iac.cli.options import guarded


@click.command(short_help="Make a new system.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--name", help="Name of the system.  [default: the folder's name]")
@guarded
def command(folder: Path, name: str | None) -> None:
    """Make a new system in DIR: system.yaml, an override for prod, and the Pulumi projects of its layers.

    It validates, previews and applies to the local target as it is; then make it yours. Existing files are never
    overwritten.

    \b
    Example:
      mlops-iac init churn && cd churn && mlops-iac preview
    """
    system = name or re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-")
    if re.fullmatch(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", system) is None:
        raise click.BadParameter(
            f"{system!r} cannot name a system; use lower-case letters, digits and hyphens, 2 to 20 characters",
            param_hint="--name",
        )
    wanted = project_files(system)
    taken = sorted(path for path in wanted if (folder / path).exists())
    if taken:
        raise click.ClickException(f"{folder} already has {', '.join(taken)}; nothing was written")
    for path, text in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    click.echo(f"made the system {system!r} in {folder}\n\nnext:\n  cd {folder}\n  mlops-iac preview\n  mlops-iac up")


def project_files(system: str) -> dict[str, str]:
    """Relative path and text of every file of a new system."""
    from mlops_iac.engines.pulumi.scaffold import stack_files

    template = files("mlops_iac.cli").joinpath("new_system")
    found = {
        "system.yaml": template.joinpath("system.yaml").read_text(encoding="utf-8").replace("SYSTEM", system),
        "env/prod.yaml": template.joinpath("env_prod.yaml").read_text(encoding="utf-8"),
        "steps/train.py": template.joinpath("train.py").read_text(encoding="utf-8"),
        ".gitignore": ".mlops-iac/\n__pycache__/\n",
    }
    found.update({f"stacks/{path}": text for path, text in stack_files(system, folder="../..").items()})
    return found
