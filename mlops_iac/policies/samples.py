"""Runs the samples of policies: does each rule say of each sample what the sample says?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlops_iac.policies.policy import Policy, Sample, StackView, Verdict
from mlops_iac.policies.project import crash, printing_aside


@dataclass(frozen=True, slots=True)
class SampleResult:
    """One sample of one rule. ``problem`` completes the sentence "sample 2 of <rule> ..."; empty where it passed."""

    policy: Policy
    number: int
    expected: Verdict
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule with all its samples. ``missing`` says what no sample tries."""

    policy: Policy
    samples: tuple[SampleResult, ...]
    missing: str = ""

    @property
    def passed(self) -> bool:
        """Whether every sample got its verdict, and there is one that passes and one that fails."""
        return not self.missing and not any(result.problem for result in self.samples)


def try_samples(policies: Iterable[Policy]) -> tuple[RuleResult, ...]:
    """Every rule with the result of each of its samples; a crash is a result, not an exception."""
    with printing_aside():
        return tuple(_try(policy) for policy in policies)


def _try(policy: Policy) -> RuleResult:
    results = tuple(_judge(policy, number, sample) for number, sample in enumerate(policy.samples, 1))
    tried = {sample.verdict for sample in policy.samples}
    wanted = ((Verdict.PASS, "that passes"), (Verdict.FAIL, "that fails"))
    lacking = [words for verdict, words in wanted if verdict not in tried]
    return RuleResult(policy, results, f"has no sample {' and none '.join(lacking)}" if lacking else "")


def _judge(policy: Policy, number: int, sample: Sample) -> SampleResult:
    if not sample.resources:
        return SampleResult(policy, number, sample.verdict, "has no resource")
    judged = sample.resources[0]
    try:
        result = policy.check(judged, StackView(sample.resources, sample.system))
    except (Exception, SystemExit) as error:
        found = crash(policy, judged, error)
        place = f" at {found.location}" if found.location else ""
        return SampleResult(policy, number, sample.verdict, f"crashed{place}: {found.message.partition(': ')[2]}")
    if result.verdict is sample.verdict:
        return SampleResult(policy, number, sample.verdict)
    said = f"{result.verdict.value} ({result.detail})" if result.detail else result.verdict.value
    return SampleResult(policy, number, sample.verdict, f"should be {sample.verdict.value}, but is {said}")
