"""Roles for delivery systems can be assumed from one repository and one branch or environment.

A subject is pinned where it has no wildcard, or only in the part that its issuer draws anew for each run. Sources:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html and, of each issuer's ``sub``:

* GitHub: https://docs.github.com/en/actions/reference/security/oidc
* GitLab: https://docs.gitlab.com/ci/cloud_services/aws/
* Bitbucket, which ends it with the step:
  https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
* CircleCI, which names the user: https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
* Azure DevOps, one service connection:
  https://aws.amazon.com/blogs/modernizing-with-aws/how-to-federate-into-aws-from-azure-devops-using-openid-connect
* HCP Terraform, which ends it with the phase of the run:
  https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration
* Buildkite, which names commit and step: https://buildkite.com/docs/pipelines/security/oidc/aws

Jenkins, GitLab and GitHub Enterprise run at issuers of an organisation's own, whose tokens nobody else can have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
    neighbour,
    passes,
    skips,
    waits,
    worst,
)

ROLE: Final = "aws:iam/role:Role"
PROVIDER: Final = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
_PART: Final = "[^*?/:]+"
_REF: Final = "[^*?:]+"
ISSUERS: Final[Mapping[str, str]] = {
    "agent.buildkite.com": rf"organization:{_PART}:pipeline:{_PART}:ref:{_REF}:commit:\*(:step:\*|:step:{_PART})?",
    "api.bitbucket.org/2.0/workspaces/": rf"{_PART}:{_PART}:\*",
    "app.terraform.io": rf"organization:{_PART}:project:{_PART}:workspace:{_PART}:run_phase:\*",
    "gitlab.com": "",
    "oidc.circleci.com/org/": rf"org/{_PART}/project/{_PART}/user/\*(/vcs-origin/{_REF}/vcs-ref/{_REF})?",
    "token.actions.githubusercontent.com": "",
    "vstoken.dev.azure.com/": "",
}
"""Public issuers whose tokens anybody can have, by how their names begin, and which subjects with a wildcard are pinned
all the same. An EKS cluster's own issuer is not one of them."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every statement that trusts a public issuer pins both claims, sub without a wildcard for repository or branch."""
    judged = [
        (path, statement, issuer)
        for path, found in documents(resource, "assumeRolePolicy")
        for statement in allows(found)
        for issuer in _issuers(principals(statement), resource, stack)
    ]
    return worst(judged, _pinned)


def _issuers(principals: Iterable[str], resource: ResourceView, stack: StackView) -> Iterator[str]:
    """The public issuers among principals as condition keys spell them: by a provider's ARN or its bare name, or by
    its URL where it is made together with the role."""
    found = []
    for principal in principals:
        if principal.startswith("unknown:"):
            found += [made.inputs.text("url") for made in stack.targets_of(resource, "assumeRolePolicy", PROVIDER)]
        else:
            found.append(principal.rpartition(":oidc-provider/")[2])
    names = (name.removeprefix("https://") for name in found)
    yield from (name for name in dict.fromkeys(names) if name.startswith(tuple(ISSUERS)))


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
        if claim == "sub" and not all(_is_pinned(value, issuer) for value in pins):
            return fail(f"lets more than one branch or environment of {issuer} in", path)
    return PASS


def _is_pinned(subject: str, issuer: str) -> bool:
    """Whether a subject stands for one repository and one branch or environment."""
    if "*" not in subject and "?" not in subject:
        return True
    drawn_anew = next(pattern for begin, pattern in ISSUERS.items() if issuer.startswith(begin))
    return bool(drawn_anew) and re.fullmatch(drawn_anew, subject) is not None


def _trust(issuer: str = "token.actions.githubusercontent.com", provider: str = "", **claims: str) -> dict[str, Any]:
    condition = {"StringLike": {f"{issuer}:{name}": value for name, value in claims.items()}}
    federated = provider or f"arn:aws:iam::111122223333:oidc-provider/{issuer}"
    statement = {"Effect": "Allow", "Principal": {"Federated": federated}, "Condition": condition}
    return {"assumeRolePolicy": {"Statement": [statement]}}


_BITBUCKET: Final = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
_CIRCLE: Final = "oidc.circleci.com/org/0f3c"
_AZURE: Final = "vstoken.dev.azure.com/61c0"
_MADE: Final = neighbour(PROVIDER, {"url": "https://token.actions.githubusercontent.com"})
_RUN: Final = "organization:acme:project:ml:workspace:fraud:run_phase:"

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
        passes(ROLE, _trust("gitlab.com", aud="sts", sub="project_path:acme/fraud:ref_type:branch:ref:main")),
        passes(ROLE, _trust(_BITBUCKET, aud="ari:cloud:bitbucket::workspace/1", sub="{11}:{22}:*")),
        passes(ROLE, _trust(_CIRCLE, aud="0f3c", sub="org/0f3c/project/77/user/*")),
        passes(
            ROLE,
            _trust(
                _CIRCLE,
                aud="0f3c",
                sub="org/0f3c/project/77/user/*/vcs-origin/github.com/acme/fraud/vcs-ref/refs/heads/main",
            ),
        ),
        passes(ROLE, _trust(_AZURE, aud="api://AzureADTokenExchange", sub="sc://acme/fraud/prod-apply")),
        passes(ROLE, _trust("app.terraform.io", aud="aws.workload.identity", sub=f"{_RUN}*")),
        passes(
            ROLE,
            _trust(
                "agent.buildkite.com",
                aud="sts.amazonaws.com",
                sub="organization:acme:pipeline:fraud:ref:refs/heads/main:commit:*:step:*",
            ),
        ),
        passes(
            ROLE,
            _trust(provider="unknown:made.arn", aud="sts.amazonaws.com", sub="repo:acme/fraud:environment:prod"),
            _MADE,
            sources={"assumeRolePolicy": _MADE.urn},
        ),
        fails(ROLE, _trust(aud="sts.amazonaws.com", sub="repo:acme/*")),
        fails(
            ROLE,
            _trust(provider="unknown:made.arn", aud="sts.amazonaws.com", sub="repo:acme/*"),
            _MADE,
            sources={"assumeRolePolicy": _MADE.urn},
        ),
        fails(ROLE, _trust(sub="repo:acme/fraud:environment:prod")),
        fails(ROLE, _trust("gitlab.com", aud="sts", sub="project_path:acme/fraud:ref_type:branch:ref:*")),
        fails(ROLE, _trust(_BITBUCKET, aud="ari:cloud:bitbucket::workspace/1", sub="{11}:*")),
        fails(ROLE, _trust(_CIRCLE, aud="0f3c", sub="org/0f3c/project/*/user/*")),
        fails(ROLE, _trust(_CIRCLE, aud="0f3c", sub="org/0f3c/project/77/user/*/vcs-origin/*/vcs-ref/refs/heads/main")),
        fails(ROLE, _trust(_AZURE, aud="api://AzureADTokenExchange", sub="sc://acme/fraud/*")),
        fails(ROLE, _trust(_AZURE, aud="api://AzureADTokenExchange")),
        fails(ROLE, _trust("app.terraform.io", aud="aws.workload.identity", sub="organization:acme:*")),
        fails(
            ROLE,
            _trust(
                "agent.buildkite.com", aud="sts.amazonaws.com", sub="organization:acme:pipeline:fraud:ref:*:commit:*"
            ),
        ),
        skips(ROLE, _trust("oidc.eks.eu-west-1.amazonaws.com/id/ABC", sub="system:serviceaccount:ml:*")),
        waits(ROLE, {"assumeRolePolicy": UNKNOWN}),
        skips(
            ROLE,
            {"assumeRolePolicy": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}},
        ),
    ),
)
