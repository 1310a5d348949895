from __future__ import annotations

import pytest

from mlops_iac.graph.values import Archive

ONCALL = """
alerts:
  oncall:
    email: [a@example.com, b@example.com]
    pagerduty: {secret: pagerduty-key}
    slack: {channel: "#fraud-oncall", secret: slack-webhook}
"""


def test_the_topic_is_encrypted_and_takes_messages_of_this_account_only(compiled):
    system = compiled(ONCALL)
    assert system.inputs("oncall.topic")["kmsMasterKeyId"] == "keys.internal-key.arn"
    (statement,) = system.inputs("oncall.topic-policy")["policy"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert "*" not in str(statement["Principal"])


def test_each_address_is_subscribed(compiled):
    system = compiled(ONCALL)
    assert [system.inputs(f"oncall.mail-{n}")["endpoint"] for n in (1, 2)] == ["a@example.com", "b@example.com"]


def test_the_notifier_reads_its_secrets_at_run_time_and_may_read_nothing_else(compiled):
    system = compiled(ONCALL)
    function = system.inputs("oncall.notifier")
    assert function["environment"]["variables"]["TARGETS"] == [
        {"kind": "pagerduty", "secret": "pagerduty-key", "severity": "critical"},
        {"kind": "slack", "secret": "slack-webhook", "channel": "#fraud-oncall"},
    ]
    statements = system.inputs("oncall.notifier-role-policy")["policy"]["Statement"]
    reads = next(s for s in statements if s["Action"] == ["secretsmanager:GetSecretValue"])
    assert reads["Resource"] == [
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:pagerduty-key-??????",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:slack-webhook-??????",
    ]
    code = system.node("oncall.notifier").inputs["code"]
    assert isinstance(code, Archive)
    assert "def handler(" in dict(code.entries)["notifier.py"].text


def test_what_cannot_be_delivered_is_kept(compiled):
    system = compiled(ONCALL)
    assert system.inputs("oncall.notifier")["deadLetterConfig"] == {"targetArn": "oncall.dead-letters.arn"}
    redrive = system.inputs("oncall.notifier-subscription")["redrivePolicy"]
    assert redrive == {"deadLetterTargetArn": "oncall.dead-letters.arn"}
    assert system.inputs("oncall.notifier-permission")["sourceArn"] == "oncall.topic.arn"


def test_mail_alone_needs_no_function(compiled):
    assert not compiled("alerts: {governance: {email: [a@example.com]}}").of_type(":Function")


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [("{}", (), "MI3120"), ("{email: [a@example.com, a@example.com]}", ("email", 1), "MI3121")],
)
def test_a_route_that_leads_nowhere_is_refused(problems, text, path, code):
    assert problems(f"alerts: {{oncall: {text}}}")[("alerts", "oncall", *path)] == code
