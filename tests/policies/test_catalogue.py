"""Every rule is complete, and its check says of every sample what the sample says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import Policy, Sample, StackView, Verdict, sample
from mlops_iac.policies.registry import policies

RULES = [pytest.param(policy, id=policy.id) for policy in policies().values()]
SAMPLES = [
    pytest.param(policy, case, id=f"{policy.id}-{index}-{case.verdict.value}")
    for policy in policies().values()
    for index, case in enumerate(policy.samples)
]

STRANGE: tuple[Any, ...] = (
    *(None, "", 0, 1.5, True, "text", "{", "[]", UNKNOWN, SecretValue("s")),
    *([], ["x"], [None], [[1]], [UNKNOWN], {}, {"a": 1}, [{}], [{"a": None}]),
)


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
def test_malformed_inputs_never_break_a_rule(policy: Policy) -> None:
    for case in policy.samples:
        for index, resource in enumerate(case.resources):
            data = resource.inputs._data
            for place in _places(data):
                for strange in STRANGE:
                    resources = list(case.resources)
                    resources[index] = replace(resource, inputs=Inputs(_with(data, place, strange)))
                    policy.check(resources[0], StackView(tuple(resources), case.system))


def _places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if place:
        yield place
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*place, index))


def _with(value: Any, place: tuple[str | int, ...], new: Any) -> Any:
    if not place:
        return new
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[place[0]] = _with(value[place[0]], place[1:], new)
    return changed


@pytest.mark.parametrize("policy", RULES)
def test_a_rule_is_in_the_file_of_its_name(policy: Policy) -> None:
    module = policy.check.__wrapped__.__module__  # type: ignore[attr-defined]

    assert module.rpartition(".")[2] == policy.id.replace("-", "_")
