"""Evidence says what the rules say, control by control, and the card says where data about people goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.components.registry import registry
from mlops_iac.diagnostics import format_path
from mlops_iac.evidence.card import SystemCard
from mlops_iac.evidence.collect import Evidence, Judged, Revision, RuleEvidence, Status, collect
from mlops_iac.graph.nodes import Layer
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.policies.policy import Enforcement, Finding, Result, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.spec.card import CardStage
from mlops_iac.state.snapshot import Snapshot

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
TODAY = "2026-06-30"
SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, regulations: [gdpr], tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d, access_log: false}
policies:
  packs: [gdpr]
  enforcement: {s3-lifecycle-configured: "off"}
"""
WAIVER = """\
  waivers:
    - {rule: s3-access-logging, resource: buckets.raw, owner: a@example.com, reason: r, expires: "2026-12-31", ticket: SEC-1}
    - {rule: s3-require-tls, resource: buckets.raw, owner: a@example.com, reason: r, expires: "2026-01-01"}
"""


@pytest.fixture(scope="module")
def example() -> Evidence:
    return gathered(run_phases(request_at(EXAMPLE, ("env=prod",), TODAY), until="check"))


def gathered(run: Run, deployed: Sequence[Snapshot] = ()) -> Evidence:
    assert run.graph is not None and run.system is not None and run.composition is not None
    revision = Revision("c" * 40, False, (), {})
    notes = run.diagnostics
    return collect(run.graph, run.system, run.composition, notes, revision, (), TODAY, (), deployed)


def evidence_of(folder: Path, text: str) -> Evidence:
    (folder / "system.yaml").write_text(text, encoding="utf-8")
    return gathered(run_phases(request_at(folder, today=TODAY), until="check"))


def statuses(evidence: Evidence, framework: str) -> dict[str, Status]:
    found = next(item for item in evidence.frameworks if item.framework.id == framework)
    return {control.control.id: control.status for control in found.controls}


def test_a_control_says_what_its_rules_say(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, SYSTEM)
    gdpr = statuses(evidence, "gdpr")

    assert gdpr["25"] is Status.SUPPORTED
    assert gdpr["30"] is Status.VIOLATED
    assert gdpr["35"] is Status.NO_RULE
    assert gdpr["17"] is Status.NOT_APPLICABLE
    logging = next(rule for rule in evidence.rules if rule.policy.id == "s3-access-logging")
    assert (logging.status, logging.enforcement) == (Status.VIOLATED, Enforcement.ADVISORY)
    assert [
        format_path(item.resource.component) for item in logging.verdicts if item.result.verdict is Verdict.FAIL
    ] == ["buckets.raw"]


def test_a_rule_that_is_off_supports_nothing(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, SYSTEM)
    rules = {
        rule.policy.id: rule for found in evidence.frameworks for control in found.controls for rule in control.rules
    }

    assert rules["s3-lifecycle-configured"].status is Status.NOT_CHECKED
    assert "s3-lifecycle-configured" not in {rule.policy.id for rule in evidence.rules}


def test_a_waiver_is_shown_with_what_it_covers_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, SYSTEM + WAIVER)
    held, expired = evidence.waivers

    assert (held.covers, held.problem, held.waiver.ticket) == (1, "", "SEC-1")
    assert expired.covers == 0 and "expired on 2026-01-01" in expired.problem
    logging = next(rule for rule in evidence.rules if rule.policy.id == "s3-access-logging")
    assert logging.status is Status.WAIVED


@pytest.mark.parametrize(
    ("found", "enforcement", "expected"),
    [
        ([], Enforcement.MANDATORY, Status.NOT_APPLICABLE),
        ([], None, Status.NOT_CHECKED),
        ([("pass", "")], Enforcement.MANDATORY, Status.SUPPORTED),
        ([("pass", ""), ("unknown", "")], Enforcement.MANDATORY, Status.UNDECIDED),
        ([("unknown", "waived")], Enforcement.MANDATORY, Status.UNDECIDED),
        ([("unknown", ""), ("fail", "waived")], Enforcement.MANDATORY, Status.WAIVED),
        ([("fail", "waived"), ("fail", "")], Enforcement.ADVISORY, Status.VIOLATED),
    ],
)
def test_the_gravest_verdict_counts(found: list[tuple[str, str]], enforcement: Any, expected: Status) -> None:
    policy = policies()["s3-require-tls"]
    resource = policy.samples[0].resources[0]
    verdicts = tuple(
        Finding(policy, resource, Result(Verdict(verdict)), Enforcement.MANDATORY, waiver) for verdict, waiver in found
    )

    assert RuleEvidence(policy, enforcement, verdicts).status is expected


def test_the_example_violates_nothing_and_lists_what_no_rule_speaks_for(example: Evidence) -> None:
    act = statuses(example, "eu-ai-act")

    assert example.stops == 0
    assert [found.framework.id for found in example.frameworks][:2] == ["eu-ai-act", "gdpr"]
    assert act["14"] is Status.SUPPORTED
    assert act["27"] is Status.NO_RULE


def test_data_about_people_is_followed_to_the_endpoint(example: Evidence) -> None:
    reached = {part.name for part in example.card.parts if part.from_personal_data}

    assert {"buckets.raw", "pipelines.train-fraud", "models.fraud-scorer", "endpoints.fraud-api"} <= reached
    assert "buckets.models" not in reached
    assert "retraining.fraud-retrain" not in reached


def test_the_lineage_goes_from_data_to_retraining_and_back(example: Evidence) -> None:
    arrows = {(format_path(flow.source), format_path(flow.target), flow.kind) for flow in example.card.flows}

    assert {
        ("buckets.raw", "pipelines.train-fraud", "data"),
        ("feature_stores.transactions", "pipelines.train-fraud", "data"),
        ("pipelines.train-fraud", "models.fraud-scorer", "data"),
        ("models.fraud-scorer", "endpoints.fraud-api", "data"),
        ("endpoints.fraud-api", "buckets.raw", "data"),
        ("endpoints.fraud-api", "monitors.fraud-drift", "data"),
        ("monitors.fraud-drift", "retraining.fraud-retrain", "start"),
        ("retraining.fraud-retrain", "pipelines.train-fraud", "start"),
    } <= arrows


def test_the_card_says_who_decides_and_who_is_told(example: Evidence) -> None:
    said = {name: value for part in example.card.parts for name, value in part.entry.facts}

    assert dict(example.card.oversight)["approval of a deployment"] == "two person"
    assert said["approval for prod"] == "two person"
    assert said["mail"] == "ml-governance@example.com"
    assert said["instances"] == "2 to 20 of ml.c6i.xlarge"


def test_secrets_are_not_in_the_card(example: Evidence) -> None:
    assert "pagerduty-key" not in str(example.card)


@pytest.mark.parametrize("layer", [Layer.DATA, Layer.SERVING, Layer.OPERATIONS])
def test_every_component_that_data_passes_has_a_card(layer: Layer) -> None:
    without = {found.kind for found in registry().components() if found.layer is layer and found.card is None}

    assert without == set()


def test_every_stage_of_the_example_is_in_the_card(example: Evidence) -> None:
    card: SystemCard = example.card

    assert {part.entry.stage for part in card.parts} == set(CardStage)


def outcome(evidence: Evidence) -> dict[tuple[str, str], tuple[Verdict, bool, str]]:
    return {
        (rule.policy.id, found.resource.name): (found.result.verdict, bool(found.waiver), str(found.location))
        for rule in evidence.rules
        for found in rule.verdicts
    }


def test_what_is_deployed_is_judged_as_what_it_was_deployed_from(example: Evidence) -> None:
    run = run_phases(request_at(EXAMPLE, ("env=prod",), TODAY), until="check")
    assert run.graph is not None
    states = tuple(snapshot_of_graph(run.graph).values())

    found = gathered(run, states)

    assert (found.judged, found.resources) == (Judged.DEPLOYED, example.resources)
    declared, deployed = outcome(example), outcome(found)
    assert [key for key, told in deployed.items() if told[0] is Verdict.FAIL and not told[1]] == []
    waived = {key: told for key, told in declared.items() if told[1]}
    assert waived and {key: told for key, told in deployed.items() if told[1]} == waived


def test_what_is_deployed_otherwise_than_declared_is_found_at_its_component(tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(SYSTEM, encoding="utf-8")
    run = run_phases(request_at(tmp_path, today=TODAY), until="check")
    assert run.graph is not None
    states = tuple(
        replace(
            state,
            stack="eu-dev",
            resources=tuple(
                replace(
                    resource,
                    urn=resource.urn.replace("urn:pulumi:dev::", "urn:pulumi:eu-dev::"),
                    inputs={**resource.inputs, "blockPublicPolicy": False}
                    if resource.urn.endswith("::raw.public-access")
                    else resource.inputs,
                )
                for resource in state.resources
            ),
        )
        for state in snapshot_of_graph(run.graph).values()
    )
    (found,) = [
        found
        for rule in gathered(run, states).rules
        if rule.policy.id == "s3-block-public-access"
        for found in rule.verdicts
        if found.result.verdict is Verdict.FAIL and found.resource.name == "raw.public-access"
    ]

    assert found.resource.component == ("buckets", "raw") and str(found.location) == "system.yaml:5:3"
