"""Hands what a verb produced to the renderer that the user chose, and writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.explanation import Explanation
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import Run, gate_diagnostics
from mlops_iac.policies.policy import Finding
from mlops_iac.render import json, markdown, text
from mlops_iac.render.explanation import explanation_json, explanation_text
from mlops_iac.render.page import Page, page_for
from mlops_iac.render.results import RunDone

_LARGEST_SOURCE = 4 * 2**20


def write(rendered: str) -> None:
    """Put rendered text on standard output."""
    text.print_text(rendered, sys.stdout)


def print_diagnostics(diagnostics: Sequence[Diagnostic], folder: Path | None, form: str) -> None:
    """Errors of a run that stopped: to standard error as text, to standard output as JSON."""
    if form == "json":
        write(json.to_text(json.validation_json(diagnostics)))
    else:
        text.print_diagnostics(diagnostics, sys.stderr, sources_of(diagnostics, folder))


def print_validation(run: Run, form: str) -> None:
    """A configuration without errors, and its warnings."""
    resources = count_resources(run.graph)
    if form == "json":
        write(json.to_text(json.validation_json(run.diagnostics, resources)))
    else:
        write(text.validation_text(run.diagnostics, resources, page_for(sys.stdout), sources_in(run)))


def print_preview(run: Run, form: str, *, show_same: bool = False) -> None:
    """The plan with its impact, what gates refuse, policy findings and warnings."""
    if form == "json":
        write(json.to_text(preview_document(run)))
    else:
        write(preview_report(run, form, page_for(sys.stdout), show_same=show_same))


def preview_document(run: Run) -> dict[str, Any]:
    """What ``--format json`` prints of a planned run."""
    if run.plan is None:
        raise ValueError("the plan phase made no plan")
    told = (*gate_diagnostics(run), *finding_diagnostics(run.findings), *run.diagnostics)
    return json.preview_json(run.plan, told, impacts=run.impacts, cost=run.cost, gates=run.gates)


def preview_report(run: Run, form: str, page: Page, *, show_same: bool = False) -> str:
    """A planned run for people, as ``text`` or ``markdown``."""
    if run.plan is None:
        raise ValueError("the plan phase made no plan")
    if form == "markdown":
        return markdown.preview_markdown(
            run.plan,
            findings=summarised(run.findings),
            diagnostics=run.diagnostics,
            impacts=run.impacts,
            cost=run.cost,
            gates=gate_diagnostics(run),
        )
    return text.preview_text(
        run.plan,
        page,
        findings=summarised(run.findings),
        diagnostics=run.diagnostics,
        sources=sources_in(run),
        show_same=show_same,
        impacts=run.impacts,
        cost=run.cost,
        gates=gate_diagnostics(run),
    )


def print_result(kind: str, result: RunDone, form: str) -> None:
    """What an apply or a destroy did."""
    if form == "json":
        write(json.to_text(json.result_json(kind, result)))
    else:
        write(text.result_text(result, page_for(sys.stdout)))


def print_drift(result: RunDone, form: str) -> None:
    """What a refresh found."""
    if form == "json":
        write(json.to_text(json.result_json("refresh", result)))
    else:
        write(text.drift_text(result, page_for(sys.stdout)))


def print_explanation(explanations: list[Explanation], form: str) -> None:
    """Where resources come from, component by component."""
    if form == "json":
        components = [explanation_json(item) for item in explanations]
        write(json.to_text({"version": json.VERSION, "kind": "explanation", "components": components}))
    else:
        write(explanation_text(explanations, page_for(sys.stdout)))


def finding_diagnostics(findings: Iterable[Finding]) -> tuple[Diagnostic, ...]:
    """Every finding as a diagnostic."""
    from mlops_iac.policies.checker import diagnostic_of

    return tuple(diagnostic_of(finding) for finding in findings)


def summarised(findings: Iterable[Finding]) -> tuple[Diagnostic, ...]:
    """Findings as people read them in a preview: what is the same for many resources is told once, with a count."""
    from mlops_iac.policies.checker import diagnostic_of

    grouped: dict[tuple[str, str, bool], list[Diagnostic]] = {}
    for finding in findings:
        key = (finding.policy.id, finding.result.verdict.value, bool(finding.waiver))
        grouped.setdefault(key, []).append(diagnostic_of(finding))
    return tuple(
        first if len(group) == 1 else replace(first, message=f"{first.message}, and {len(group) - 1} more like it")
        for group in grouped.values()
        for first in group[:1]
    )


def sources_in(run: Run) -> Mapping[str, str]:
    """The texts that a run was composed from."""
    return run.composition.sources if run.composition else {}


def sources_of(diagnostics: Iterable[Diagnostic], folder: Path | None) -> Mapping[str, str]:
    """The text of each file that a diagnostic points into, as far as it lies in the system's folder."""
    found: dict[str, str] = {}
    if folder is None:
        return found
    root = folder.resolve()
    places = [d.location for d in diagnostics if d.location] + [place for d in diagnostics for _, place in d.related]
    for place in places:
        file = (root / place.file).resolve()
        if place.file in found or not file.is_relative_to(root) or not file.is_file():
            continue
        if file.stat().st_size <= _LARGEST_SOURCE:
            found[place.file] = file.read_text(encoding="utf-8", errors="replace")
    return found


def count_resources(graph: Graph | None) -> int:
    """How many cloud resources a graph declares."""
    return sum(node.exists_outside for node in graph.nodes()) if graph else 0
