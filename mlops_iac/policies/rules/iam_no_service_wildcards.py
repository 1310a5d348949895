"""Identity policies name their actions, and their resources wherever the service allows it.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.policies.documents import allows, listed, statements
from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    sample,
    unknown,
)

POLICIES = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")
UNSCOPABLE: Final = frozenset(
    {
        "ce:GetCostAndUsage",
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
"""Actions without resource types in the Service Authorization Reference; with ``ec2:Describe*`` the only ones that may name ``*``."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No allowed action is a wildcard, and ``*`` as a resource is only for actions that take nothing narrower."""
    document = resource.inputs.get("policy")
    if statements(document) is None:
        return unknown("policy")
    for statement in allows(document):
        wild = [action for action in listed(statement.get("Action")) if action == "*" or action.endswith(":*")]
        if wild:
            return fail(f"allows {wild[0]}", "policy")
        broad = _needlessly_broad(statement)
        if broad:
            return fail(f"allows {broad} on every resource", "policy")
    return PASS


def _needlessly_broad(statement: dict[str, Any]) -> str:
    if "*" not in listed(statement.get("Resource")):
        return ""
    return next(
        (
            action
            for action in listed(statement.get("Action"))
            if action not in UNSCOPABLE and not action.startswith("ec2:Describe")
        ),
        "",
    )


def _document(action: str, resource: str) -> dict[str, Any]:
    return {"policy": {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": resource}]}}


POLICY = Policy(
    id="iam-no-service-wildcards",
    title="Roles name actions and resources",
    why="A wildcard gives a stolen role everything that the service can do, on data that it never needed.",
    fix="list the actions, and the ARNs that they are for",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=POLICIES,
    controls={
        "fsbp": ("IAM.21", "KMS.1", "KMS.2"),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
        "gdpr": ("32(1)(a)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    check=check,
    samples=(
        sample(Verdict.PASS, POLICIES[1], _document("s3:GetObject", "arn:aws:s3:::data/*")),
        sample(Verdict.PASS, POLICIES[1], _document("ecr:GetAuthorizationToken", "*")),
        sample(Verdict.FAIL, POLICIES[1], _document("s3:*", "arn:aws:s3:::data/*")),
        sample(Verdict.FAIL, POLICIES[0], _document("s3:GetObject", "*")),
    ),
)
