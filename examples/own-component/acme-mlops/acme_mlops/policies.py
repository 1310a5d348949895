"""Acme's policy, and the pack that a system of Acme chooses.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from __future__ import annotations

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
    passes,
    skips,
)
from mlops_iac.policies.registry import Pack

QUEUE = "aws:sqs/queue:Queue"
_TWO_WEEKS = 14 * 86400


def check(resource: ResourceView, stack: StackView) -> Result:
    """A queue without a dead-letter queue is one: it keeps what nobody could handle as long as SQS can."""
    if resource.type != QUEUE or resource.inputs.has("redrivePolicy"):
        return NOT_APPLICABLE
    kept = resource.inputs.number("messageRetentionSeconds") or 0
    return PASS if kept >= _TWO_WEEKS else fail(f"keeps messages {kept / 86400:g} days", "messageRetentionSeconds")


POLICY = Policy(
    id="acme-queue-keeps-two-weeks",
    title="A dead-letter queue keeps messages for 14 days",
    why="Whoever is on call may be back only after a holiday.",
    fix="set messageRetentionSeconds to 1209600",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(QUEUE,),
    controls={},
    source_url="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    check=check,
    samples=(
        passes(QUEUE, {"messageRetentionSeconds": _TWO_WEEKS}),
        fails(QUEUE, {"messageRetentionSeconds": 86400}),
        fails(QUEUE, {}),
        skips(QUEUE, {"redrivePolicy": "{}"}),
    ),
)

PACK = Pack(
    id="acme-baseline",
    title="What every system of Acme keeps to",
    description="The AWS baseline, and queues that wait for people.",
    rules={POLICY.id: Enforcement.MANDATORY},
    includes=("aws-baseline",),
)
