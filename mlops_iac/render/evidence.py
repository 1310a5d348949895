"""Evidence as versioned JSON and as markdown; ``schemas/evidence.schema.json`` documents the JSON.

The same evidence gives the same bytes: there is no clock in here, and everything is in a fixed order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import mlops_iac
from mlops_iac.diagnostics import format_path
from mlops_iac.evidence.card import Part, SystemCard
from mlops_iac.evidence.collect import (
    LIMITS,
    ControlEvidence,
    Evidence,
    FrameworkEvidence,
    Judged,
    RuleEvidence,
    Status,
    WaiverEvidence,
)
from mlops_iac.policies.policy import Finding, Verdict
from mlops_iac.render.json import VERSION
from mlops_iac.render.lineage import lineage_mermaid
from mlops_iac.render.markdown import code, fenced
from mlops_iac.render.visible import visible

MEANINGS: Final = {
    Status.VIOLATED: "a rule finds a violation, and no waiver covers it",
    Status.WAIVED: "every violation is covered by a waiver",
    Status.UNDECIDED: "a verdict waits for a value that is known only after deployment",
    Status.SUPPORTED: "every rule that speaks for it passes on every resource that it judges",
    Status.NOT_APPLICABLE: "its rules find nothing to judge in this system",
    Status.NOT_CHECKED: "rules exist, but no chosen pack has them or they are off",
    Status.NO_RULE: "nothing of it can be seen in a configuration",
}
"""What each status of a control means."""


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """The whole of it as JSON data."""
    revision = evidence.revision
    return {
        "version": VERSION,
        "kind": "evidence",
        "date": evidence.date,
        "system": evidence.system,
        "environment": evidence.environment,
        "tool": {"name": "mlops-iac", "version": mlops_iac.__version__},
        "notProved": list(LIMITS),
        "configuration": {
            "commit": revision.commit or None,
            "dirty": revision.dirty,
            "overrides": list(revision.overrides),
            "files": [{"file": name, "sha256": digest} for name, digest in revision.files.items()],
        },
        "state": [
            {
                "project": item.project,
                "stack": item.stack,
                "serial": item.serial,
                "resources": item.resources,
                "changes": item.changes,
            }
            for item in evidence.stacks
        ],
        "packs": list(evidence.packs),
        "judged": evidence.judged.value,
        "resources": evidence.resources,
        "violations": evidence.stops,
        "frameworks": [_framework_json(found) for found in evidence.frameworks],
        "rules": [_rule_json(rule) for rule in evidence.rules],
        "waivers": [_waiver_json(found) for found in evidence.waivers],
        "card": _card_json(evidence.card),
    }


def evidence_markdown(evidence: Evidence) -> str:
    """The same for people, in GitHub's markdown; resources that simply pass are counted, not listed."""
    lines = [
        f"# Evidence for {code(evidence.system)} in {code(evidence.environment)}",
        "",
        f"{headline(evidence)} {provenance(evidence)}",
        "",
        "## What this does not prove",
        "",
        *(f"- {limit}" for limit in LIMITS),
        "",
        "## System card",
        "",
        *_card_markdown(evidence.card),
        "## Controls",
        "",
        *(f"- **{status.value}**: {meaning}" for status, meaning in MEANINGS.items()),
        "",
    ]
    for framework in evidence.frameworks:
        lines += _framework_markdown(framework)
    lines += ["## Findings", "", *_findings_markdown(evidence.rules), "## Waivers", ""]
    lines += _waivers_markdown(evidence.waivers)
    lines += ["## Record", "", *_record_markdown(evidence)]
    return "\n".join(lines).rstrip("\n") + "\n"


def headline(evidence: Evidence) -> str:
    """The result in a sentence."""
    rules = sum(rule.enforcement is not None for rule in evidence.rules)
    deployed = "deployed " if evidence.judged is Judged.DEPLOYED else ""
    judged = f"{rules} rules on {evidence.resources} {deployed}resources"
    waived = sum(rule.count(Verdict.FAIL, waived=True) for rule in evidence.rules)
    advised = sum(rule.count(Verdict.FAIL) for rule in evidence.rules) - evidence.stops
    parts = [
        f"{evidence.stops} mandatory violations" if evidence.stops != 1 else "1 mandatory violation",
        f"{advised} advisory",
        f"{waived} waived",
    ]
    return f"{judged}: {', '.join(parts)}."


def provenance(evidence: Evidence) -> str:
    """Day, commit and state in a sentence, as plain text."""
    revision = evidence.revision
    commit = f"commit {revision.commit[:12]}" if revision.commit else "no git commit"
    changed = ", with changes that are not committed" if revision.dirty else ""
    if not evidence.stacks:
        return f"{evidence.date}, {commit}{changed}; no deployed state was looked at."
    judged = "judged as it is deployed" if evidence.judged is Judged.DEPLOYED else "deployed"
    changes = sum(item.changes for item in evidence.stacks)
    compared = "as declared here" if not changes else f"{changes} resources differ from what is declared here"
    return f"{evidence.date}, {commit}{changed}; {judged} in {len(evidence.stacks)} stacks, {compared}."


def place_of(finding: Finding) -> str:
    """Where a finding stands: file and line, else the configuration path."""
    location = finding.location
    return f"{location.file}:{location.line}" if location else format_path(finding.path)


def verdict_of(finding: Finding) -> str:
    """The verdict in words, ``waived`` where a waiver covers a violation."""
    if finding.waiver and finding.result.verdict is Verdict.FAIL:
        return "waived"
    return finding.result.verdict.value


def part_facts(part: Part) -> tuple[tuple[str, str], ...]:
    """Everything that the card says of a component."""
    entry = part.entry
    about = "yes" if entry.personal_data else "made from it" if part.from_personal_data else "not declared"
    held = (("classification", entry.classification),) if entry.classification else ()
    kept = (("protected by", ", ".join(part.protections)),) if part.protections else ()
    return (
        (*held, ("personal data", about), *entry.facts, *kept)
        if held or part.from_personal_data
        else (*entry.facts, *kept)
    )


def _framework_json(found: FrameworkEvidence) -> dict[str, Any]:
    framework = found.framework
    return {
        "id": framework.id,
        "title": framework.title,
        "source": framework.source,
        "note": framework.note,
        "summary": {status.value: found.count(status) for status in Status},
        "controls": [_control_json(control) for control in found.controls],
    }


def _control_json(found: ControlEvidence) -> dict[str, Any]:
    return {
        "id": found.control.id,
        "title": found.control.title,
        "status": found.status.value,
        "rules": [{"id": rule.policy.id, "status": rule.status.value} for rule in found.rules],
        "shownBy": found.control.shown_by or None,
    }


def _rule_json(rule: RuleEvidence) -> dict[str, Any]:
    policy = rule.policy
    return {
        "id": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "enforcement": rule.enforcement.value if rule.enforcement else None,
        "status": rule.status.value,
        "controls": {framework: list(ids) for framework, ids in sorted(policy.controls.items())},
        "resources": [
            {
                "urn": finding.resource.urn,
                "component": format_path(finding.resource.component),
                "location": str(finding.location) if finding.location else None,
                "verdict": verdict_of(finding),
                "path": finding.result.path or None,
                "detail": finding.result.detail or None,
                "waiver": finding.waiver or None,
            }
            for finding in rule.verdicts
        ],
    }


def _waiver_json(found: WaiverEvidence) -> dict[str, Any]:
    waiver = found.waiver
    return {
        "rule": waiver.rule,
        "resource": waiver.resource,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "ticket": waiver.ticket,
        "expires": waiver.expires,
        "covers": found.covers,
        "problem": found.problem or None,
    }


def _card_json(card: SystemCard) -> dict[str, Any]:
    return {
        "identity": _facts_json(card.identity),
        "oversight": _facts_json(card.oversight),
        "components": [
            {
                "path": part.name,
                "kind": part.kind,
                "stage": part.entry.stage.value,
                "location": str(part.location) if part.location else None,
                "classification": part.entry.classification or None,
                "personalData": part.entry.personal_data,
                "fromPersonalData": part.from_personal_data,
                "protections": list(part.protections),
                "facts": _facts_json(part.entry.facts),
            }
            for part in card.parts
        ],
        "lineage": [
            {"from": format_path(flow.source), "to": format_path(flow.target), "kind": flow.kind} for flow in card.flows
        ],
    }


def _facts_json(facts: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in facts]


def _card_markdown(card: SystemCard) -> Iterator[str]:
    yield from _facts_markdown(card.identity)
    yield ""
    yield from ("### Oversight", "", *_facts_markdown(card.oversight), "")
    yield from ("### Lineage", "", *fenced(lineage_mermaid(card).splitlines(), "mermaid"), "")
    stage = None
    for part in card.parts:
        if part.entry.stage is not stage:
            stage = part.entry.stage
            yield from (f"### {stage.value.capitalize()}", "")
        place = f" at {code(f'{part.location.file}:{part.location.line}')}" if part.location else ""
        yield from (f"**{code(part.name)}** ({visible(part.kind)}){place}", "", *_facts_markdown(part_facts(part)), "")


def _facts_markdown(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in facts:
        yield f"- {name}: {code(value)}"


def _framework_markdown(found: FrameworkEvidence) -> Iterator[str]:
    framework = found.framework
    counts = ", ".join(f"{found.count(status)} {status.value}" for status in Status if found.count(status))
    yield from (f"### [{framework.title}]({framework.source})", "", f"{counts}. {framework.note}".rstrip(), "")
    yield from ("| control | status | rules |", "| --- | --- | --- |")
    for control in found.controls:
        rules = ", ".join(f"{code(rule.policy.id)} {rule.status.value}" for rule in control.rules)
        shown = f"shown by {control.control.shown_by}" if control.control.shown_by else "none"
        title = f"{control.control.id} {control.control.title}".rstrip()
        yield f"| {title} | {control.status.value} | {rules or shown} |"
    yield ""


def _findings_markdown(rules: Iterable[RuleEvidence]) -> Iterator[str]:
    found = [
        (rule, finding) for rule in rules for finding in rule.verdicts if finding.result.verdict is not Verdict.PASS
    ]
    if not found:
        yield from ("No rule finds anything.", "")
        return
    for rule, finding in found:
        how = rule.enforcement.value if rule.enforcement else ""
        told = f"{format_path(finding.resource.component)} ({finding.resource.name}) {finding.result.detail}"
        yield f"- **{verdict_of(finding)}** ({how}) {code(rule.policy.id)} {code(told)} at {code(place_of(finding))}"
    yield ""


def _waivers_markdown(waivers: Iterable[WaiverEvidence]) -> Iterator[str]:
    empty = True
    for found in waivers:
        empty = False
        waiver = found.waiver
        ticket = f", ticket {code(waiver.ticket)}" if waiver.ticket else ""
        yield (
            f"- {code(waiver.rule)} for {code(waiver.resource)}: {code(waiver.reason)}, owner {code(waiver.owner)}, "
            f"until {waiver.expires}{ticket}; covers {found.covers}"
        )
        if found.problem:
            yield f"  problem: {code(found.problem)}"
    if empty:
        yield "None."
    yield ""


def _record_markdown(evidence: Evidence) -> Iterator[str]:
    yield f"- made by mlops-iac {mlops_iac.__version__}"
    yield f"- packs: {', '.join(map(code, evidence.packs)) or 'none'}"
    if evidence.revision.overrides:
        yield f"- overrides: {', '.join(map(code, evidence.revision.overrides))}"
    yield from (f"- {code(name)} sha256 {digest}" for name, digest in evidence.revision.files.items())
    yield from (
        f"- stack {code(item.project)} serial {item.serial}, {item.resources} resources" for item in evidence.stacks
    )
