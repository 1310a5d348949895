"""Verdicts that waited for a value are given with the real one, before the resource is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlops_iac.policies.policy import Enforcement, Finding, Policy, Sample, StackView, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.policies.settle import settle

WAITING = [
    pytest.param(policy, case, id=policy.id)
    for policy in policies().values()
    for case in policy.samples
    if case.verdict is Verdict.UNKNOWN
]


def finding(policy: Policy, case: Sample, enforcement: Enforcement = Enforcement.MANDATORY) -> Finding:
    stack = StackView(case.resources, case.system)
    return Finding(policy, case.resources[0], policy.check(case.resources[0], stack), enforcement)


@pytest.mark.parametrize(("policy", "case"), WAITING)
def test_a_waiting_rule_refuses_what_turns_out_to_fail_and_lets_the_rest_through(policy: Policy, case: Sample) -> None:
    waiting = finding(policy, case)
    urn = waiting.resource.urn
    others = [
        other
        for other in policy.samples
        if other.resources[0].type == waiting.resource.type
        and other.system == case.system
        and other.verdict in (Verdict.PASS, Verdict.FAIL)
    ]
    assert others, "a sample that fails or passes in the same place"
    for other in others:
        seen = StackView((waiting.resource, *other.resources[1:]), case.system)
        known = replace(waiting.resource, inputs=other.resources[0].inputs, sources=other.resources[0].sources)
        asked = settle([replace(waiting, resource=replace(known, inputs=waiting.resource.inputs))], lambda: seen)  # noqa: B023
        expected = policy.check(replace(known, protect=waiting.resource.protect), seen).verdict
        told = asked(urn, other.resources[0].inputs._data)
        assert (told is not None) is (expected is Verdict.FAIL)
        if told is not None:
            assert told.code == "MI5100" and policy.id in told.message and told.hint


def test_only_what_would_stop_is_asked_for_again() -> None:
    policy = policies()["s3-no-public-acl"]
    (case,) = [sample for sample in policy.samples if sample.verdict is Verdict.UNKNOWN]
    public = {"acl": "public-read"}
    stack = StackView(case.resources, case.system)

    def told(found: Finding) -> bool:
        return settle([found], lambda: stack)(found.resource.urn, public) is not None

    assert told(finding(policy, case))
    assert told(finding(policy, case, Enforcement.REMEDIATE))
    assert not told(finding(policy, case, Enforcement.ADVISORY))
    assert not told(replace(finding(policy, case), waiver="somebody: for a reason"))
    assert settle([finding(policy, case)], lambda: stack)("urn:another", public) is None


def test_nothing_is_prepared_where_nothing_waits() -> None:
    def never() -> StackView:
        raise AssertionError("no verdict waits")

    assert settle([], never)("urn", {}) is None
