"""Resource policies let services act for known sources only, and name the actions that they allow.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import allows, condition_keys, documents, principals, texts
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
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
    waits,
    worst,
)

BUCKET: Final = "aws:s3/bucketPolicy:BucketPolicy"
TOPIC: Final = "aws:sns/topicPolicy:TopicPolicy"
KEY: Final = "aws:kms/key:Key"
TYPES: Final = (
    *(BUCKET, TOPIC, KEY, "aws:kms/keyPolicy:KeyPolicy"),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
)
SOURCE_KEYS: Final = frozenset(
    {
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "kms:calleraccount",
        "kms:encryptioncontext:aws:logs:arn",
        "kms:viaservice",
        "s3:x-amz-source-account",
    }
)
"""Condition keys that say for whom a service acts; the log service names the group by its encryption context."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No service may act for any account, and nobody but the account itself may do everything."""
    return worst(list(documents(resource, "policy", "policyDocument")), _scoped)


def _scoped(document: tuple[str, Sequence[Inputs]]) -> Result:
    path, found = document
    for statement in allows(found):
        trusted = principals(statement)
        services = [name for name in trusted if name.endswith(".amazonaws.com")]
        if services and not condition_keys(statement) & SOURCE_KEYS:
            return fail(f"lets {services[0]} act for any account", path)
        wide = next((name for name in texts(statement, "Action") if name == "*" or name.endswith(":*")), None)
        if wide is not None and not _own_account(trusted):
            return fail(f"allows {wide} to {trusted[0] if trusted else 'others'}", path)
    return PASS


def _own_account(trusted: Iterable[str]) -> bool:
    """Whether only accounts as such are trusted, whose identity policies then decide: how a key policy begins."""
    return all(name.endswith(":root") or (name.isdecimal() and len(name) == 12) for name in trusted)


def _document(principal: Any, action: str, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    return {"policy": json.dumps({"Statement": [statement | ({"Condition": condition} if condition else {})]})}


_TRAIL: Final = {"Service": "cloudtrail.amazonaws.com"}
_OURS: Final = {"StringEquals": {"aws:SourceAccount": "111122223333"}}

POLICY = Policy(
    id="resource-policy-scoped",
    title="Resource policies let services act for known sources, and name actions",
    why="A service that acts for somebody else could be talked into using the resource (the confused deputy).",
    fix="add a condition on aws:SourceAccount or aws:SourceArn, and list the actions",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=TYPES,
    controls={"gdpr": ("32(1)(b)",), "hipaa": ("164.312(a)(1)",)},
    source_url="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    check=check,
    samples=(
        passes(BUCKET, _document(_TRAIL, "s3:PutObject", _OURS)),
        passes(KEY, _document({"AWS": "arn:aws:iam::111122223333:root"}, "kms:*")),
        passes(KEY, {"enableKeyRotation": True, "policy": '{"Statement": []}'}),
        fails(BUCKET, _document(_TRAIL, "s3:PutObject")),
        fails(BUCKET, _document(_TRAIL, "s3:PutObject", {"StringEquals": {"s3:x-amz-acl": "private"}})),
        fails(TOPIC, _document({"Service": ["events.amazonaws.com"]}, "sns:Publish")),
        fails(BUCKET, _document({"AWS": "arn:aws:iam::444455556666:role/reader"}, "s3:*")),
        waits(BUCKET, {"policy": UNKNOWN}),
        skips(KEY, {"enableKeyRotation": True}),
    ),
)
