"""Image and model registries are for named accounts.

Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import allows, documents, open_to_all, principals
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Limits,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    passes,
    skips,
    waits,
)

PATHS: Final = {
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": "resourcePolicy",
}
ACCOUNT: Final = re.compile(r"^(?:arn:aws:(?:iam|sts)::)?([0-9]{12})\b")


def check(resource: ResourceView, stack: StackView) -> Result:
    """Nobody at large; where accounts are limited, none outside the list."""
    limits = stack.system.limits.accounts
    for path, found in documents(resource, PATHS[resource.type]):
        for statement in allows(found):
            if open_to_all(statement):
                return fail("is open to everybody", path)
            for principal in principals(statement):
                account = ACCOUNT.match(principal)
                if limits and account and account[1] not in (*limits, stack.system.account):
                    return fail(f"is shared with the account {account[1]}", path)
        return PASS
    return NOT_APPLICABLE


def _policy(principal: Any) -> dict[str, Any]:
    return {
        "policy": json.dumps(
            {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage"}]}
        )
    }


_REPOSITORY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
_LIMITED = SystemView(limits=Limits(accounts=("444455556666",)))


POLICY = Policy(
    id="registry-policies-not-public",
    title="Registries are shared with named accounts only",
    why="Whoever may push to a registry decides what runs; whoever may pull has the model.",
    fix="name the accounts, or add a condition on aws:PrincipalOrgID",
    settings=("images.*.pull_accounts", "models.*.share_with"),
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(PATHS),
    controls={
        "checkov": ("CKV_AWS_32",),
        "cdk-nag": ("AwsSolutions-ECR1",),
        "gdpr": ("32(1)(b)",),
        "eu-ai-act": ("15(5)",),
        "nist-ai-rmf": ("GOVERN-6.1",),
    },
    source_url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html",
    check=check,
    samples=(
        passes(_REPOSITORY, _policy({"AWS": "arn:aws:iam::444455556666:root"}), system=_LIMITED),
        fails(_REPOSITORY, _policy("*")),
        fails(_REPOSITORY, _policy({"AWS": "arn:aws:iam::777788889999:root"}), system=_LIMITED),
        waits(_REPOSITORY, {"policy": UNKNOWN}),
        skips(_REPOSITORY, {}),
    ),
)
