"""Remediation: what a rule puts right passes afterwards, nothing is replaced by it, and everybody sees who did it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlops_iac.cli.main import cli
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.plan.paths import parse_property
from mlops_iac.policies.inputs import Inputs, UnknownInputError, with_values
from mlops_iac.policies.policy import Policy, Sample, StackView, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.providers.facts import Replaces, facts_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
TODAY = "2026-11-26"
RULES = [pytest.param(policy, id=policy.id) for policy in policies().values() if policy.remediate is not None]
SHORT = "env.deletion_window=7d"
RULE = "kms-key-rotation-and-deletion-window"


def remedied(policy: Policy, sample: Sample) -> tuple[dict[str, Any], StackView]:
    stack = StackView(sample.resources, sample.system)
    remedy = policy.remedy(sample.resources[0], stack)
    return {path: after for path, (_, after) in remedy.items()}, stack


@pytest.mark.parametrize("policy", RULES)
def test_a_violation_that_a_rule_claims_passes_afterwards_and_once_is_enough(policy: Policy) -> None:
    claimed = 0
    for sample in policy.samples:
        judged = sample.resources[0]
        before = repr(judged.inputs)
        changes, stack = remedied(policy, sample)
        assert repr(judged.inputs) == before, "the resource itself was changed"
        if not changes:
            continue
        claimed += 1
        assert sample.verdict is Verdict.FAIL
        better = replace(judged, inputs=judged.inputs.changed(changes))
        assert policy.check(better, stack).verdict is Verdict.PASS
        assert not policy.remedy(better, stack)
        assert policy.remediate is not None
        again = replace(better, inputs=better.inputs.changed(policy.remediate(better, stack)))
        assert repr(again.inputs) == repr(better.inputs)
    assert claimed, "no failing sample is put right"


@pytest.mark.parametrize("policy", RULES)
def test_a_remedy_sets_properties_that_exist_and_replaces_nothing(policy: Policy) -> None:
    for sample in policy.samples:
        changes, _ = remedied(policy, sample)
        facts = facts_of(sample.resources[0].type)
        for path in changes:
            parts = parse_property(path)
            assert facts is not None and str(parts[0]) in facts.inputs, path
            assert facts.replaced_by(parts) is Replaces.NEVER, path


def test_values_are_set_where_a_path_leads_and_nothing_else_is_touched() -> None:
    data = {"disks": [{"size": 1}, {"size": 2, "encrypted": False}], "name": "a"}

    assert with_values(data, {"disks[1].encrypted": True, "options.tokens": "required"}) == {
        "disks": [{"size": 1}, {"size": 2, "encrypted": True}],
        "name": "a",
        "options": {"tokens": "required"},
    }
    assert data["disks"][1] == {"size": 2, "encrypted": False}
    assert Inputs(data).differing({"disks[0].size": 1, "disks[1].size": 3}) == {"disks[1].size": (2, 3)}


@pytest.mark.parametrize("opaque", [UNKNOWN, SecretValue({"tokens": "optional"}), "text"], ids=repr)
def test_nothing_is_set_inside_what_cannot_be_seen(opaque: object) -> None:
    with pytest.raises(UnknownInputError):
        with_values({"options": opaque}, {"options.tokens": "required"})


def compiled(*overrides: str, today: str = TODAY) -> Run:
    return run_phases(request_at(EXAMPLE, ("env=prod", SHORT, *overrides), today), until="plan")


def windows(run: Run) -> list[Any]:
    assert run.graph is not None
    return [node.inputs["deletionWindowInDays"] for node in run.graph.nodes() if node.type == "aws:kms/key:Key"]


def asking(level: str) -> str:
    return f"+policies.enforcement={{{RULE}: {level}}}"


def test_the_graph_is_put_right_before_the_plan_and_the_change_names_the_rule() -> None:
    refused = compiled(asking("mandatory"))
    assert set(windows(refused)) == {7} and refused.refused

    run = compiled(asking("remediate"))
    assert set(windows(run)) == {14} and not run.refused
    assert run.plan is not None
    changes = [c for stack in run.plan.stacks for c in stack.changes if c.set_by_policy]
    assert {(c.type, c.set_by_policy[0].path, c.set_by_policy[0].before) for c in changes} == {
        ("aws:kms/key:Key", "deletionWindowInDays", 7)
    }
    assert all(c.new is not None and c.new["deletionWindowInDays"] == 14 for c in changes)
    told = [d for d in run.diagnostics if d.code == "MI5102"]
    assert len(told) == len(changes)
    assert RULE in told[0].message and "set to 14 by policy, instead of 7" in told[0].message


def test_a_waived_violation_is_left_alone_until_the_waiver_ends() -> None:
    waiver = (
        f"policies.waivers=[{{rule: {RULE}, resource: keys, owner: a@example.com, reason: x, expires: '2026-12-31'}}]"
    )

    assert set(windows(compiled(asking("remediate"), waiver))) == {7}
    assert set(windows(compiled(asking("remediate"), waiver, today="2027-01-01"))) == {14}


def test_a_rule_without_a_remedy_says_so_at_its_line_and_stays_mandatory() -> None:
    (told,) = [
        d for d in compiled("+policies.enforcement={s3-require-tls: remediate}").diagnostics if d.code == "MI5011"
    ]
    assert "s3-require-tls" in told.message and told.severity is Severity.WARNING and told.location is not None


def test_a_check_tells_what_was_put_right() -> None:
    arguments = ["policy", "check", "-C", str(EXAMPLE), "env=prod", SHORT, asking("remediate")]
    shown = CliRunner().invoke(cli, arguments)

    assert shown.exit_code == 0, shown.output
    assert "MI5102" in shown.output and "keys.internal-key" in shown.output


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_preview_shows_what_a_policy_has_set(form: str) -> None:
    arguments = ["preview", "-C", str(EXAMPLE), "--format", form, "env=prod", SHORT, asking("remediate")]
    shown = CliRunner().invoke(cli, arguments)

    assert shown.exit_code == 0, shown.output
    if form == "json":
        found = [c for s in json.loads(shown.output)["stacks"] for c in s["changes"] if "setByPolicy" in c]
        assert {(c["setByPolicy"][0]["rule"], c["setByPolicy"][0]["new"]) for c in found} == {(RULE, 14)}
    else:
        assert RULE in shown.output and "deletionWindowInDays" in shown.output
