"""What the policies found, and which waivers hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mlops_iac.policies.policy import Finding
from mlops_iac.render.explanation import verdict_word
from mlops_iac.render.html import Mood, badge, code, section, table
from mlops_iac.render.markup import Html, element
from mlops_iac.render.report.model import Report, broken, undecided
from mlops_iac.render.report.parts import place, remedy
from mlops_iac.spec.system import Waiver

_VERDICTS: Final[Mapping[str, Mood]] = {
    "broken": "bad",
    "advised": "warn",
    "undecided": "note",
    "waived": "quiet",
    "passes": "good",
}
_MOST_FINDINGS: Final = 8
"""Resources that a row of the policy table names before it counts the others."""


def policies_section(report: Report) -> Html:
    """Findings by policy, the broken ones first, and the waivers."""
    judged = {finding.policy.id for each in report.explanations for made in each.resources for finding in made.verdicts}
    stopping = broken(report.findings)
    waiting = undecided(report.findings)
    words = [f"{len(judged):,} policies judged this system"]
    words.append(f"{stopping} broken" if stopping else "none that is mandatory is broken")
    words += [f"{waiting} verdicts wait for the apply"] if waiting else []
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        grouped.setdefault((verdict_word(finding), finding.policy.id), []).append(finding)
    parts: list[Html] = []
    if grouped:
        parts.append(element("ul", (_finding(word, group) for (word, _), group in grouped.items()), class_="plain"))
    if report.waivers:
        parts.append(element("h3", "Waivers"))
        parts.append(_waivers(report))
    return section("policies", "Policies", *parts, note=f"{'; '.join(words)}.")


def _finding(word: str, group: Sequence[Finding]) -> Html:
    policy = group[0].policy
    shown = [
        element(
            "li",
            element("span", finding.resource.name, class_="code"),
            f" {finding.result.detail}",
            f" ({finding.waiver})" if finding.waiver else "",
            element("span", place(finding.resource.location), class_="at"),
            class_="row",
        )
        for finding in group[:_MOST_FINDINGS]
    ]
    if len(group) > _MOST_FINDINGS:
        shown.append(element("li", f"and {len(group) - _MOST_FINDINGS} more", class_="quiet"))
    return element(
        "li",
        element(
            "p",
            badge(word, _VERDICTS[word]),
            " ",
            element("strong", policy.title),
            " ",
            element("span", f"{policy.id}, {policy.severity.value}", class_="quiet code"),
            class_="row",
        ),
        element("ul", shown, class_="plain hits"),
        remedy(policy.fix) if word != "waived" else None,
        class_="panel",
    )


def _waivers(report: Report) -> Html:
    rows = [
        (
            code(waiver.rule),
            code(waiver.resource),
            element("span", waiver.reason),
            element("span", waiver.owner),
            element("span", waiver.expires, " ", badge("expired", "bad") if _late(waiver, report.today) else None),
        )
        for waiver in report.waivers
    ]
    return table(("Policy", "For", "Reason", "Owner", "Until"), rows, name="Waivers")


def _late(waiver: Waiver, today: str) -> bool:
    return bool(today) and waiver.expires < today
