"""Roles trust nobody at large, and services only when they act for this account.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import allows, condition_keys, documents, principals
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
    waits,
)

ROLE = "aws:iam/role:Role"
SOURCE_KEYS: Final = frozenset({"aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid"})
CONTEXT_FREE: Final = frozenset({"ec2.amazonaws.com", "eks.amazonaws.com", "rds.amazonaws.com"})
"""Services that assume roles without a source in the request, so that a condition on it would lock them out."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No principal ``*``; service principals carry a source."""
    for path, found in documents(resource, "assumeRolePolicy"):
        for statement in allows(found):
            trusted = principals(statement)
            if "*" in trusted:
                return fail("can be assumed by anybody", path)
            services = [name for name in trusted if name.endswith(".amazonaws.com") and name not in CONTEXT_FREE]
            if services and not condition_keys(statement) & SOURCE_KEYS:
                return fail(f"trusts {services[0]} acting for any account", path)
        return PASS
    return NOT_APPLICABLE


def _trust(principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"assumeRolePolicy": {"Statement": [statement | ({"Condition": condition} if condition else {})]}}


POLICY = Policy(
    id="iam-trust-policy-scoped",
    title="Roles trust named principals for this account only",
    why="A service that acts for somebody else could be talked into using the role (the confused deputy).",
    fix="name the principal, and add a condition on aws:SourceAccount or aws:SourceArn",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ROLE,),
    controls={"checkov": ("CKV_AWS_60", "CKV_AWS_61"), "gdpr": ("32(1)(b)",), "hipaa": ("164.312(d)",)},
    source_url="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
    check=check,
    samples=(
        passes(
            ROLE,
            _trust({"Service": "sagemaker.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        ),
        passes(ROLE, _trust({"Service": "ec2.amazonaws.com"})),
        fails(ROLE, _trust({"Service": "sagemaker.amazonaws.com"})),
        fails(ROLE, _trust("*")),
        waits(ROLE, {"assumeRolePolicy": UNKNOWN}),
        skips(ROLE, {}),
    ),
)
