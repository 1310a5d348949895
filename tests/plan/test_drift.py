"""Drift: what somebody changed by hand is judged by what it does, and nobody is told to worry about an autoscaler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.pipeline import Run
from mlops_iac.plan.compare import differences
from mlops_iac.plan.drift import Danger, Drifted, DriftFinding, Observed, drift_plan, judge_drift
from mlops_iac.plan.drifts import rules
from mlops_iac.plan.model import PropertyChange
from mlops_iac.policies.inputs import Inputs
from mlops_iac.render.drift import drift_json, drift_markdown, drift_text
from mlops_iac.render.page import Page
from mlops_iac.render.report.drift import DriftReport, drift_page
from tests.plan.drifts import compiled_example, judge, observed

BUCKET, VERSIONING = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
ENDPOINT, TABLE = "aws:sagemaker/endpoint:Endpoint", "aws:dynamodb/table:Table"
KEY, ALARM = "aws:kms/key:Key", "aws:cloudwatch/metricAlarm:MetricAlarm"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def worst(type: str, known: Mapping[str, Any], actual: Mapping[str, Any] | None) -> Danger | None:
    """What the drift rules alone say."""
    each = observed(f"urn:pulumi:dev::s-data::{type}::x", known, actual)
    drifted = Drifted(each, Inputs(known), Inputs(actual or {}))
    found = [reason.danger for rule in rules() for reason in rule.judge(drifted)]
    return min(found, key=list(Danger).index) if found else None


RULED: list[tuple[str, str, Mapping[str, Any], Mapping[str, Any] | None, Danger | None]] = [
    ("gone", BUCKET, {"bucket": "a"}, None, Danger.DANGEROUS),
    ("scaled-endpoint", ENDPOINT, {"a": 1, "desiredWeightsAndCapacities": [{"w": 1}]}, {"a": 1, "desiredWeightsAndCapacities": [{"w": 3}]}, Danger.HARMLESS),
    ("scaled-table", TABLE, {"readCapacity": 1}, {"readCapacity": 9}, Danger.HARMLESS),
    ("scaled-and-more", TABLE, {"readCapacity": 1, "hashKey": "a"}, {"readCapacity": 9, "hashKey": "b"}, None),
    ("pods", "kubernetes:apps/v1:Deployment", {"spec": {"replicas": 2}}, {"spec": {"replicas": 5}}, Danger.HARMLESS),
    ("tag-added", BUCKET, {"tags": {"owner": "a"}}, {"tags": {"owner": "a", "cost": "1"}}, Danger.HARMLESS),
    ("own-tag-lost", BUCKET, {"tags": {"owner": "a"}}, {"tags": {}}, Danger.UNCLEAR),
    ("tag-and-more", BUCKET, {"tags": {}, "bucket": "a"}, {"tags": {"a": "b"}, "bucket": "c"}, None),
    ("versioning-off", VERSIONING, {"versioningConfiguration": {"status": "Enabled"}}, {"versioningConfiguration": {"status": "Suspended"}}, Danger.DANGEROUS),
    ("versioning-on", VERSIONING, {"versioningConfiguration": {"status": "Suspended"}}, {"versioningConfiguration": {"status": "Enabled"}}, None),
    ("rotation-off", KEY, {"enableKeyRotation": True}, {"enableKeyRotation": False}, Danger.DANGEROUS),
    ("deletion-protection-gone", TABLE, {"deletionProtectionEnabled": True}, {}, Danger.DANGEROUS),
    ("no-final-snapshot", "aws:rds/instance:Instance", {"skipFinalSnapshot": False}, {"skipFinalSnapshot": True}, Danger.DANGEROUS),
    ("final-snapshot", "aws:rds/instance:Instance", {"skipFinalSnapshot": True}, {"skipFinalSnapshot": False}, None),
    ("other-key", ENCRYPTION, {"rules": [{"kmsMasterKeyId": "a"}]}, {"rules": [{"kmsMasterKeyId": "b"}]}, Danger.UNCLEAR),
    ("no-key", ENCRYPTION, {"rules": [{"sseAlgorithm": "aws:kms"}]}, {"rules": [{"sseAlgorithm": "AES256"}]}, Danger.DANGEROUS),
    ("silenced", ALARM, {"alarmActions": ["a"]}, {"alarmActions": []}, Danger.DANGEROUS),
    ("muted", ALARM, {"alarmActions": ["a"]}, {"alarmActions": ["a"], "actionsEnabled": False}, Danger.DANGEROUS),
    ("later", ALARM, {"threshold": 1}, {"threshold": 9}, Danger.UNCLEAR),
    ("unknown", BUCKET, {"bucket": "a"}, {"bucket": "b"}, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "known", "actual", "danger"), [row[1:] for row in RULED], ids=[row[0] for row in RULED]
)
def test_a_rule_knows_it(
    type: str, known: Mapping[str, Any], actual: Mapping[str, Any] | None, danger: Danger | None
) -> None:
    assert worst(type, known, actual) is danger


def test_every_rule_has_a_case_that_it_alone_decides() -> None:
    said: set[str] = set()
    for _, type, known, actual, _ in RULED:
        drifted = Drifted(
            observed(f"urn:pulumi:dev::s-data::{type}::x", known, actual), Inputs(known), Inputs(actual or {})
        )
        found = [rule.id for rule in rules() if list(rule.judge(drifted))]
        said |= set(found) if len(found) == 1 else set()
    assert said == {rule.id for rule in rules()}


@pytest.fixture(scope="module")
def example() -> Run:
    return compiled_example()


def judged(run: Run, name: str, type: str, change: Mapping[str, Any] | None) -> DriftFinding:
    """One resource of the example, drifted by ``change`` (None: it is gone)."""
    (found,) = judge(run, {(name, type): change})
    return found


def test_what_a_plan_would_do_is_a_danger_when_nobody_planned_it(example: Run) -> None:
    """The impact rules judge a drift: nothing else says that this bucket is open."""
    off = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False)
    found = judged(example, "raw.public-access", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", off)
    assert found.danger is Danger.DANGEROUS
    assert "no longer blocks public access" in found.reasons[0].text
    assert found.component == ("buckets", "raw")
    assert found.location is not None
    assert found.location.file == "system.yaml"


def test_what_is_gone_is_made_again(example: Run) -> None:
    found = judged(example, "raw.bucket", BUCKET, None)
    assert found.danger is Danger.DANGEROUS
    assert found.advice.startswith("`mlops-iac refresh` and then `mlops-iac up` make it again")


def test_what_no_rule_knows_is_for_a_person_to_look_at(example: Run) -> None:
    found = judged(example, "fraud-api.errors-alarm", ALARM, {"comparisonOperator": "LessThanThreshold"})
    assert found.danger is Danger.UNCLEAR
    assert "`endpoints.fraud-api` (system.yaml:" in found.advice


def test_a_resource_that_nothing_declares_is_judged_too(example: Run) -> None:
    assert example.graph is not None
    assert example.system is not None
    assert example.composition is not None
    each = observed(f"urn:pulumi:prod::fraud-data::{BUCKET}::old.bucket", {"bucket": "a"}, {"bucket": "b"})
    (found,) = judge_drift({"fraud-data": [each]}, example.graph, example.system, example.composition)
    assert found.advice.startswith("nothing declares it any more")


def test_an_item_put_in_front_is_one_change_in_every_form(example: Run) -> None:
    assert example.graph is not None
    found = judged(example, "fraud-api.errors-alarm", ALARM, {"alarmActions": ["by-hand", "known", "known"]})
    assert [item.path for item in found.observed.diff] == ["alarmActions[0]", "alarmActions[2]"]
    assert [(item.path, item.kind) for item in found.observed.to_read] == [("alarmActions[0]", "add")]
    (told,) = drift_json([found], [], "fraud", "prod")["resources"]
    assert [item["path"] for item in told["diff"]] == ["alarmActions[0]"]
    plan = drift_plan({"fraud-serving": [found.observed]}, example.graph)
    for text in (
        drift_text([found], [], Page()),
        drift_markdown([found], [], "fraud", "prod"),
        drift_page(DriftReport(plan, example.graph, (found,), (), ())),
    ):
        assert "alarmActions[0]" in text and "alarmActions[2]" not in text


def test_all_forms_say_the_same_and_mask_secrets(example: Run) -> None:
    hidden = SecretValue("hunter2"), SecretValue("hunter3")
    change = PropertyChange("password", differences({"a": 1}, {"a": 2}).__iter__().__next__().kind, *hidden)
    each = Observed(
        "urn:pulumi:prod::fraud-models::aws:rds/instance:Instance::db",
        "aws:rds/instance:Instance",
        "db",
        False,
        {},
        {},
        (change,),
    )
    assert example.graph is not None
    assert example.system is not None
    assert example.composition is not None
    findings = judge_drift({"fraud-models": [each]}, example.graph, example.system, example.composition)
    failures = [Diagnostic("MI7001", "x: cannot be read", "run again")]
    texts = (
        drift_text(findings, failures, Page()),
        drift_markdown(findings, failures, "fraud", "prod"),
        json.dumps(drift_json(findings, failures, "fraud", "prod")),
    )
    for text in texts:
        assert "hunter" not in text
        assert "cannot be read" in text
        assert "unclear" in text.lower()
    assert max(map(len, texts[0].splitlines())) <= 80
