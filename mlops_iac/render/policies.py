"""Renders the policy catalogue, one policy, and the findings of a check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.policies.policy import Policy
from mlops_iac.policies.registry import Pack
from mlops_iac.render.page import PLAIN_PAGE, Line, Page, Span, Tone, line, paragraph, to_text
from mlops_iac.render.text import diagnostics_text


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
    applies = ", ".join("every resource" if token == "*" else token for token in policy.applies_to)
    lines += paragraph(applies, page, first=line(f"  {'judges':<9} "), indent=12)
    for framework, ids in sorted(policy.controls.items()):
        lines += paragraph(f"{framework} {', '.join(ids)}", page, first=line(f"  {'evidence':<9} "), indent=12)
    for pack in packs:
        lines.append(line(f"  {'pack':<9} {pack.id} ({pack.rules[policy.id].value})"))
    lines.append(line(f"  {'source':<9} {policy.source_url}"))
    return to_text(lines, page)


def findings_text(
    findings: Sequence[Diagnostic], page: Page = PLAIN_PAGE, sources: Mapping[str, str] | None = None
) -> str:
    """Every finding at its YAML line, or the good news."""
    if not findings:
        return to_text([line(Span("No policy finds anything.", Tone.GOOD))], page)
    return diagnostics_text(findings, page, sources)
