"""Decides at apply what no preview could: a verdict that waited for a value is given before the resource is made.

A mandatory rule whose verdict is ``unknown`` stops nothing yet. The engine asks again with the real inputs, right
before it creates or updates the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.policies.checker import diagnostic_of
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import Finding, StackView, Verdict

Settle = Callable[[str, Mapping[str, Any]], Diagnostic | None]
"""Answers for a resource (URN) and its real inputs with what refuses it, or None."""


def undecided(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that would stop an apply, if the value that decides turned out badly."""
    return tuple(f for f in findings if f.result.verdict is Verdict.UNKNOWN and f.enforcement.stops and not f.waiver)


def settle(findings: Iterable[Finding], stack: Callable[[], StackView]) -> Settle:
    """What an engine asks before it makes a resource; ``stack`` is the system as the preview saw it."""
    waiting: dict[str, list[Finding]] = {}
    for finding in undecided(findings):
        waiting.setdefault(finding.resource.urn, []).append(finding)
    if not waiting:
        return lambda urn, inputs: None
    seen = stack()

    def refusal(urn: str, inputs: Mapping[str, Any]) -> Diagnostic | None:
        for finding in waiting.get(urn, ()):
            resource = replace(finding.resource, inputs=Inputs(inputs))
            result = finding.policy.check(resource, seen)
            if result.verdict is Verdict.FAIL:
                return diagnostic_of(replace(finding, resource=resource, result=result))
        return None

    return refusal
