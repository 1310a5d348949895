"""Every rule is complete, and its check says of every sample what the sample says."""

from __future__ import annotations

import pytest

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import Policy, Sample, StackView, Verdict, sample
from mlops_iac.policies.registry import policies

RULES = [pytest.param(policy, id=policy.id) for policy in policies().values()]
SAMPLES = [
    pytest.param(policy, case, id=f"{policy.id}-{index}-{case.verdict.value}")
    for policy in policies().values()
    for index, case in enumerate(policy.samples)
]


@pytest.mark.parametrize(("policy", "case"), SAMPLES)
def test_a_sample_gets_its_verdict(policy: Policy, case: Sample) -> None:
    assert policy.check(case.resources[0], StackView(case.resources, case.system)).verdict is case.verdict


@pytest.mark.parametrize("policy", RULES)
def test_a_rule_has_a_sample_that_passes_one_that_fails_and_one_it_does_not_apply_to(policy: Policy) -> None:
    verdicts = {case.verdict for case in policy.samples}

    assert {Verdict.PASS, Verdict.FAIL, Verdict.NOT_APPLICABLE} <= verdicts


@pytest.mark.parametrize(("policy", "case"), SAMPLES)
def test_a_violation_says_what_is_wrong(policy: Policy, case: Sample) -> None:
    result = policy.check(case.resources[0], StackView(case.resources, case.system))

    assert bool(result.detail) == (result.verdict in (Verdict.FAIL, Verdict.UNKNOWN))
    assert not result.detail.endswith(".")


@pytest.mark.parametrize("policy", RULES)
def test_a_resource_of_another_type_is_not_applicable(policy: Policy) -> None:
    other = sample(Verdict.NOT_APPLICABLE, "random:index/randomId:RandomId", {"byteLength": 4})

    assert policy.check(other.resources[0], StackView(other.resources)).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(("policy", "case"), SAMPLES)
def test_unknown_inputs_never_break_a_rule_and_never_fail_one_that_passed(policy: Policy, case: Sample) -> None:
    judged = case.resources[0]
    if case.verdict is not Verdict.PASS:
        return
    for name in judged.inputs:
        hidden = {key: UNKNOWN if key == name else value for key, value in judged.inputs._data.items()}
        again = sample(case.verdict, judged.type, hidden, *case.resources[1:], protect=judged.protect)
        result = policy.check(again.resources[0], StackView(again.resources, case.system))

        assert result.verdict is not Verdict.FAIL or judged.sources or _found_by_name(judged.inputs._data, name), name


def _found_by_name(inputs: dict[str, object], name: str) -> bool:
    """Whether the input is what connects the sample's resources; a real unknown one is connected by its source."""
    return name in ("bucket", "name", "endpointConfigName", "metadata", "tags") and isinstance(inputs[name], str | dict)


@pytest.mark.parametrize("policy", RULES)
def test_a_rule_is_in_the_file_of_its_name(policy: Policy) -> None:
    module = policy.check.__wrapped__.__module__  # type: ignore[attr-defined]

    assert module.rpartition(".")[2] == policy.id.replace("-", "_")
