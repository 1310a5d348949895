"""Keys are not for everybody.

Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
"""

from __future__ import annotations

import json
from typing import Any

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
    passes,
    skips,
    waits,
)

KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"


def check(resource: ResourceView, stack: StackView) -> Result:
    """No statement allows everybody without a limiting condition; without a policy the account decides."""
    for path, found in documents(resource, "policy"):
        return fail("may be used by everybody", path) if any(map(open_to_all, found)) else PASS
    return NOT_APPLICABLE


def _policy(principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "kms:Decrypt", "Resource": "*"}
    return {"policy": json.dumps({"Statement": [statement | ({"Condition": condition} if condition else {})]})}


POLICY = Policy(
    id="kms-policy-no-wildcard-principal",
    title="Key policies name who may use the key",
    why="A key that everybody may use protects nothing.",
    fix="name the account root and the roles that use the key, or add a condition on the account",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(KEY, KEY_POLICY),
    controls={"aws-fsbp": ("KMS.5",), "checkov": ("CKV_AWS_33",), "hipaa": ("164.312(a)(1)",), "gdpr": ("32(1)(b)",)},
    source_url="https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
    check=check,
    samples=(
        passes(KEY, _policy({"AWS": "arn:aws:iam::111122223333:root"})),
        passes(KEY, _policy({"AWS": "*"}, {"StringEquals": {"kms:CallerAccount": "111122223333"}})),
        fails(KEY, _policy({"AWS": "*"})),
        fails(KEY_POLICY, _policy("*", {"StringNotEquals": {"aws:SourceAccount": "444455556666"}})),
        waits(KEY, {"policy": UNKNOWN}),
        skips(KEY, {}),
    ),
)
