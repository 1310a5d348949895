"""Identity policies name their actions, and their resources wherever the service allows it.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21
"""

from __future__ import annotations

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
from mlops_iac.providers.permissions import only_everywhere

UNSCOPABLE: Final = (
    "ce:Get*",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:PutMetricData",
    "autoscaling:Describe*",
    "ec2:Describe*",
    "ec2:GetInstanceTypesFromInstanceRequirements",
    "ecr:GetAuthorizationToken",
    "eks:ListClusters",
    "kms:ListAliases",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "pricing:*",
    "s3:ListAllMyBuckets",
    "sagemaker:List*",
    "sagemaker:Search",
    "sts:GetCallerIdentity",
    "tag:GetResources",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
"""Actions without resource types in the Service Authorization Reference, besides those of ``providers.permissions``."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No allowed action is a whole service, and ``*`` as a resource is only for actions that take nothing narrower."""
    return worst(list(identity_documents(resource)), _scoped)


def _scoped(document: tuple[str, Sequence[Inputs]]) -> Result:
    path, found = document
    for statement in allows(found):
        actions = texts(statement, "Action")
        for action in actions:
            if action == "*" or action.endswith(":*"):
                return fail(f"allows {action}", path)
        if statement.has("NotAction"):
            return fail("allows everything that it does not name", path)
        if "*" in texts(statement, "Resource") or statement.has("NotResource"):
            for action in actions:
                if not _takes_nothing_narrower(action):
                    return fail(f"allows {action} on every resource", path)
    return PASS


@lru_cache(maxsize=4096)
def _takes_nothing_narrower(action: str) -> bool:
    return only_everywhere(action) or any(fnmatchcase(action, known) for known in UNSCOPABLE)


def _document(action: str, resource: str) -> dict[str, Any]:
    return {"policy": {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": resource}]}}


POLICY = Policy(
    id="iam-no-service-wildcards",
    title="Roles name actions and resources",
    why="A wildcard gives a stolen role everything that the service can do, on data that it never needed.",
    fix="list the actions, and the ARNs that they are for",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=IDENTITY_POLICIES,
    controls={
        "aws-fsbp": ("IAM.21", "KMS.1", "KMS.2"),
        "checkov": ("CKV_AWS_63", "CKV_AWS_355", "CKV_AWS_290"),
        "cdk-nag": ("AwsSolutions-IAM5",),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    check=check,
    samples=(
        passes("aws:iam/rolePolicy:RolePolicy", _document("s3:GetObject", "arn:aws:s3:::data/*")),
        passes("aws:iam/rolePolicy:RolePolicy", _document("ecr:GetAuthorizationToken", "*")),
        fails("aws:iam/rolePolicy:RolePolicy", _document("s3:*", "arn:aws:s3:::data/*")),
        fails("aws:iam/policy:Policy", _document("kms:Decrypt", "*")),
        waits("aws:iam/policy:Policy", {"policy": UNKNOWN}),
        skips("aws:iam/role:Role", {"assumeRolePolicy": "{}"}),
    ),
)
