"""Renders the policy catalogue, one policy, the findings of a check, and the samples of rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.policies.policy import Policy, SystemView
from mlops_iac.policies.registry import Pack
from mlops_iac.policies.samples import RuleResult
from mlops_iac.render.json import VERSION
from mlops_iac.render.page import PLAIN_PAGE, Line, Page, Span, Tone, line, paragraph, to_text
from mlops_iac.render.text import diagnostics_text

_PRODUCTION: Final = SystemView(environment="prod")
_REMEDY: Final = "can put right what it is safe to change: enforcement `remediate`"


def catalogue_text(policies: Iterable[Policy], packs: Iterable[Pack], page: Page = PLAIN_PAGE) -> str:
    """Every policy with its severity and enforcement, then every pack."""
    lines: list[Line] = [line(Span("Policies", Tone.STRONG))]
    lines += [
        line(f"  {policy.id:<44} {policy.severity.value:<9} ", Span(policy.enforcement.value, Tone.QUIET))
        for policy in policies
    ]
    lines += [(), line(Span("Packs", Tone.STRONG))]
    lines += [line(f"  {pack.id:<24} {len(pack.rules):>3} rules  ", Span(pack.title, Tone.QUIET)) for pack in packs]
    return to_text(lines, page)


def policy_text(policy: Policy, packs: Sequence[Pack], page: Page = PLAIN_PAGE) -> str:
    """What a policy asks for, why, the remedy, and what it evidences."""
    lines: list[Line] = [
        line(Span(policy.id, Tone.STRONG), f"  {policy.severity.value}, {policy.enforcement.value}"),
        (),
    ]
    for title, text in (("what", policy.title), ("why", policy.why), ("fix", policy.fix)):
        lines += paragraph(text, page, first=line(f"  {title:<9} "), indent=12)
    if policy.settings:
        lines += paragraph(", ".join(policy.settings), page, first=line(f"  {'setting':<9} "), indent=12)
    applies = ", ".join("every resource" if token == "*" else token for token in policy.applies_to)
    lines += paragraph(applies, page, first=line(f"  {'judges':<9} "), indent=12)
    admission = policy.admission_in(_PRODUCTION)
    if admission is not None:
        left = f"; not {admission.partial}" if admission.partial else ""
        lines += paragraph(f"the API server judges it too{left}", page, first=line(f"  {'cluster':<9} "), indent=12)
    if policy.remediate is not None:
        lines += paragraph(_REMEDY, page, first=line(f"  {'remedy':<9} "), indent=12)
    for framework, ids in sorted(policy.controls.items()):
        lines += paragraph(f"{framework} {', '.join(ids)}", page, first=line(f"  {'evidence':<9} "), indent=12)
    for pack in packs:
        lines.append(line(f"  {'pack':<9} {pack.id} ({pack.rules[policy.id].value})"))
    if policy.source_url:
        lines.append(line(f"  {'source':<9} {policy.source_url}"))
    return to_text(lines, page)


def policy_json(policy: Policy) -> dict[str, Any]:
    """A policy for programs."""
    return {
        "id": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "enforcement": policy.enforcement.value,
        "controls": {name: list(ids) for name, ids in policy.controls.items()},
        "why": policy.why,
        "fix": policy.fix,
        "settings": list(policy.settings),
        "appliesTo": list(policy.applies_to),
        "remediates": policy.remediate is not None,
        "onClusters": policy.admission is not None,
        "source": policy.source_url or None,
    }


def findings_text(
    findings: Sequence[Diagnostic], page: Page = PLAIN_PAGE, sources: Mapping[str, str] | None = None
) -> str:
    """Every finding at its YAML line, or the good news."""
    if not findings:
        return to_text([line(Span("No policy finds anything.", Tone.GOOD))], page)
    return diagnostics_text(findings, page, sources)


def samples_text(results: Sequence[RuleResult], page: Page = PLAIN_PAGE) -> str:
    """Each rule with how many of its samples got their verdict, and what is wrong with the others."""
    if not results:
        hint = "This system has no rules of its own; `mlops-iac policy new NAME` starts one."
        return to_text(paragraph(hint, page), page)
    lines: list[Line] = []
    for result in results:
        good = sum(not sample.problem for sample in result.samples)
        mark = Span("ok  ", Tone.GOOD) if result.passed else Span("FAIL", Tone.BAD)
        lines.append(line(mark, f" {result.policy.id:<44} {good} of {len(result.samples)} samples"))
        told = [f"sample {sample.number} {sample.problem}" for sample in result.samples if sample.problem]
        for problem in (*told, *([result.missing] if result.missing else [])):
            lines += paragraph(problem, page, first=line("       "), indent=7)
    failed = sum(not result.passed for result in results)
    told_of = f"{len(results)} rule{'s' if len(results) > 1 else ''}"
    lines += [(), line(f"{told_of}, {failed} failed" if failed else f"{told_of}, none failed")]
    return to_text(lines, page)


def samples_json(results: Iterable[RuleResult]) -> dict[str, Any]:
    """The same for programs."""
    listed = list(results)
    return {
        "version": VERSION,
        "kind": "policy-test",
        "passed": all(result.passed for result in listed),
        "rules": [
            {
                "id": result.policy.id,
                "passed": result.passed,
                "missing": result.missing or None,
                "samples": [
                    {"number": sample.number, "expected": sample.expected.value, "problem": sample.problem or None}
                    for sample in result.samples
                ],
            }
            for result in listed
        ],
    }
