from __future__ import annotations

import json

import pytest

from mlops_iac.components.models.models import ModelSpec, approvals


def model(**changes):
    """One model with one alert as YAML."""
    return json.dumps(
        {
            "alerts": {"oncall": {"email": ["a@example.com"]}, "board": {"email": ["b@example.com"]}},
            "models": {"m": changes},
        }
    )


def test_only_the_own_account_uses_versions_unless_others_are_named(compiled):
    (statement,) = compiled(model()).inputs("m.policy")["resourcePolicy"]["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::111122223333:root"]}
    (statement,) = compiled(model(share_with=["444455556666"])).inputs("m.policy")["resourcePolicy"]["Statement"]
    assert statement["Principal"]["AWS"][1] == "arn:aws:iam::444455556666:root"
    assert statement["Resource"] == [
        "m.group.arn",
        "arn:aws:sagemaker:eu-west-1:111122223333:model-package/m.group.modelPackageGroupName/*",
    ]


def test_state_changes_of_this_group_reach_every_alert(compiled):
    system = compiled(model())
    pattern = system.inputs("m.events")["eventPattern"]
    assert pattern["detail-type"] == ["SageMaker Model Package State Change"]
    assert pattern["detail"] == {"ModelPackageGroupName": ["m.group.modelPackageGroupName"]}
    assert {"m.events-to-oncall", "m.events-to-board"} <= system.names()


def test_state_changes_reach_only_the_alert_that_is_named(compiled):
    names = compiled(model(alert="board")).names()
    assert "m.events-to-board" in names
    assert "m.events-to-oncall" not in names


def test_the_message_is_one_json_string(compiled):
    target = compiled(model()).inputs("m.events-to-board")
    assert isinstance(json.loads(target["inputTransformer"]["inputTemplate"]), str)


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({"stages": ["dev"], "approval": {"dev": "automatic"}}, "Approved"),
        ({}, "PendingManualApproval"),
        ({"approval": {"prod": "automatic"}}, "Approved"),
        ({"approval": {"prod": "two_person"}}, "PendingManualApproval"),
    ],
)
def test_versions_await_approval_where_a_stage_needs_a_person(spec, status):
    found = approvals(ModelSpec(**spec)).values()
    assert ("Approved" if set(found) == {"automatic"} else "PendingManualApproval") == status


def test_the_card_says_what_the_system_declares(compiled):
    system = compiled(model(card=True, card_status="pending_review", limitations="Not at night"))
    card = system.inputs("m.card")
    assert card["modelCardStatus"] == "PendingReview"
    content = card["content"]
    assert content["intended_uses"]["risk_rating"] == "Low"
    assert content["intended_uses"]["purpose_of_model"] == "scoring"
    assert content["additional_information"]["caveats_and_recommendations"] == "Not at night"
    assert "m.card" not in compiled(model()).names()


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"approval": {"prd": "automatic"}}, ("approval", "prd"), "MI3420"),
        ({"released": {"live": 3}}, ("released", "live"), "MI3420"),
        ({"stages": ["dev", "prod", "dev"]}, ("stages", 2), "MI3421"),
        ({"share_with": ["111122223333"]}, ("share_with", 0), "MI3422"),
        ({"limitations": "Not at night"}, ("limitations",), "MI3423"),
    ],
)
def test_wrong_values_are_refused(problems, changes, path, code):
    assert problems(model(**changes))["models", "m", *path] == code
