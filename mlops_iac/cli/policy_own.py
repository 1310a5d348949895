"""``mlops-iac policy new`` and ``test``: rules of your own, from the first line to a test that can fail."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops_iac.cli.options import EXIT_FAILURE, format_option, guarded, request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.pipeline import run_phases

if TYPE_CHECKING:
    from mlops_iac.policies.policy import Policy

_FOLDER = "policies"


@click.command("new", short_help="Start a rule of your own.")
@click.argument("name")
@click.option("--yaml", "declared", is_flag=True, help="Print a declaration for system.yaml instead of writing Python.")
@click.option(
    "--type",
    "token",
    default="aws:s3/bucket:Bucket",
    show_default=True,
    metavar="TYPE",
    help="Pulumi type that the rule judges.",
)
@click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    metavar="DIR",
    help="The system's folder.  [default: the current folder]",
)
@guarded
def new(name: str, declared: bool, token: str, folder: Path) -> None:
    """Write a rule called NAME with samples, ready for `mlops-iac policy test`: policies/NAME.py, or with --yaml a
    declaration to paste into system.yaml, for which nobody needs to write Python.

    \b
    Examples:
      mlops-iac policy new bucket-has-team
      mlops-iac policy new notebook-size --yaml --type aws:sagemaker/notebookInstance:NotebookInstance
    """
    from mlops_iac.policies.registry import policies
    from mlops_iac.policies.scaffold import NAME_PATTERN, python_rule, yaml_rule
    from mlops_iac.providers.facts import check_inputs, facts_of

    if not NAME_PATTERN.fullmatch(name):
        raise click.BadParameter(
            "use lower-case letters, digits and hyphens, starting with a letter", param_hint="NAME"
        )
    if name in policies():
        raise click.ClickException(f"there is already a policy {name!r}; choose another name")
    facts = facts_of(token)
    if facts is None:
        problem = check_inputs(token, {})[0]
        raise click.ClickException(f"{problem.message}; {problem.hint}")
    if declared:
        click.echo(yaml_rule(name, token, facts), nl=False)
        return
    file = folder / _FOLDER / f"{name.replace('-', '_')}.py"
    if file.exists():
        raise click.ClickException(f"{file} exists; nothing was written")
    file.parent.mkdir(exist_ok=True)
    file.write_text(python_rule(name, token, facts), encoding="utf-8")
    click.echo(f"wrote {file}\n\nlist it in system.yaml:\n  policies:\n    files: [{_FOLDER}]\n\nthen try its samples:")
    click.echo("  mlops-iac policy test" + (f" -C {folder}" if folder != Path() else ""))


@click.command("test", short_help="Run the samples of your own rules.")
@click.option("--catalogue", is_flag=True, help="Run those of the rules of this package too.")
@format_option("text", "json", "junit")
@system_options
def test(folder: Path, overrides: tuple[str, ...], catalogue: bool, form: str) -> None:
    """Judge the samples of a system's own rules (policies.own and policies.files); exits with 1 where a rule says
    something else of a sample than the sample does, crashes, or has no sample that passes or none that fails.

    \b
    Examples:
      mlops-iac policy test
      mlops-iac policy test --format junit > policies.xml
    """
    from mlops_iac.policies.samples import try_samples
    from mlops_iac.render import json
    from mlops_iac.render.junit import samples_junit
    from mlops_iac.render.page import page_for
    from mlops_iac.render.policies import samples_json, samples_text

    results = try_samples((*rules_in(folder, overrides), *(_catalogue() if catalogue else ())))
    if form == "junit":
        write(samples_junit(results))
    elif form == "json":
        write(json.to_text(samples_json(results)))
    else:
        write(samples_text(results, page_for(sys.stdout)))
    if not all(result.passed for result in results):
        sys.exit(EXIT_FAILURE)


def rules_in(folder: Path, overrides: tuple[str, ...] = ()) -> Sequence[Policy]:
    """The own rules of a system, declared ones and those of its Python files, by id."""
    from mlops_iac.policies.own import own_rules
    from mlops_iac.policies.project import load_project_rules

    request = request_for(folder, overrides)
    run = run_phases(request, until="spec")
    if run.system is None or run.composition is None:
        raise ValueError("the spec phase made no system")
    section = run.system.core.policies
    project = load_project_rules(section.files, run.composition, allowed=request.project_code, taken=section.own)
    return sorted((*own_rules(section), *project.policies), key=lambda policy: policy.id)


def _catalogue() -> Iterable[Policy]:
    from mlops_iac.policies.registry import policies

    return policies().sound().values()
