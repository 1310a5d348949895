"""Writes the report of a preview: a comment, a page, and what machines read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_iac.cli.printing import finding_diagnostics, summarised
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.pipeline import Run, gate_diagnostics

NOT_WRITTEN = "MI7109"
"""A report cannot be written where it was asked for."""


def write_report(run: Run, directory: Path, folder: Path) -> tuple[Path, ...]:
    """Write every form of a run's report into ``directory``; answers the files.

    ``folder`` is the system's, for places in SARIF. Raises ``DiagnosticsError`` where a file cannot be written.
    """
    return _write(report_forms(run, folder), directory)


def write_failure(
    diagnostics: Sequence[Diagnostic], asked: Sequence[str], directory: Path, folder: Path
) -> tuple[Path, ...]:
    """Write what can be said of a run that stopped; ``asked`` are its overrides. Otherwise as ``write_report``."""
    from mlops_iac.render import markdown
    from mlops_iac.render.junit import diagnostics_junit
    from mlops_iac.render.sarif import findings_sarif

    log = findings_sarif((), {}, _place(folder), diagnostics, f"mlops-iac/{'/'.join(asked)}/")
    forms = {
        "comment.md": markdown.failure_markdown(diagnostics, asked),
        **_findings(log),
        "junit.xml": diagnostics_junit(diagnostics),
    }
    return _write(forms, directory)


def _write(forms: Mapping[str, str], directory: Path) -> tuple[Path, ...]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in forms.items():
            (directory / name).write_text(content, encoding="utf-8")
    except OSError as error:
        what = f"the report cannot be written to {directory}: {error.strerror or error}"
        raise DiagnosticsError([Diagnostic(NOT_WRITTEN, what, "give --report a folder that can be written")]) from error
    return tuple(directory / name for name in forms)


def _findings(log: Mapping[str, Any]) -> dict[str, str]:
    """Findings at their lines, for GitHub and what else reads SARIF, and for GitLab."""
    from mlops_iac.render import json
    from mlops_iac.render.codequality import code_quality

    return {"findings.sarif": json.to_text(log), "codequality.json": json.to_text(code_quality(log))}


def _place(folder: Path) -> str:
    """The system's folder as SARIF names it: from where the command runs."""
    return folder.as_posix() if not folder.is_absolute() else os.path.relpath(folder).replace(os.sep, "/")


def report_forms(run: Run, folder: Path) -> dict[str, str]:
    """Each file of a report and its text. Nothing in it depends on anything but the run."""
    from mlops_iac.explanation import explain_system
    from mlops_iac.policies.checker import rules_of, verdicts_of
    from mlops_iac.policies.project import printing_aside
    from mlops_iac.render import json, markdown
    from mlops_iac.render.junit import findings_junit
    from mlops_iac.render.report.model import Report
    from mlops_iac.render.report.page import report_page
    from mlops_iac.render.sarif import findings_sarif

    if run.plan is None or run.graph is None or run.system is None or run.composition is None:
        raise ValueError("the plan phase made no plan")
    gates, rules = gate_diagnostics(run), rules_of(run.system, run.project_rules)
    with printing_aside():
        judged = tuple(verdicts_of(run.graph, run.system, run.request.today, run.project_rules))
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
