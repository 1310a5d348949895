"""Evidence as one self-contained page, for people who must say yes: the card, the controls, every verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import mlops_iac
from mlops_iac.diagnostics import format_path
from mlops_iac.evidence.card import Part, SystemCard
from mlops_iac.evidence.collect import (
    LIMITS,
    ControlEvidence,
    Evidence,
    FrameworkEvidence,
    RuleEvidence,
    Status,
    WaiverEvidence,
)
from mlops_iac.policies.policy import Finding, Verdict
from mlops_iac.render import lineage
from mlops_iac.render.evidence import MEANINGS, headline, part_facts, place_of, provenance, verdict_of
from mlops_iac.render.html import Mood, badge, code, document, facts, section, table
from mlops_iac.render.markup import Html, element, join, raw, text
from mlops_iac.spec.card import CardStage

_MOODS: Final[dict[Status, Mood]] = {
    Status.VIOLATED: "bad",
    Status.WAIVED: "warn",
    Status.UNDECIDED: "note",
    Status.SUPPORTED: "good",
    Status.NOT_APPLICABLE: "quiet",
    Status.NOT_CHECKED: "quiet",
    Status.NO_RULE: "quiet",
}
_VERDICTS: Final[dict[str, Mood]] = {"fail": "bad", "waived": "warn", "unknown": "note", "pass": "good"}
_TITLES: Final = {
    CardStage.DATA: "Data",
    CardStage.FEATURES: "Features",
    CardStage.TRAINING: "Training",
    CardStage.REGISTRY: "Models and their approval",
    CardStage.SERVING: "Endpoints",
    CardStage.MONITORING: "Monitoring",
    CardStage.RETRAINING: "Retraining",
    CardStage.ALERTING: "Who is told",
    CardStage.BUDGET: "Budget",
    CardStage.DELIVERY: "How it is changed",
}
_STYLE: Final = (
    lineage.STYLE
    + """
.limits li { margin: 0.3rem 0; max-width: 72ch; }
.components { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 0.75rem; }
.component { margin: 0; }
.component h4 { margin: 0; font-size: 0.95rem; }
.component .quiet { font-weight: 400; }
.rules { display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; }
.rule:target { background: var(--note-bg); }
.rule summary { display: flex; flex-wrap: wrap; gap: 0.2rem 0.75rem; align-items: baseline; }
.rule summary::before { content: "▸"; color: var(--quiet); }
.rule[open] summary::before { content: "▾"; }
.oneline { white-space: nowrap; }
@media (max-width: 40rem) { .oneline { white-space: normal; } }
"""
)
_SCRIPT: Final = (
    "const show=()=>{const id=decodeURIComponent(location.hash.slice(1)),at=id&&document.getElementById(id);"
    "if(at&&at.tagName==='DETAILS'){at.open=true;at.scrollIntoView()}};"
    "addEventListener('hashchange',show);show()"
)
"""Opens what a link points at."""


def evidence_page(evidence: Evidence) -> str:
    """The whole page."""
    title = f"Evidence: {evidence.system} in {evidence.environment}"
    sections = [
        ("limits", "What it does not prove", _limits()),
        ("card", "System card", _card(evidence.card)),
        ("controls", "Controls", _controls(evidence)),
        ("rules", "Rules", _rules(evidence.rules)),
        ("waivers", "Waivers", _waivers(evidence.waivers)),
        ("record", "Record", _record(evidence)),
    ]
    verdict = badge("violated", "bad") if evidence.stops else badge("no mandatory violation", "good")
    head = [
        element("h1", title),
        element("p", provenance(evidence), class_="lead"),
        element("p", verdict, " ", headline(evidence)),
    ]
    body = [*head, *(section(id, name, part) for id, name, part in sections)]
    return document(
        title, join(body, "\n"), style=_STYLE, script=_SCRIPT, sections=[(id, name) for id, name, _ in sections]
    )


def _limits() -> Html:
    return element("ul", (element("li", limit) for limit in LIMITS), class_="limits")


def _card(card: SystemCard) -> Html:
    picture = lineage.lineage_svg(card)
    legend = "Solid: data flows. Dashed: sets going. A bar at the left of a box: data about people, or made from it."
    figure = element("figure", element("div", picture, class_="scroll", tabindex=0), element("figcaption", legend))
    flows = [
        (
            code(format_path(flow.source)),
            "data flows to" if flow.kind == "data" else "sets going",
            code(format_path(flow.target)),
        )
        for flow in card.flows
    ]
    words = element(
        "details", element("summary", "The same in words"), table(("From", "", "To"), flows, name="Lineage")
    )
    stages = [(stage, list(card.of_stage(stage))) for stage in CardStage]
    return join(
        [
            facts((name, text(value)) for name, value in card.identity),
            element("h3", "Oversight"),
            facts((name, text(value)) for name, value in card.oversight),
            *([element("h3", "Where data goes"), figure, words] if picture else []),
            *(
                join([element("h3", _TITLES[stage]), element("div", map(_component, parts), class_="components")], "\n")
                for stage, parts in stages
                if parts
            ),
        ],
        "\n",
    )


def _component(part: Part) -> Html:
    place = f"{part.location.file}:{part.location.line}" if part.location else ""
    return element(
        "div",
        element("h4", code(part.name), " ", element("span", f"{part.kind} {place}".rstrip(), class_="quiet")),
        facts((name, text(value)) for name, value in part_facts(part)),
        class_="component panel",
    )


def _controls(evidence: Evidence) -> Html:
    meanings = facts((status.value, text(meaning)) for status, meaning in MEANINGS.items())
    head = ("Framework", *(status.value for status in Status))
    rows = [
        (
            element("a", found.framework.title, href=f"#framework-{found.framework.id}"),
            *(str(found.count(status) or "") for status in Status),
        )
        for found in evidence.frameworks
    ]
    summary = table(head, rows, name="Controls by status", numbers=range(1, len(head)))
    return join(
        [
            summary,
            element("details", element("summary", "What the words mean"), meanings),
            *map(_framework, evidence.frameworks),
        ],
        "\n",
    )


def _framework(found: FrameworkEvidence) -> Html:
    framework = found.framework
    note = f"{framework.note} Source: " if framework.note else "Source: "
    titled = any(control.control.title for control in found.controls)
    head = ("Control", *(("What it asks for",) if titled else ()), "Status", "Rules that speak for it")
    rows = (_control(control, titled=titled) for control in found.controls)
    inside = join(
        [
            element("p", note, code(framework.source), class_="quiet"),
            table(head, rows, name=framework.title),
        ],
        "\n",
    )
    id = f"framework-{framework.id}"
    if framework.controls:
        return element("div", element("h3", framework.title), inside, id=id)
    return element("details", element("summary", framework.title), inside, id=id)


def _control(found: ControlEvidence, *, titled: bool) -> tuple[Html, ...]:
    control = found.control
    rules: Html = element("div", map(_rule_link, found.rules), class_="rules")
    if not found.rules:
        rules = element("span", f"shown by {control.shown_by}" if control.shown_by else "", class_="quiet")
    title = (text(control.title),) if titled else ()
    return (element("span", control.id, class_="oneline"), *title, _status(found.status), rules)


def _rule_link(rule: RuleEvidence) -> Html:
    if rule.enforcement is None:
        return element("span", code(rule.policy.id), " not checked", class_="quiet")
    marked = rule.status not in (Status.SUPPORTED, Status.NOT_APPLICABLE)
    link = element("a", rule.policy.id, href=f"#rule-{rule.policy.id}", class_="code")
    return element("span", link, " ", _status(rule.status) if marked else None)


def _rules(rules: Iterable[RuleEvidence]) -> Html:
    gravest = list(Status)
    return join(map(_rule, sorted(rules, key=lambda rule: (gravest.index(rule.status), rule.policy.id))), "\n")


def _rule(rule: RuleEvidence) -> Html:
    policy = rule.policy
    counts = [
        f"{number} {word}"
        for number, word in (
            (rule.count(Verdict.FAIL), "fail"),
            (rule.count(Verdict.FAIL, waived=True), "waived"),
            (rule.count(Verdict.UNKNOWN) + rule.count(Verdict.UNKNOWN, waived=True), "unknown"),
            (rule.count(Verdict.PASS), "pass"),
        )
        if number
    ]
    how = f"{policy.severity.value}, {rule.enforcement.value if rule.enforcement else 'off'}"
    summary = element(
        "summary",
        element("span", policy.id, class_="code"),
        _status(rule.status),
        element("span", f"{', '.join(counts) or 'nothing to judge'}; {how}", class_="quiet"),
    )
    controls = "; ".join(f"{framework} {', '.join(ids)}" for framework, ids in sorted(policy.controls.items()))
    about = facts(
        (
            ("asks that", text(policy.title)),
            ("because", text(policy.why)),
            ("otherwise write", text(policy.fix)),
            ("speaks for", text(controls or "no control")),
        )
    )
    order = list(_VERDICTS)
    rows = map(_verdict, sorted(rule.verdicts, key=lambda found: order.index(verdict_of(found))))
    listed = table(("Component", "Resource", "At", "Verdict", ""), rows, name=policy.id) if rule.verdicts else None
    return element("details", summary, about, listed, id=f"rule-{policy.id}", class_="rule")


def _verdict(found: Finding) -> tuple[Html, Html, Html, Html, Html]:
    said = verdict_of(found)
    detail = " ".join(part for part in (found.result.detail, f"({found.waiver})" if found.waiver else "") if part)
    return (
        code(format_path(found.resource.component)),
        code(found.resource.name),
        code(place_of(found)),
        badge(said, _VERDICTS[said]),
        text(detail),
    )


def _waivers(waivers: Iterable[WaiverEvidence]) -> Html:
    rows = [
        (
            code(found.waiver.rule),
            code(found.waiver.resource),
            text(found.waiver.owner),
            text(found.waiver.reason),
            text(found.waiver.ticket or ""),
            text(found.waiver.expires),
            str(found.covers),
            raw(badge("problem", "bad") + " " + text(found.problem)) if found.problem else badge("in force", "good"),
        )
        for found in waivers
    ]
    head = ("Rule", "Resource", "Owner", "Reason", "Ticket", "Until", "Covers", "")
    return table(head, rows, name="Waivers", numbers=(6,)) if rows else element("p", "None.")


def _record(evidence: Evidence) -> Html:
    revision = evidence.revision
    known = facts(
        (
            ("made by", text(f"mlops-iac {mlops_iac.__version__}")),
            ("date", text(evidence.date)),
            ("commit", code(revision.commit) if revision.commit else text("none: not in a git repository")),
            ("not committed", text("yes, files below the system's folder" if revision.dirty else "nothing")),
            ("overrides", join(map(code, revision.overrides), " ") or text("none")),
            ("packs", join(map(code, evidence.packs), " ") or text("none")),
        )
    )
    files = table(
        ("File", "SHA-256"), ((code(name), code(digest)) for name, digest in revision.files.items()), name="Files"
    )
    stacks = [
        (code(item.project), text(item.stack), str(item.serial), str(item.resources), str(item.changes))
        for item in evidence.stacks
    ]
    head = ("Project", "Stack", "Serial", "Resources", "Differ from here")
    state = (
        table(head, stacks, name="State", numbers=(2, 3, 4))
        if stacks
        else element("p", "No deployed state was looked at.")
    )
    return join([known, element("h3", "Configuration"), files, element("h3", "Deployed state"), state], "\n")


def _status(status: Status) -> Html:
    return badge(status.value, _MOODS[status])
