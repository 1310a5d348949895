"""Roles for delivery systems can be assumed from one repository and one branch or environment.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.documents import allows, conditions, documents, principals
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

ROLE = "aws:iam/role:Role"
ISSUERS: Final = (
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "app.terraform.io",
    "agent.buildkite.com",
    "oidc.circleci.com",
    "vstoken.dev.azure.com",
)
"""Public issuers whose tokens anybody can have; an EKS cluster's own issuer is not one of them."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every statement that trusts a public issuer pins both claims, sub without a wildcard for repository or branch."""
    judged = [
        (path, statement, issuer)
        for path, found in documents(resource, "assumeRolePolicy")
        for statement in allows(found)
        for issuer in ISSUERS
        if any(issuer in principal for principal in principals(statement))
    ]
    return worst(judged, _pinned)


def _pinned(trust: tuple[str, Inputs, str]) -> Result:
    path, statement, issuer = trust
    for claim in ("aud", "sub"):
        pins = [
            value
            for operator, values in conditions(statement, f"{issuer}:{claim}")
            if operator.startswith(("StringEquals", "StringLike")) and not operator.endswith("IfExists")
            for value in values
        ]
        if not pins:
            return fail(f"does not pin the claim {claim} of {issuer}", path)
        if claim == "sub" and any("*" in value or "?" in value for value in pins):
            return fail(f"lets more than one branch or environment of {issuer} in", path)
    return PASS


def _trust(**claims: str) -> dict[str, Any]:
    condition = {"StringLike": {f"{ISSUERS[0]}:{name}": value for name, value in claims.items()}}
    provider = f"arn:aws:iam::111122223333:oidc-provider/{ISSUERS[0]}"
    statement = {"Effect": "Allow", "Principal": {"Federated": provider}, "Condition": condition}
    return {"assumeRolePolicy": {"Statement": [statement]}}


POLICY = Policy(
    id="iam-oidc-claims-scoped",
    title="Delivery roles are bound to one repository and branch",
    why="A role that any repository of the provider can assume lets strangers deploy.",
    fix="set StringEquals on the aud and sub claims, with the repository and the environment or branch",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ROLE,),
    controls={"checkov": ("CKV_AWS_393", "CKV_AWS_358"), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    check=check,
    samples=(
        passes(ROLE, _trust(aud="sts.amazonaws.com", sub="repo:acme/fraud:environment:prod")),
        fails(ROLE, _trust(aud="sts.amazonaws.com", sub="repo:acme/*")),
        fails(ROLE, _trust(sub="repo:acme/fraud:environment:prod")),
        waits(ROLE, {"assumeRolePolicy": UNKNOWN}),
        skips(
            ROLE,
            {"assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}},
        ),
    ),
)
