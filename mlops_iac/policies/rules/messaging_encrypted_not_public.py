"""Queues and topics are encrypted, closed to strangers, and lose no message.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sqs-controls.html#sqs-1
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import documents, open_to_all
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    neighbour,
    passes,
    sample_urn,
    skips,
    waits,
)

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
DEAD_LETTERS: Final = (
    (QUEUE, "redrivePolicy"),
    ("aws:sns/topicSubscription:TopicSubscription", "redrivePolicy"),
    ("aws:lambda/function:Function", "deadLetterConfig"),
    ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", "destinationConfig"),
    ("aws:cloudwatch/eventTarget:EventTarget", "deadLetterConfig"),
    ("aws:scheduler/schedule:Schedule", "target"),
)
"""Inputs by which other resources say that a queue takes what they could not deliver."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Encrypted, no statement for everybody, and dead letters are kept unless the queue itself keeps them."""
    if resource.type in (QUEUE_POLICY, TOPIC_POLICY) and not resource.inputs.has("policy"):
        return NOT_APPLICABLE
    for path, found in documents(resource, "policy"):
        if any(open_to_all(statement) for statement in found):
            return fail("takes messages from everybody", path)
    keyed = resource.inputs.has("kmsMasterKeyId")
    if resource.type == TOPIC and not keyed:
        return fail("is not encrypted", "kmsMasterKeyId")
    if resource.type == QUEUE:
        if not keyed and not resource.inputs.flag("sqsManagedSseEnabled"):
            return fail("is not encrypted", "kmsMasterKeyId")
        last = any(next(stack.pointing_at(resource, type, name), None) for type, name in DEAD_LETTERS)
        if not last and not resource.inputs.has("redriveAllowPolicy") and not resource.inputs.has("redrivePolicy"):
            return fail("loses what its workers cannot handle", "redrivePolicy")
    return PASS


_OPEN = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}]})
_SUBSCRIPTION = neighbour(DEAD_LETTERS[1][0], {}, sample_urn(QUEUE), "redrivePolicy")


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    """Only queues: the key that AWS manages for topics keeps its own services from publishing."""
    unkeyed = resource.type == QUEUE and not resource.inputs.has("kmsMasterKeyId")
    return {"sqsManagedSseEnabled": True} if unkeyed else {}


POLICY = Policy(
    id="messaging-encrypted-not-public",
    title="Queues and topics are encrypted and not public",
    why="A stranger who may publish can start jobs; a message that fails without a dead-letter queue is gone.",
    fix="set kmsMasterKeyId, scope the policy to the sender, and add a redrivePolicy to queues with workers",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(QUEUE, QUEUE_POLICY, TOPIC, TOPIC_POLICY),
    controls={
        "aws-fsbp": ("SQS.1", "SQS.3", "SNS.4"),
        "aws-security-hub": ("SNS.1",),
        "checkov": ("CKV_AWS_26", "CKV_AWS_27", "CKV_AWS_168", "CKV_AWS_169"),
        "cdk-nag": ("AwsSolutions-SQS3",),
        "hipaa": ("164.312(a)(2)(iv)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sqs-controls.html#sqs-1",
    check=check,
    remediate=_remediate,
    samples=(
        passes(TOPIC, {"kmsMasterKeyId": UNKNOWN}),
        fails(TOPIC, {}),
        fails(TOPIC_POLICY, {"policy": _OPEN}),
        passes(QUEUE, {"kmsMasterKeyId": "alias/q", "redrivePolicy": "{}"}),
        passes(QUEUE, {"sqsManagedSseEnabled": True}, _SUBSCRIPTION),
        fails(QUEUE, {"kmsMasterKeyId": "alias/q"}),
        fails(QUEUE, {"redrivePolicy": "{}"}),
        waits(TOPIC_POLICY, {"policy": UNKNOWN}),
        skips(TOPIC_POLICY, {}),
    ),
)
