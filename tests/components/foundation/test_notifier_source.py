"""Runs the notifier against a local HTTP server, as Lambda would."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from mlops_iac.components.foundation import notifier_source as notifier

ALARM = {
    "AlarmName": "fraud-api-errors",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:fraud-api-errors",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold crossed: 5 > 1 & rising <fast>",
}


@pytest.fixture
def received():
    """What the server got; it answers 500 to anything sent to /broken."""
    requests: list[tuple[str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, json.loads(body)))
            self.send_response(500 if self.path == "/broken" else 202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    requests.append(("address", {"url": f"http://127.0.0.1:{server.server_port}"}))
    yield requests
    server.shutdown()
    server.server_close()


@pytest.fixture
def send(received, monkeypatch):
    """Runs the handler with these targets on one message."""
    base = received.pop()[1]["url"]
    secrets = {"hook": f"{base}/hook", "broken": f"{base}/broken", "key": "routing-key", "file": "file:///etc/passwd"}
    monkeypatch.setattr(notifier, "PAGERDUTY_URL", f"{base}/v2/enqueue")
    monkeypatch.setattr(notifier, "WEBHOOK_SCHEME", "http://")
    monkeypatch.setattr(notifier, "_secret", secrets.__getitem__)
    monkeypatch.setenv("SYSTEM", "fraud-prod")

    def run(message: Any, *targets: dict[str, str], subject: str | None = None) -> dict[str, int]:
        monkeypatch.setenv("TARGETS", json.dumps(targets))
        text = message if isinstance(message, str) else json.dumps(message)
        event = {"Records": [{"Sns": {"Message": text, "Subject": subject, "MessageId": "m-1"}}]}
        return notifier.handler(event, None)

    return run


SLACK = {"kind": "slack", "secret": "hook", "channel": "#oncall"}
PAGERDUTY = {"kind": "pagerduty", "secret": "key", "severity": "error"}


def test_an_alarm_reaches_every_target(send, received):
    assert send(ALARM, SLACK, PAGERDUTY) == {"delivered": 2}
    (slack_path, slack), (pager_path, pager) = received
    assert (slack_path, pager_path) == ("/hook", "/v2/enqueue")
    assert slack["channel"] == "#oncall"
    assert "5 &gt; 1 &amp; rising &lt;fast&gt;" in slack["text"]
    assert pager["routing_key"] == "routing-key"
    assert pager["event_action"] == "trigger"
    assert pager["payload"]["severity"] == "error"
    assert pager["payload"]["source"] == "fraud-prod"


def test_recovery_closes_the_same_incident(send, received):
    send(ALARM, PAGERDUTY)
    send({**ALARM, "NewStateValue": "OK"}, PAGERDUTY)
    opened, closed = (body for _, body in received)
    assert closed["event_action"] == "resolve"
    assert opened["dedup_key"] == closed["dedup_key"]
    assert "payload" not in closed


@pytest.mark.parametrize(
    ("message", "subject", "title"),
    [
        (
            {"detail-type": "Model State Change", "source": "aws.sagemaker", "id": "e-1", "detail": {}},
            None,
            "Model State Change (aws.sagemaker)",
        ),
        ("You are over budget", "AWS Budgets", "AWS Budgets"),
        ("[1, 2]", None, "Message"),
    ],
)
def test_other_messages_are_passed_on_as_they_are(send, received, message, subject, title):
    send(message, SLACK, subject=subject)
    assert received[0][1]["text"].startswith(f"*{title}*")


def test_one_failure_does_not_keep_the_message_from_the_others(send, received):
    with pytest.raises(RuntimeError, match="not delivered: slack: HTTPError"):
        send(ALARM, {**SLACK, "secret": "broken"}, PAGERDUTY)
    assert [path for path, _ in received] == ["/broken", "/v2/enqueue"]


def test_an_address_that_is_not_https_is_not_opened(send, monkeypatch):
    monkeypatch.setattr(notifier, "WEBHOOK_SCHEME", "https://")
    with pytest.raises(RuntimeError, match="slack: ValueError"):
        send(ALARM, {**SLACK, "secret": "file"})


def test_secrets_are_not_in_errors(send):
    with pytest.raises(RuntimeError) as error:
        send(ALARM, {**SLACK, "secret": "broken"})
    assert "127.0.0.1" not in str(error.value)
