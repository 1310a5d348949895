"""What delivery files are made from: a system's repository, its environments, and the roles that its jobs take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlops_iac.graph.naming import Namer

ROLE_PATH = "/mlops-iac/"
"""IAM path of the roles of delivery: they can neither change nor pass what is below it."""


class Access(StrEnum):
    """What a job may do in the cloud."""

    NONE = "none"
    PLAN = "plan"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Target:
    """One environment that is delivered to. ``approvers`` are teams or people, as the forge or CI names them.

    ``state_key`` is the alias of the KMS key that seals secrets in the state.
    """

    name: str
    account: str
    region: str
    partition: str = "aws"
    approvers: tuple[str, ...] = ()
    state_bucket: str = ""
    state_key: str = ""


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Ids that a CI system puts into its tokens, as its settings show them; empty where it needs none."""

    issuer: str = ""
    organization: str = ""
    project: str = ""
    environments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a CI system's tokens say it is: the OIDC issuer, the audience, and the subject of each kind of job.

    A subject may have ``*`` only where the CI system puts in something that changes with each run.
    """

    issuer: str
    audience: str
    plan: tuple[str, ...]
    apply: tuple[str, ...]

    @property
    def host(self) -> str:
        """The issuer as IAM spells it in ARNs and condition keys."""
        return self.issuer.removeprefix("https://").rstrip("/")


@dataclass(frozen=True, slots=True)
class Project:
    """One system and how it is delivered.

    ``folder`` leads from the repository's root to ``system.yaml``. ``deploy``: merges are applied, not only changes
    previewed. ``code_scanning``: findings go to the forge's code scanning where it has one. ``overrides``: those that
    its files were made with.
    """

    system: str
    repository: str
    targets: tuple[Target, ...]
    folder: str = "."
    branch: str = "main"
    deploy: bool = True
    code_scanning: bool = False
    schedule: str = "17 4 * * *"
    install: tuple[str, ...] = ()
    forge: str = ""
    ids: Identifiers = Identifiers()
    overrides: tuple[str, ...] = ()

    def target(self, environment: str) -> Target:
        """The environment of that name."""
        return next(target for target in self.targets if target.name == environment)


def role_name(system: str, target: Target, access: Access) -> str:
    """Name of the role that jobs with that access take; it is below ``ROLE_PATH``."""
    return Namer(system, target.name, target.account, target.region).cloud("ci", access.value, limit=64)


def role_arn(system: str, target: Target, access: Access) -> str:
    """ARN of that role."""
    return f"arn:{target.partition}:iam::{target.account}:role{ROLE_PATH}{role_name(system, target, access)}"


def backend(target: Target) -> str:
    """URL of the Pulumi backend that keeps the environment's state.

    Source: https://www.pulumi.com/docs/iac/concepts/state-and-backends/#using-a-self-managed-backend
    """
    return f"s3://{target.state_bucket}?region={target.region}"


def secrets_provider(target: Target) -> str:
    """URL of the KMS key that Pulumi seals the environment's secrets with; a role's identity opens it, no passphrase.

    Source: https://www.pulumi.com/docs/iac/concepts/secrets/#aws-key-management-service-kms
    """
    return f"awskms://alias/{target.state_key}?region={target.region}"


def grant_name(project: Project, target: Target, access: Access) -> str:
    """Name of what stands for a role in the CI system: a context, a credential, a service connection."""
    return f"mlops-iac-{project.system}-{target.name}-{access.value}"
