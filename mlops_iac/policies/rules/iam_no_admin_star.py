"""Nobody is given everything.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-1
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import IDENTITY_POLICIES, allows, identity_documents, texts
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


def check(resource: ResourceView, stack: StackView) -> Result:
    """No allow statement has action * on resource *, written in whichever way."""
    found = list(identity_documents(resource))
    return worst(found, _not_everything)


def _not_everything(document: tuple[str, Sequence[Inputs]]) -> Result:
    path, found = document
    for statement in allows(found):
        everything = statement.has("NotAction") or {"*", "*:*"} & set(texts(statement, "Action"))
        if everything and (statement.has("NotResource") or "*" in texts(statement, "Resource")):
            return fail("allows everything", path)
    return PASS


def _document(action: str, resource: str, element: str = "Action") -> dict[str, Any]:
    return {"policy": json.dumps({"Statement": {"Effect": "Allow", element: action, "Resource": resource}})}


POLICY = Policy(
    id="iam-no-admin-star",
    title="No policy allows every action on every resource",
    why="Whoever gets hold of such a role owns the account.",
    fix="list the actions and the resources that are needed",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=IDENTITY_POLICIES,
    controls={
        "aws-fsbp": ("IAM.1",),
        "checkov": ("CKV_AWS_62",),
        "cdk-nag": ("AwsSolutions-IAM5",),
        "hipaa": ("164.312(a)(1)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-1",
    check=check,
    samples=(
        passes("aws:iam/policy:Policy", _document("s3:GetObject", "arn:aws:s3:::data/*")),
        fails("aws:iam/policy:Policy", _document("*", "*")),
        fails("aws:iam/rolePolicy:RolePolicy", _document("iam:*", "*", "NotAction")),
        fails("aws:iam/role:Role", {"inlinePolicies": [{"name": "all", **_document("*", "*")}]}),
        waits("aws:iam/policy:Policy", {"policy": UNKNOWN}),
        skips("aws:iam/role:Role", {"assumeRolePolicy": "{}"}),
    ),
)
