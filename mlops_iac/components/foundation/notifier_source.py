"""The program of the notifier function: passes a message of the SNS topic on to Slack and PagerDuty.

It runs in AWS Lambda, deployed as this one file, so it uses the standard library and boto3, which Lambda has.
Keys are read from Secrets Manager when a message arrives and are in no configuration or state. Sources:
https://developer.pagerduty.com/docs/events-api-v2-overview,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from typing import Any

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
WEBHOOK_SCHEME = "https://"
TIMEOUT_SECONDS = 10
_SUMMARY_LIMIT = 1024


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Send every message to every target; raises at the end where one failed, so that Lambda tries again."""
    targets = json.loads(os.environ["TARGETS"])
    failures = []
    for record in event["Records"]:
        message = describe(record["Sns"])
        for target in targets:
            try:
                _SENDERS[target["kind"]](message, target, _secret(target["secret"]))
            except Exception as error:
                failures.append(f"{target['kind']}: {type(error).__name__}")
    if failures:
        raise RuntimeError(f"not delivered: {', '.join(failures)}")
    return {"delivered": len(event["Records"]) * len(targets)}


def describe(sns: dict[str, Any]) -> dict[str, Any]:
    """What happened: a CloudWatch alarm, an EventBridge event or plain text, in one form."""
    subject = sns.get("Subject") or ""
    try:
        body = json.loads(sns["Message"])
    except ValueError:
        body = None
    if isinstance(body, dict) and "AlarmName" in body:
        recovered = body.get("NewStateValue") == "OK"
        return {
            "title": f"{'Recovered' if recovered else 'Alarm'}: {body['AlarmName']}",
            "text": body.get("NewStateReason") or body.get("AlarmDescription") or "",
            "key": body.get("AlarmArn") or body["AlarmName"],
            "resolved": recovered,
        }
    if isinstance(body, dict) and "detail-type" in body:
        return {
            "title": f"{body['detail-type']} ({body.get('source', 'unknown source')})",
            "text": json.dumps(body.get("detail", {}), sort_keys=True),
            "key": body.get("id") or sns.get("MessageId", ""),
            "resolved": False,
        }
    return {
        "title": subject or "Message",
        "text": sns["Message"],
        "key": sns.get("MessageId", ""),
        "resolved": False,
    }


def send_to_slack(message: dict[str, Any], target: dict[str, str], webhook: str) -> None:
    """Post the message to the channel's incoming webhook; ``webhook`` is its secret address."""
    text = f"*{_escape(message['title'])}*\n{_escape(message['text'])}\n_{_escape(os.environ['SYSTEM'])}_"
    _post(webhook, {"channel": target["channel"], "text": text})


def send_to_pagerduty(message: dict[str, Any], target: dict[str, str], key: str) -> None:
    """Open an incident, or close it where the alarm has recovered; the same alarm is one incident."""
    body: dict[str, Any] = {
        "routing_key": key,
        "event_action": "resolve" if message["resolved"] else "trigger",
        "dedup_key": hashlib.sha256(message["key"].encode()).hexdigest(),
    }
    if not message["resolved"]:
        body["payload"] = {
            "summary": message["title"][:_SUMMARY_LIMIT],
            "source": os.environ["SYSTEM"],
            "severity": target.get("severity", "critical"),
            "custom_details": {"reason": message["text"]},
        }
    _post(PAGERDUTY_URL, body)


_SENDERS = {"slack": send_to_slack, "pagerduty": send_to_pagerduty}


def _secret(name: str) -> str:
    import boto3

    return str(boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]).strip()


def _post(url: str, body: dict[str, Any]) -> None:
    if not url.startswith(WEBHOOK_SCHEME):
        raise ValueError("the secret is not an https address")
    request = urllib.request.Request(  # noqa: S310
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
        pass


def _escape(text: str) -> str:
    """Slack reads &, < and > as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
