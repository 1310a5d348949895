"""Renders findings, drifts, and the samples of rules as JUnit reports, which build servers show as tests.

Source: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.sax.saxutils import quoteattr

from mlops_iac.diagnostics import Diagnostic, Severity, format_path
from mlops_iac.plan.drift import Danger, DriftFinding
from mlops_iac.policies.policy import Enforcement, Finding, Policy, Verdict
from mlops_iac.policies.samples import RuleResult
from mlops_iac.render.drift import drift_reasons

_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def findings_junit(
    findings: Iterable[Finding], rules: Mapping[Policy, Enforcement], gates: Iterable[Diagnostic] = ()
) -> str:
    """A rule fails with what stops an apply, is skipped where it only advises or waits, and passes otherwise.

    ``gates`` are what gates refuse, which fails, or what an approval lifted, which is skipped.
    """
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.policy.id, []).append(finding)
    ordered = sorted(rules, key=lambda policy: policy.id)
    suites = {"policies": [_case(policy, by_rule.get(policy.id, [])) for policy in ordered]}
    judged = [_gate(item) for item in gates]
    return _report(suites | ({"gates": judged} if judged else {}))


def diagnostics_junit(diagnostics: Iterable[Diagnostic]) -> str:
    """A configuration that could not be judged: each error fails."""
    return _report({"configuration": [_gate(item) for item in diagnostics]})


def drift_junit(findings: Iterable[DriftFinding], failures: Iterable[Diagnostic], layers: Iterable[str]) -> str:
    """A resource fails with a drift that is dangerous, is skipped with one to look at, and passes with a harmless one.

    ``layers`` are those that were looked at, each a test that passes; ``failures`` are what could not be read.
    """
    read = [f"    <testcase classname={_attribute('layer')} name={_attribute(layer)}/>" for layer in layers]
    unread = [_gate(item) for item in failures]
    drifted = [_drifted(finding) for finding in findings]
    return _report({"layers": read, "drift": drifted} | ({"not read": unread} if unread else {}))


def samples_junit(results: Iterable[RuleResult]) -> str:
    """A test for each sample of each rule, and a failing one where a rule lacks a sample."""
    return _report({"policy samples": [case for result in results for case in _sample_cases(result)]})


def _report(suites: Mapping[str, Sequence[str]]) -> str:
    every = [case for cases in suites.values() for case in cases]
    rows = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="mlops-iac" {_counts(every)}>']
    for name, cases in suites.items():
        rows += [f"  <testsuite name={_attribute(name)} {_counts(cases)}>", *cases, "  </testsuite>"]
    return "\n".join([*rows, "</testsuites>", ""])


def _counts(cases: Sequence[str]) -> str:
    failures = sum("<failure" in case for case in cases)
    skipped = sum("<skipped" in case for case in cases)
    return f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'


def _gate(item: Diagnostic) -> str:
    opened = f"    <testcase classname={_attribute(item.code)} name={_attribute(format_path(item.path) or item.code)}"
    place = f" at {item.location}" if item.location is not None else ""
    told = "\n".join(part for part in (f"{item.message}{place}", item.hint) if part)
    return _failed(opened, told) if item.severity is Severity.ERROR else _skipped(opened, told)


def _drifted(finding: DriftFinding) -> str:
    opened = f"    <testcase classname={_attribute(finding.danger.value)} name={_attribute(finding.observed.name)}"
    told = "\n".join([*drift_reasons(finding), f"do: {finding.advice}"])
    if finding.danger is Danger.DANGEROUS:
        return _failed(opened, told)
    return _skipped(opened, told) if finding.danger is Danger.UNCLEAR else f"{opened}/>"


def _case(policy: Policy, findings: Sequence[Finding]) -> str:
    opened = f"    <testcase classname={_attribute(policy.severity.value)} name={_attribute(policy.id)}"
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        return _failed(opened, _told(stopping))
    if findings:
        return _skipped(opened, _told(findings))
    return f"{opened}/>"


def _sample_cases(result: RuleResult) -> Iterator[str]:
    opened = f"    <testcase classname={_attribute(result.policy.id)} name="
    for sample in result.samples:
        named = f"{opened}{_attribute(f'sample {sample.number}: {sample.expected.value}')}"
        yield _failed(named, f"sample {sample.number} {sample.problem}") if sample.problem else f"{named}/>"
    if result.missing:
        yield _failed(f"{opened}{_attribute('has samples')}", f"{result.policy.id} {result.missing}")


def _failed(opened: str, message: str) -> str:
    return f"{opened}>\n      <failure message={_attribute(message)}/>\n    </testcase>"


def _skipped(opened: str, message: str) -> str:
    return f"{opened}>\n      <skipped message={_attribute(message)}/>\n    </testcase>"


def _told(findings: Sequence[Finding]) -> str:
    lines = [
        f"{format_path(f.resource.component)} ({f.resource.name}) {f.result.detail}"
        + (f" (waived: {f.waiver})" if f.waiver else "")
        + (" (known only after apply)" if f.result.verdict is Verdict.UNKNOWN else "")
        for f in findings
    ]
    return "\n".join([*lines, findings[0].policy.fix])


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", text), {"\n": "&#10;"})
