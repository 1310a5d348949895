"""Writes the report of a preview or a drift: a comment, a page, and what machines read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mlops_iac.cli.printing import finding_diagnostics, summarised
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.pipeline import Run, gate_diagnostics
from mlops_iac.plan.drift import DriftFinding
from mlops_iac.plan.model import Plan

NOT_WRITTEN = "MI7109"
"""A report cannot be written where it was asked for."""


report_option = click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write the report to DIR: comment.md, report.html, findings.sarif, codequality.json, junit.xml, and the "
    "JSON.",
)
"""The option of every verb that has a report."""


def write_report(forms: Mapping[str, str], directory: Path) -> None:
    """Write every form of a report into ``directory``, and name the files on standard error.

    Raises ``DiagnosticsError`` where a file cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in forms.items():
            (directory / name).write_text(content, encoding="utf-8")
    except OSError as error:
        what = f"the report cannot be written to {directory}: {error.strerror or error}"
        raise DiagnosticsError([Diagnostic(NOT_WRITTEN, what, "give --report a folder that can be written")]) from error
    for name in forms:
        click.echo(f"wrote {directory / name}", err=True)


def write_failure(
    verb: str, diagnostics: Sequence[Diagnostic], overrides: Sequence[str], folder: Path, directory: Path
) -> None:
    """Write what can be said of a ``preview`` or ``drift`` that stopped. Raises as ``write_report`` does."""
    # Another override may hold what must not be shown.
    asked = [each for each in overrides if each.startswith("env=")]
    write_report(failure_forms(diagnostics, asked, folder, verb), directory)


def failure_forms(
    diagnostics: Sequence[Diagnostic], asked: Sequence[str], folder: Path, verb: str = "preview"
) -> dict[str, str]:
    """What can be said of a verb that stopped, as files and their texts; ``asked`` are its overrides."""
    from mlops_iac.render import markdown
    from mlops_iac.render.junit import diagnostics_junit
    from mlops_iac.render.sarif import findings_sarif

    apart = "drift/" if verb == "drift" else ""
    log = findings_sarif((), {}, _place(folder), diagnostics, f"mlops-iac/{apart}{'/'.join(asked)}/")
    return {
        "comment.md": markdown.failure_markdown(diagnostics, asked, verb),
        **_findings(log),
        "junit.xml": diagnostics_junit(diagnostics),
    }


def _findings(log: Mapping[str, Any]) -> dict[str, str]:
    """Findings at their lines, for GitHub and what else reads SARIF, and for GitLab."""
    from mlops_iac.render import json
    from mlops_iac.render.codequality import code_quality

    return {"findings.sarif": json.to_text(log), "codequality.json": json.to_text(code_quality(log))}


def _place(folder: Path) -> str:
    """The system's folder as SARIF names it: from where the command runs."""
    return folder.as_posix() if not folder.is_absolute() else os.path.relpath(folder).replace(os.sep, "/")


def report_forms(run: Run, folder: Path) -> dict[str, str]:
    """Each file of a preview's report and its text. Nothing in it depends on anything but the run.

    ``folder`` is the system's, for places in SARIF.
    """
    from mlops_iac.explanation import explain_system
    from mlops_iac.policies.checker import rules_of, verdicts_of
    from mlops_iac.policies.project import printing_aside
    from mlops_iac.policies.settle import take_decided
    from mlops_iac.render import json, markdown
    from mlops_iac.render.junit import findings_junit
    from mlops_iac.render.report.model import Report
    from mlops_iac.render.report.page import report_page
    from mlops_iac.render.sarif import findings_sarif

    if run.plan is None or run.graph is None or run.system is None or run.composition is None:
        raise ValueError("the plan phase made no plan")
    gates, rules = gate_diagnostics(run), rules_of(run.system, run.project_rules)
    with printing_aside():
        offline = verdicts_of(run.graph, run.system, run.request.today, run.project_rules)
        judged = tuple(take_decided(offline, run.decided))
    report = Report(
        run.plan,
        run.graph,
        run.impacts,
        run.cost,
        gates,
        run.findings,
        run.diagnostics,
        explain_system(run.graph, run.composition, run.cost.estimate if run.cost is not None else None, judged),
        tuple(run.system.core.policies.waivers),
        run.request.today,
    )
    told = (*gates, *finding_diagnostics(run.findings), *run.diagnostics)
    document = json.preview_json(run.plan, told, impacts=run.impacts, cost=run.cost, gates=run.gates)
    category = f"mlops-iac/{run.plan.system}/{run.plan.environment}/"
    log = findings_sarif(run.findings, rules, _place(folder), (*gates, *run.diagnostics), category)
    return {
        "comment.md": markdown.preview_markdown(
            run.plan,
            findings=summarised(run.findings),
            diagnostics=run.diagnostics,
            impacts=run.impacts,
            cost=run.cost,
            gates=gates,
        ),
        "report.html": report_page(report),
        "preview.json": json.to_text(document),
        **_findings(log),
        "junit.xml": findings_junit(run.findings, rules, gates),
    }


def drift_forms(
    run: Run, plan: Plan, findings: tuple[DriftFinding, ...], failures: tuple[Diagnostic, ...], folder: Path
) -> dict[str, str]:
    """Each file of a drift's report and its text; ``plan`` is the drift as a plan, ``failures`` what was not read."""
    from mlops_iac.explanation import explain_system
    from mlops_iac.plan.drifts import rules
    from mlops_iac.render import json
    from mlops_iac.render.drift import drift_json, drift_markdown
    from mlops_iac.render.junit import drift_junit
    from mlops_iac.render.report.drift import DriftReport, drift_page
    from mlops_iac.render.sarif import drift_sarif

    if run.graph is None or run.composition is None:
        raise ValueError("the compile phase made no graph")
    named = run.graph.system, run.graph.environment
    explained = explain_system(run.graph, run.composition)
    titles = {rule.id: rule.title for rule in rules()}
    return {
        "comment.md": drift_markdown(findings, failures, *named),
        "report.html": drift_page(DriftReport(plan, run.graph, findings, failures, explained)),
        "drift.json": json.to_text(drift_json(findings, failures, *named)),
        **_findings(drift_sarif(findings, titles, _place(folder), failures, f"mlops-iac/drift/{'/'.join(named)}/")),
        "junit.xml": drift_junit(findings, failures, [stack.layer for stack in plan.stacks]),
    }
