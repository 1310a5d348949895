"""How the system is delivered: which CI system previews, plans and applies it, and with which rights.

``mlops-iac delivery`` writes the CI system's files. What is made in the account, per environment, is the trust that
those jobs need instead of stored keys: the OIDC identity provider, a role that only reads (plans and drift) and one
that changes (applies after approval), each for one repository and one branch or environment. Sources:
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from mlops_iac import __version__
from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.delivery.forges import forge_names
from mlops_iac.delivery.project import (
    ROLE_PATH,
    Access,
    Identifiers,
    Identity,
    Project,
    Target,
    role_name,
)
from mlops_iac.delivery.provider import Provider
from mlops_iac.delivery.registry import provider_names, providers
from mlops_iac.delivery.roles import declared_permissions, statements
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.iam import policy_document, web_identity_trust
from mlops_iac.graph.nodes import Layer, Node
from mlops_iac.graph.values import Ref, ToJson, Value
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.quantities import Cron
from mlops_iac.spec.system import Core, System

IDENTIFIER_MISSING = "MI3630"
"""A CI system's tokens name it by an id that the section does not give."""
NO_APPROVER = "MI3631"
"""An environment wants approval for deployments, and nobody is named who gives it."""
NOT_DELIVERED = "MI3632"
"""The environment is not among those that are delivered, or approvers are named for one that is not."""
NO_KEYLESS_ACCESS = "MI3633"
"""The CI system has no OIDC tokens: it can preview, and nothing else without a stored key."""

if TYPE_CHECKING:
    ProviderName = str
    ForgeName = str
else:
    # Whatever file or package brings one: the names that the registries find.
    ProviderName = Literal[provider_names()]
    ForgeName = Literal[forge_names()]

Environment = Literal["dev", "staging", "prod"]
Approver = Annotated[
    str,
    doc(
        "A team or person.",
        pattern="^[A-Za-z0-9][A-Za-z0-9 ._@/-]{0,99}$",
        expects="a team or user name of the forge, such as risk-leads or acme/risk-leads",
    ),
]
_ID: Final = "^[A-Za-z0-9{}_./-]{1,100}$"


class IdentitySpec(Spec, kw_only=True):
    """Ids that the CI system puts into its tokens. GitHub and GitLab need none; the others show them in settings."""

    issuer: Annotated[
        str,
        doc(
            "Issuer of the tokens, where it is your own: https://jenkins.example.com/oidc, or a self-managed GitLab.",
            pattern="^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*$",
            expects="an https address without a trailing slash",
        ),
    ] = ""
    organization: Annotated[
        str, doc("Id of the organisation: CircleCI and Azure DevOps; of the workspace: Bitbucket.", pattern=_ID)
    ] = ""
    project: Annotated[
        str, doc("Id of the project: CircleCI; of the repository: Bitbucket; path of the job: Jenkins.", pattern=_ID)
    ] = ""
    environments: Annotated[
        dict[str, Annotated[str, doc("An id.", pattern=_ID)]],
        doc("Id of each deployment environment of the CI system: Bitbucket."),
    ] = {}
    made_in: Annotated[
        Literal["dev", "staging", "prod", "each", "none"] | None,
        doc(
            "An account has one identity provider per issuer. Environment that makes it for those that share its "
            "account; each: every environment has an account of its own; none: the account has it already. Unset: the "
            "first of `environments`."
        ),
    ] = None


class DeliverySpec(Spec, kw_only=True):
    """How changes of the system are previewed, reviewed and applied."""

    provider: Annotated[
        ProviderName,
        doc("CI system whose files `mlops-iac delivery` writes."),
    ]
    repository: Annotated[
        str,
        doc(
            "Repository that may plan and apply, as its forge names it.",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){1,4}$",
            expects="a path such as acme/fraud-ml",
        ),
    ]
    branch: Annotated[
        str,
        doc(
            "Protected branch whose merges are applied.",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
            expects="a branch name of letters, digits, dots, hyphens and slashes",
        ),
    ] = "main"
    deploy: Annotated[
        bool, doc("Plan and apply merges, and look for drift. False: changes are previewed, and nothing else.")
    ] = True
    code_scanning: Annotated[
        bool,
        doc(
            "Show findings in GitHub's code scanning, at their lines. It is free for public repositories; private ones "
            "need GitHub Code Security."
        ),
    ] = False
    environments: Annotated[
        tuple[Environment, ...],
        doc("Environments that a merge is applied to, in this order; each waits for the one before.", min_length=1),
    ] = ("dev", "staging", "prod")
    approve: Annotated[
        dict[Environment, list[Approver]],
        doc("Who must approve a plan before it is applied, by environment."),
    ] = {}
    drift: Annotated[Cron, doc("When to look for changes made by hand, in UTC.")] = Cron("17 4 * * *")
    install: Annotated[
        tuple[str, ...],
        doc("Arguments of `pip install` in every job; empty: this version of mlops-iac with its pulumi extra."),
    ] = ()
    state_bucket: Annotated[
        str,
        doc(
            "Bucket that keeps the Pulumi state. Empty: <system>-pulumi-state-<account>. Made once by a person.",
            pattern="^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
            expects="a bucket name",
        ),
    ] = ""
    state_key: Annotated[
        str,
        doc(
            "Alias, without alias/, of the KMS key that seals secrets in the Pulumi state. Empty: that of the bucket's "
            "name, with hyphens for dots. Made once by a person.",
            pattern="^([A-Za-z0-9_-][A-Za-z0-9/_-]{0,249})?$",
            expects="an alias of letters, digits, hyphens, underscores and slashes",
        ),
    ] = ""
    forge: Annotated[
        ForgeName | None,
        doc("Where the repository is, for CI systems that have none of their own. Unset: github for those."),
    ] = None
    identity: Annotated[IdentitySpec, doc("Ids that the CI system puts into its tokens.")] = IdentitySpec()


@dataclass(frozen=True, slots=True)
class DeliveryOutputs(Outputs):
    """ARNs of the two roles, where the CI system can take one."""

    plan_role_arn: Ref | None = None
    apply_role_arn: Ref | None = None


def target_of(spec: DeliverySpec, core: Core) -> Target:
    """The environment that a system was composed for, as delivery sees it."""
    cloud, name = core.cloud, core.env.name
    bucket = spec.state_bucket or f"{core.system.name}-pulumi-state-{cloud.account}"
    approvers = tuple(spec.approve.get(name, ()))
    key = spec.state_key or bucket.replace(".", "-")
    return Target(name, cloud.account, cloud.region, cloud.partition, approvers, bucket, key)


def project_of(spec: DeliverySpec, core: Core, targets: Iterable[Target], folder: str = ".") -> Project:
    """What delivery files are made from; ``folder`` leads from the repository's root to the system."""
    ids = spec.identity
    return Project(
        system=core.system.name,
        repository=spec.repository,
        targets=tuple(targets),
        folder=folder,
        branch=spec.branch,
        deploy=spec.deploy,
        code_scanning=spec.code_scanning,
        schedule=spec.drift.expression,
        install=spec.install or (f"mlops-iac[pulumi]=={__version__}",),
        forge=spec.forge or "",
        ids=Identifiers(ids.issuer, ids.organization, ids.project, {**ids.environments}),
    )


def build(name: str, spec: DeliverySpec, ctx: BuildContext) -> DeliveryOutputs:
    """The identity provider where this environment makes it, and the two roles of its jobs."""
    if not spec.deploy or ctx.core.env.name not in spec.environments:
        return DeliveryOutputs()
    target = target_of(spec, ctx.core)
    project = project_of(spec, ctx.core, [target])
    identify = providers()[spec.provider].identity
    if identify is None:
        return DeliveryOutputs()
    identity = identify(project, target)
    issuer = _identity_provider(spec, identity, ctx)
    roles = {access: _role(project, target, access, identity, issuer, ctx) for access in (Access.PLAN, Access.APPLY)}
    return DeliveryOutputs(roles[Access.PLAN]["arn"], roles[Access.APPLY]["arn"])


def _identity_provider(spec: DeliverySpec, identity: Identity, ctx: BuildContext) -> Value:
    made_in = spec.identity.made_in or spec.environments[0]
    if made_in not in ("each", ctx.core.env.name):
        return ctx.arn("iam", f"oidc-provider/{identity.host}", region=False)
    made = ctx.add(
        "identity-provider",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {"url": identity.issuer, "clientIdLists": [identity.audience]},
    )
    return made["arn"]


def _role(
    project: Project, target: Target, access: Access, identity: Identity, issuer: Value, ctx: BuildContext
) -> Handle:
    subjects = identity.plan if access is Access.PLAN else identity.apply
    name = role_name(project.system, target, access)
    role = ctx.role(
        access.value,
        (),
        trust=web_identity_trust(issuer, identity.host, identity.audience, subjects),
        name=name,
        path=ROLE_PATH,
    )
    services = set(_passed_to(ctx.assembly.nodes.values()))
    declared = declared_permissions(ctx.system)
    for group, granted in statements(project.system, target, access, ctx.types(), services, declared).items():
        policy_name = f"{name}-{group}"
        policy = ctx.add(
            f"{access.value}-{group}",
            "aws:iam/policy:Policy",
            {
                "name": policy_name,
                "path": ROLE_PATH,
                "description": f"{access.value} of {project.system} {target.name}: {group}",
                "policy": policy_document(granted),
            },
        )
        ctx.add(
            f"{access.value}-{group}-attached",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": role["name"], "policyArn": ctx.arn("iam", f"policy{ROLE_PATH}{policy_name}", region=False)},
            depends_on=[policy],
        )
    return role


def _passed_to(nodes: Iterable[Node]) -> Iterator[str]:
    """The AWS services that the system's roles trust."""
    for node in nodes:
        trust = node.inputs.get("assumeRolePolicy")
        if isinstance(trust, ToJson):
            yield from _services(trust.value)


def _services(document: Any) -> Iterator[str]:
    for statement in document.get("Statement", ()):
        service = statement.get("Principal", {}).get("Service")
        yield from [service] if isinstance(service, str) else service or ()


def card(name: str, spec: DeliverySpec, system: System) -> CardEntry:
    """Where changes come from, and who agrees to them."""
    approvers = (f"{place}: {', '.join(people)}" for place, people in spec.approve.items())
    return CardEntry(
        CardStage.DELIVERY,
        facts(
            ("changed by", f"merges to {spec.branch} of {spec.repository}, through {providers()[spec.provider].label}"),
            ("approved by", "; ".join(approvers) or "nobody in particular"),
        ),
    )


def check(name: str, spec: DeliverySpec, system: System) -> Iterable[Problem]:
    """The ids that the CI system needs are given, and somebody approves where the environment wants it."""
    if not spec.deploy:
        return
    provider = providers()[spec.provider]
    environment = system.core.env
    for key in _missing(provider, spec):
        yield Problem(
            IDENTIFIER_MISSING,
            (),
            f"{provider.label} names its jobs by an id that is not given: identity.{key}",
            f"its settings show it; see {provider.source_url}",
        )
    for named in spec.approve:
        if named not in spec.environments:
            yield Problem(
                NOT_DELIVERED,
                ("approve", named),
                f"approvers are named for {named}, which is not among the delivered environments",
                f"add {named} to `environments`, or leave its approvers out",
            )
    wanted = environment.name in spec.environments and environment.approval != "none"
    if wanted and not spec.approve.get(environment.name):
        yield Problem(
            NO_APPROVER,
            (),
            f"{environment.name} wants approval for deployments (env.approval: {environment.approval}), and nobody "
            "is named who gives it",
            f"write approve: {{{environment.name}: [a-team]}}",
            Severity.WARNING,
        )
    if provider.identity is None:
        yield Problem(
            NO_KEYLESS_ACCESS,
            ("provider",),
            f"{provider.label} has no identity tokens, so its jobs preview changes and do not plan, apply or look for "
            "drift: that would need a stored key",
            "apply from another CI system, or by hand with `mlops-iac up --plan`",
            Severity.WARNING,
        )


def _missing(provider: Provider, spec: DeliverySpec) -> Iterator[str]:
    """The keys below ``identity`` that the provider cannot do without."""
    yield from (key for key in provider.needs if not getattr(spec.identity, key))
    for target in spec.environments:
        for suffix in provider.needs_environments:
            if f"{target}{suffix}" not in spec.identity.environments:
                yield f"environments.{target}{suffix}"


COMPONENT = Component(
    kind="delivery",
    label="delivery",
    layer=Layer.OPERATIONS,
    token="mlops:operations:Delivery",
    spec=DeliverySpec,
    build=build,
    card=card,
    check=check,
    many=False,
    last=True,
    examples=(
        Example(
            "GitHub Actions, with approval for production",
            {"provider": "github", "repository": "acme/fraud-ml", "approve": {"prod": ["risk-leads"]}},
            {"buckets": {"raw": {"classification": "internal"}}},
        ),
        Example(
            "A self-managed GitLab, development only",
            {
                "provider": "gitlab",
                "repository": "acme/ml/fraud",
                "environments": ["dev"],
                "identity": {"issuer": "https://gitlab.example.com", "made_in": "none"},
            },
            {},
        ),
        Example(
            "Bitbucket names its workspace, repository and environments by id",
            {
                "provider": "bitbucket",
                "repository": "acme/fraud-ml",
                "environments": ["dev"],
                "identity": {
                    "organization": "6f2a7e1c-1111-2222-3333-444455556666",
                    "project": "{9d2a7e1c-1111-2222-3333-444455556666}",
                    "environments": {
                        "dev": "{0a2a7e1c-1111-2222-3333-444455556666}",
                        "dev-plan": "{1a2a7e1c-1111-2222-3333-444455556666}",
                    },
                },
            },
            {},
        ),
    ),
)
