"""``mlops-iac policy``: the rules, why they exist, and what they say of a system."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from mlops_iac.cli import policy_compile, policy_evidence, policy_own
from mlops_iac.cli.exports import read_exports
from mlops_iac.cli.options import EXIT_REFUSED, format_option, guarded, request_for, system_options
from mlops_iac.cli.printing import finding_diagnostics
from mlops_iac.diagnostics import Diagnostic
from mlops_iac.pipeline import run_phases
from mlops_iac.policies.policy import Enforcement, Finding, Policy

Rules = Mapping[Policy, Enforcement]


@click.group("policy", short_help="List, explain and run the policies.")
def command() -> None:
    """List the policies, explain one, check a system, write evidence, or make and test rules of your own.

    \b
    Examples:
      mlops-iac policy list
      mlops-iac policy explain s3-require-tls
      mlops-iac policy check -C examples/fraud-detection env=prod
      mlops-iac policy evidence -C examples/fraud-detection env=prod --out evidence
    """


command.add_command(policy_compile.command)
command.add_command(policy_evidence.command)
command.add_command(policy_own.new)
command.add_command(policy_own.test)


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

    for problem in (*policies().problems(), *packs().problems()):
        click.echo(f"left out: {problem.message}\n  hint  {problem.hint}", err=True)
    known, bundles = policies().sound().values(), packs().sound().values()
    if form == "json":
        from mlops_iac.render.policies import policy_json

        click.echo(
            json.dumps(
                {
                    "policies": [policy_json(policy) for policy in known],
                    "packs": [
                        {"id": p.id, "title": p.title, "rules": {k: v.value for k, v in p.rules.items()}}
                        for p in bundles
                    ],
                },
                indent=2,
            )
        )
        return
    from mlops_iac.render.policies import catalogue_text

    click.echo(catalogue_text(known, bundles), nl=False)


@command.command("explain")
@click.argument("rule")
@format_option("text", "json")
@click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="DIR",
    help="A system whose own rules are looked through too; its Python files are run.",
)
@guarded
def explain_policy(rule: str, form: str, folder: Path | None) -> None:
    """Say what RULE asks for, why, what to write instead and where, and which controls it evidences.

    \b
    Examples:
      mlops-iac policy explain s3-require-tls
      mlops-iac policy explain bucket-has-team -C .
    """
    from mlops_iac.policies.registry import packs, policies
    from mlops_iac.render.policies import policy_json, policy_text

    own = {policy.id: policy for policy in policy_own.rules_in(folder)} if folder is not None else {}
    if rule not in policies() and rule not in own:
        close = difflib.get_close_matches(rule, [*policies(), *own], 1)
        hint = f" Did you mean {close[0]!r}?" if close else " `mlops-iac policy list` shows them all."
        raise click.ClickException(f"there is no policy {rule!r}.{hint}")
    policy = own.get(rule) or policies()[rule]
    found = [pack for pack in packs().sound().values() if rule in pack.rules]
    if form == "json":
        listed = {pack.id: pack.rules[rule].value for pack in found}
        click.echo(json.dumps({**policy_json(policy), "packs": listed}, indent=2))
    else:
        click.echo(policy_text(policy, found), nl=False)


@command.command("check")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Check what a `pulumi stack export` holds instead of a configuration; several files are one system.",
)
@click.option("--pack", "chosen", multiple=True, metavar="PACK", help="With --state: packs to use.  [default: all]")
@format_option("text", "json", "sarif", "junit")
@system_options
def check_system(
    folder: Path, overrides: tuple[str, ...], form: str, states: tuple[Path, ...], chosen: tuple[str, ...]
) -> None:
    """Check a system against the packs that it chose; exits with 2 on a mandatory violation.

    \b
    Examples:
      mlops-iac policy check -C examples/fraud-detection env=prod
      mlops-iac policy check --state export.json --pack gdpr --format sarif
    """
    if states:
        findings, rules = _check_states(states, chosen)
        sources: Mapping[str, str] = {}
        notes: tuple[Diagnostic, ...] = ()
    elif chosen:
        raise click.UsageError("--pack goes with --state; a system names its packs in policies.packs")
    else:
        from mlops_iac.policies.checker import rules_of
        from mlops_iac.policies.govern import REMEDIATED

        run = run_phases(request_for(folder, overrides), until="check")
        findings, rules = run.findings, rules_of(run.system, run.project_rules) if run.system else {}
        sources = run.composition.sources if run.composition else {}
        notes = tuple(n for n in run.diagnostics if n.path[:1] == ("policies",) or n.code == REMEDIATED)
    _print_findings(findings, rules, form, notes, sources, folder)
    if any(finding.stops for finding in findings):
        sys.exit(EXIT_REFUSED)


def _check_states(states: tuple[Path, ...], chosen: tuple[str, ...]) -> tuple[tuple[Finding, ...], Rules]:
    from mlops_iac.policies.checker import chosen_rules, judge
    from mlops_iac.policies.foreign import view_state
    from mlops_iac.policies.registry import packs

    refuse_unknown_packs(chosen)
    today = datetime.now(tz=UTC).date().isoformat()
    stack = view_state(list(read_exports(states).values()), today)
    rules = chosen_rules(chosen or packs().sound(), stack.system.environment)
    return judge(stack, rules), rules


def refuse_unknown_packs(chosen: tuple[str, ...]) -> None:
    """Raise ``ClickException`` for a pack that does not exist, with what may be meant."""
    from mlops_iac.policies.registry import packs

    for name in chosen:
        if name not in packs():
            close = difflib.get_close_matches(name, packs(), 1)
            hint = f" Did you mean {close[0]!r}?" if close else " `mlops-iac policy list` shows them all."
            raise click.ClickException(f"there is no policy pack {name!r}.{hint}")


def _print_findings(
    findings: tuple[Finding, ...],
    rules: Rules,
    form: str,
    notes: tuple[Diagnostic, ...],
    sources: Mapping[str, str],
    folder: Path,
) -> None:
    if form == "sarif":
        from mlops_iac.render.sarif import findings_sarif

        place = folder.as_posix() if not folder.is_absolute() else os.path.relpath(folder).replace(os.sep, "/")
        click.echo(json.dumps(findings_sarif(findings, rules, place), indent=2, ensure_ascii=False))
    elif form == "junit":
        from mlops_iac.render.junit import findings_junit

        click.echo(findings_junit(findings, rules), nl=False)
    elif form == "json":
        from mlops_iac.render.json import diagnostics_json

        click.echo(json.dumps(diagnostics_json((*finding_diagnostics(findings), *notes)), indent=2))
    else:
        from mlops_iac.render.page import page_for
        from mlops_iac.render.policies import findings_text
        from mlops_iac.render.text import print_text

        print_text(findings_text((*finding_diagnostics(findings), *notes), page_for(sys.stdout), sources), sys.stdout)
