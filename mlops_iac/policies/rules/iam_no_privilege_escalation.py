"""No role can give itself more than it has, or read everything.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_best-practices.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

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

ESCALATING: Final = (
    "iam:addusertogroup",
    "iam:attachgrouppolicy",
    "iam:attachrolepolicy",
    "iam:attachuserpolicy",
    "iam:createaccesskey",
    "iam:createloginprofile",
    "iam:createpolicyversion",
    "iam:passrole",
    "iam:putgrouppolicy",
    "iam:putrolepolicy",
    "iam:putuserpolicy",
    "iam:setdefaultpolicyversion",
    "iam:updateassumerolepolicy",
    "iam:updateloginprofile",
    "lambda:updatefunctioncode",
    "s3:getobject",
    "secretsmanager:getsecretvalue",
    "ssm:getparameter",
    "ssm:getparameters",
    "sts:assumerole",
)
"""Actions that on every resource give more rights, or all data, in lower case."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """None of the actions that escalate or take data out is allowed on every resource of its kind."""
    return worst(list(identity_documents(resource)), _contained)


def _contained(document: tuple[str, Sequence[Inputs]]) -> Result:
    path, found = document
    for statement in allows(found):
        if not any(_everything(name) for name in texts(statement, "Resource")) and not statement.has("NotResource"):
            continue
        for action in texts(statement, "Action"):
            if _escalates(action):
                return fail(f"allows {action} on every resource", path)
    return PASS


@lru_cache(maxsize=4096)
def _escalates(action: str) -> bool:
    return any(fnmatchcase(known, action.lower()) for known in ESCALATING)


@lru_cache(maxsize=4096)
def _everything(resource: str) -> bool:
    return resource in ("*", "arn:aws:s3:::*", "arn:aws:s3:::*/*") or bool(
        re.fullmatch(r"arn:aws:[a-z]+:[^:]*:[^:]*:(role|user|secret|parameter|function)[:/]\*", resource)
    )


def _document(action: str, resource: str) -> dict[str, Any]:
    return {"policy": {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}}


POLICY = Policy(
    id="iam-no-privilege-escalation",
    title="Policies cannot be used to gain privileges",
    why="A role that may pass any role, or rewrite policies, has in effect all rights of the account.",
    fix="limit iam:PassRole to named roles with a condition on iam:PassedToService",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=IDENTITY_POLICIES,
    controls={
        "checkov": ("CKV_AWS_286", "CKV_AWS_287", "CKV_AWS_288", "CKV_AWS_289"),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_best-practices.html",
    check=check,
    samples=(
        passes("aws:iam/policy:Policy", _document("iam:PassRole", "arn:aws:iam::111122223333:role/training")),
        fails("aws:iam/policy:Policy", _document("iam:PassRole", "*")),
        fails("aws:iam/rolePolicy:RolePolicy", _document("iam:Put*", "arn:aws:iam::111122223333:role/*")),
        fails("aws:iam/rolePolicy:RolePolicy", _document("s3:Get*", "arn:aws:s3:::*/*")),
        waits("aws:iam/policy:Policy", {"policy": UNKNOWN}),
        skips("aws:iam/role:Role", {"assumeRolePolicy": "{}"}),
    ),
)
