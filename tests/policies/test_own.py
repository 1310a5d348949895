"""Policies that a configuration declares are checked, enforced and waived like those of the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError, Severity
from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.policies.checker import diagnostic_of
from mlops_iac.policies.own import own_rule
from mlops_iac.policies.policy import StackView, Verdict, sample
from mlops_iac.spec.system import Condition, OwnRule

NOTEBOOK = "aws:sagemaker/notebookInstance:NotebookInstance"
SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d}
policies:
  packs: []
"""
RULE = """\
  own:
    buckets-are-short:
      title: Bucket names are short
      fix: choose a shorter name
      applies_to: [aws:s3/bucket:Bucket]
      where: [{input: tags.component, one_of: [buckets.*]}]
      require: [{input: bucket, none_of: ["*-raw-*"]}]
"""


@pytest.mark.parametrize(
    ("condition", "value", "verdict", "told"),
    [
        (Condition(input="instanceType", one_of=["ml.t3.*"]), "ml.t3.medium", Verdict.PASS, ""),
        (Condition(input="instanceType", one_of=["ml.t3.*"]), "ml.p5.48xlarge", Verdict.FAIL, "ml.p5.48xlarge"),
        (Condition(input="instanceType", one_of=["ml.t3.*"]), None, Verdict.FAIL, "(unset)"),
        (Condition(input="instanceType", one_of=["ml.t3.*"]), UNKNOWN, Verdict.UNKNOWN, "only after apply"),
        (Condition(input="instanceType", none_of=["ml.p*"]), "ml.p5.48xlarge", Verdict.FAIL, "forbidden"),
        (Condition(input="kmsKeyId", is_set=True), UNKNOWN, Verdict.PASS, ""),
        (Condition(input="kmsKeyId", is_set=True), None, Verdict.FAIL, "not set"),
        (Condition(input="kmsKeyId", is_set=False), "arn:key", Verdict.FAIL, "has kmsKeyId set"),
        (Condition(input="rootAccess", is_true=False), True, Verdict.FAIL, "true"),
        (Condition(input="volumeSize", at_least=5, at_most=100), 50, Verdict.PASS, ""),
        (Condition(input="volumeSize", at_most=100), 500, Verdict.FAIL, "more than 100"),
        (Condition(input="volumeSize", at_least=5), "many", Verdict.FAIL, "not set to a number"),
    ],
)
def test_a_condition_judges_an_input(condition: Condition, value: object, verdict: Verdict, told: str) -> None:
    policy = own_rule("ours", OwnRule(title="Ours", fix="change it", applies_to=[NOTEBOOK], require=[condition]))
    case = sample(verdict, NOTEBOOK, {condition.input: value})

    result = policy.check(case.resources[0], StackView(case.resources))

    assert result.verdict is verdict
    assert told in result.detail


def test_only_resources_that_meet_the_conditions_of_where_are_judged() -> None:
    where = Condition(input="tags.environment", one_of=["prod"])
    rule = OwnRule(
        title="Ours", fix="f", applies_to=[NOTEBOOK], where=[where], require=[Condition(input="kmsKeyId", is_set=True)]
    )
    case = sample(Verdict.NOT_APPLICABLE, NOTEBOOK, {"tags": {"environment": "dev"}})

    assert own_rule("ours", rule).check(case.resources[0], StackView(case.resources)).verdict is case.verdict


def test_a_declared_rule_stops_an_apply_at_the_line_of_the_component(tmp_path: Path) -> None:
    run = _checked(tmp_path, RULE)
    (finding,) = run.findings
    told = diagnostic_of(finding)

    assert finding.stops
    assert told.severity is Severity.ERROR
    assert told.message.startswith("buckets-are-short: buckets.raw (raw.bucket) has bucket fraud-dev-raw-")
    assert told.location is not None and told.location.line == 5


def test_a_declared_rule_can_be_relaxed_and_waived(tmp_path: Path) -> None:
    assert not any(
        f.stops for f in _checked(tmp_path, RULE + "  enforcement: {buckets-are-short: advisory}\n").findings
    )
    assert not _checked(tmp_path, RULE + "  enforcement: {buckets-are-short: 'off'}\n").findings
    waiver = "{rule: buckets-are-short, resource: buckets.raw, owner: a, reason: b, expires: '2099-01-01'}"
    (waived,) = _checked(tmp_path, RULE + f"  waivers: [{waiver}]\n").findings
    assert waived.waiver and not waived.stops


@pytest.mark.parametrize(
    ("old", "new", "code", "hint"),
    [
        ("buckets-are-short:", "s3-require-tls:", "MI5005", "another id"),
        ("aws:s3/bucket:Bucket", "aws:s3/bukket:Bukket", "MI5006", "did you mean"),
    ],
)
def test_a_declared_rule_that_cannot_be_meant_is_refused(
    tmp_path: Path, old: str, new: str, code: str, hint: str
) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        _checked(tmp_path, RULE.replace(old, new))

    (problem,) = caught.value.diagnostics
    assert problem.code == code
    assert hint in problem.hint
    assert problem.location is not None and problem.location.file == "system.yaml"


def _checked(folder: Path, text: str) -> Run:
    (folder / "system.yaml").write_text(SYSTEM + text, encoding="utf-8")
    return run_phases(request_at(folder, today="2026-06-30"), until="check")
