"""Decides at apply what no preview could: a verdict that waited for a value is given before the resource is made.

A mandatory rule whose verdict is ``unknown`` stops nothing yet. The engine asks again with the real inputs, right
before it creates or updates the resource; one whose own preview knows them already answers then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.policies.checker import diagnostic_of
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import Finding, StackView, Verdict
from mlops_iac.state.checkpoint import without_stack

Decide = Callable[[str, Mapping[str, Any]], tuple[Finding, ...]]
"""Answers for a resource (URN) and its real inputs with the findings that waited for them, decided as far as can be."""

Settle = Callable[[str, Mapping[str, Any]], Diagnostic | None]
"""Answers for a resource (URN) and its real inputs with what refuses it, or None."""


def undecided(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that would stop an apply, if the value that decides turned out badly."""
    return tuple(f for f in findings if f.result.verdict is Verdict.UNKNOWN and f.enforcement.stops and not f.waiver)


def decide(findings: Iterable[Finding], stack: Callable[[], StackView]) -> Decide:
    """What gives the verdicts that wait; ``stack`` is the system as the preview saw it."""
    waiting: dict[str, list[Finding]] = {}
    for finding in undecided(findings):
        waiting.setdefault(finding.resource.urn, []).append(finding)
    if not waiting:
        return lambda urn, inputs: ()
    seen = stack()

    def decided(urn: str, inputs: Mapping[str, Any]) -> Iterator[Finding]:
        for finding in waiting.get(urn, ()):
            resource = replace(finding.resource, inputs=Inputs(inputs))
            yield replace(finding, resource=resource, result=finding.policy.check(resource, seen))

    return lambda urn, inputs: tuple(decided(urn, inputs))


def settle(findings: Iterable[Finding], stack: Callable[[], StackView]) -> Settle:
    """What an engine asks before it makes a resource."""
    decided = decide(findings, stack)

    def refusal(urn: str, inputs: Mapping[str, Any]) -> Diagnostic | None:
        failed = (found for found in decided(urn, inputs) if found.result.verdict is Verdict.FAIL)
        return next((diagnostic_of(found) for found in failed), None)

    return refusal


def take_decided(findings: Iterable[Finding], decided: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each that was open with the verdict that was given meanwhile."""
    given = {place_of(found): found.result for found in decided}
    for finding in findings:
        is_open = finding.result.verdict is Verdict.UNKNOWN
        yield replace(finding, result=given.get(place_of(finding), finding.result)) if is_open else finding


def place_of(finding: Finding) -> tuple[str, str]:
    """What a finding is about, whatever the stack is called: the URN without the stack's name, and the rule."""
    return without_stack(finding.resource.urn), finding.policy.id
