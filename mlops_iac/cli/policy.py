"""``mlops-iac policy``: the rules, why they exist, and what they say of a system."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_REFUSED, format_option, guarded, request_for, system_options
from mlops_iac.cli.printing import finding_diagnostics
from mlops_iac.pipeline import run_phases


@click.group("policy", short_help="List, explain and run the policies.")
def command() -> None:
    """List the policies, explain one, or check a system.

    \b
    Examples:
      mlops-iac policy list
      mlops-iac policy explain s3-require-tls
      mlops-iac policy check -C examples/fraud-detection env=prod
    """


@command.command("list")
@format_option("text", "json")
@guarded
def list_policies(form: str) -> None:
    """List every policy and pack.

    \b
    Example:
      mlops-iac policy list --format json
    """
    from mlops_iac.policies.registry import packs, policies

    if form == "json":
        click.echo(
            json.dumps(
                {
                    "policies": [
                        {
                            "id": p.id,
                            "title": p.title,
                            "severity": p.severity.value,
                            "enforcement": p.enforcement.value,
                            "controls": {name: list(ids) for name, ids in p.controls.items()},
                        }
                        for p in policies().values()
                    ],
                    "packs": [
                        {"id": p.id, "title": p.title, "rules": {k: v.value for k, v in p.rules.items()}}
                        for p in packs().values()
                    ],
                },
                indent=2,
            )
        )
        return
    from mlops_iac.render.policies import catalogue_text

    click.echo(catalogue_text(policies().values(), packs().values()), nl=False)


@command.command("explain")
@click.argument("rule")
@guarded
def explain_policy(rule: str) -> None:
    """Say what RULE asks for, why, what to write instead, and which controls it evidences.

    \b
    Example:
      mlops-iac policy explain s3-require-tls
    """
    from mlops_iac.policies.registry import packs, policies
    from mlops_iac.render.policies import policy_text

    if rule not in policies():
        close = difflib.get_close_matches(rule, policies(), 1)
        hint = f" Did you mean {close[0]!r}?" if close else " `mlops-iac policy list` shows them all."
        raise click.ClickException(f"there is no policy {rule!r}.{hint}")
    click.echo(policy_text(policies()[rule], [p for p in packs().values() if rule in p.rules]), nl=False)


@command.command("check")
@format_option("text", "json")
@system_options
def check_system(folder: Path, overrides: tuple[str, ...], form: str) -> None:
    """Check a system against the packs that it chose; exits with 2 on a mandatory violation.

    \b
    Example:
      mlops-iac policy check -C examples/fraud-detection env=prod
    """
    run = run_phases(request_for(folder, overrides), until="check")
    if form == "json":
        from mlops_iac.render.json import diagnostics_json

        click.echo(json.dumps(diagnostics_json(finding_diagnostics(run.findings)), indent=2))
    else:
        from mlops_iac.render.page import page_for
        from mlops_iac.render.policies import findings_text
        from mlops_iac.render.text import print_text

        sources = run.composition.sources if run.composition else {}
        print_text(findings_text(finding_diagnostics(run.findings), page_for(sys.stdout), sources), sys.stdout)
    if any(finding.stops for finding in run.findings):
        sys.exit(EXIT_REFUSED)
