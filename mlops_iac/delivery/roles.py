"""What the roles of delivery may do: manage exactly the resource types that the system declares, below its names.

The plan role reads how resources are set up, never what is in them. Neither role can change or pass a role below
``ROLE_PATH``, so a run cannot widen its own rights: that is for the person who applies the delivery component. Services
that make up their own ids are limited to account and region, and keys to those that carry the system's tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mlops_iac.delivery.project import ROLE_PATH, Access, Target
from mlops_iac.diagnostics import Diagnostic, Severity
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Graph
from mlops_iac.providers.permissions import Action, Permission, actions_for
from mlops_iac.spec.system import System

NOT_GRANTED: Final = "MI3635"
"""CI's roles cannot manage a resource type, since nobody says which actions that takes."""
_ROLE: Final = "aws:iam/role:Role"

_MADE_UP_IDS: Final = frozenset(
    {
        "access-analyzer", "application-autoscaling", "autoscaling", "billing", "config", "ec2", "elasticfilesystem",
        "guardduty", "lakeformation", "organizations", "s3tables", "vpc-lattice", "vpce",
    }
)  # fmt: skip
"""Services whose resources AWS names."""
_FOREIGN_PREFIXES: Final = frozenset({"logs", "cloudwatch"})
"""Services where the system's name stands behind a prefix of another service: ``/aws/lambda/...``."""
_CONTENTS: Final = frozenset(
    {
        "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "ecr:BatchGetImage", "kinesis:GetRecords",
        "lakeformation:GetDataAccess", "s3:GetObject", "s3:GetObjectVersion", "secretsmanager:GetSecretValue",
        "ssm:GetParameter", "ssm:GetParameters",
    }
)  # fmt: skip
"""Actions that read what is stored, and not how it is stored."""
_GRANTED_APART: Final = frozenset({"iam:CreateServiceLinkedRole", "iam:PassRole"})
"""What types need, and what is for other resources than those of the system's names."""
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "compute": (
        "application-autoscaling", "autoscaling", "ecr", "eks", "elasticfilesystem",
    ),
    "data": ("athena", "firehose", "glue", "kinesis", "lakeformation", "s3tables", "secretsmanager"),
    "databases": ("dynamodb", "rds"),
    "functions": ("lambda", "states"),
    "models": ("sagemaker",),
    "network": ("ec2", "vpc-lattice", "vpce"),
    "security": ("access-analyzer", "cloudtrail", "config", "guardduty", "iam", "kms", "organizations"),
    "storage": ("s3",),
}  # fmt: skip
"""Services that share one managed policy. One has at most 6,144 characters, and a role has at most ten."""
_OTHERS: Final = "operations"

_NO_NARROWER: Final = "the Service Authorization Reference has no resource type for them"


def statements(
    system: str,
    target: Target,
    access: Access,
    types: Iterable[str],
    services: Iterable[str] = (),
    declared: Mapping[str, Permission] | None = None,
) -> dict[str, list[Statement]]:
    """The permissions of a role, by the name of the policy that they go into.

    ``types`` are the resource types of the system, ``services`` the AWS services that may be given its roles,
    ``declared`` what its components state of types that nobody else knows.
    """
    found: dict[str, list[Statement]] = {}
    listed = (action for type in types for action in actions_for(type, declared))
    granted = {action.name: action for action in listed if _is_for(access, action)}
    by_service: dict[str, list[Action]] = {}
    for _, action in sorted(granted.items()):
        by_service.setdefault(action.service, []).append(action)
    for service, actions in by_service.items():
        found.setdefault(_group(service), []).extend(_of_service(system, target, service, actions))
    found.setdefault("state", []).extend(_state(system, target, access))
    found["state"] += _own_roles(target)
    if access is Access.APPLY:
        found["state"] += _roles_of_services(system, target, services)
    return dict(sorted(found.items()))


def declared_permissions(system: System) -> dict[str, Permission]:
    """What the system's components state of resource types, by type."""
    return {type: stated for each in system.instances for type, stated in each.component.permissions.items()}


def ungranted(graph: Graph, system: System) -> tuple[Diagnostic, ...]:
    """Warnings of resources that the roles made in ``graph`` may not manage, because nobody says what that takes."""
    nodes = tuple(graph.nodes())
    if not any(node.component == ("delivery",) and node.type == _ROLE for node in nodes):
        return ()
    declared = declared_permissions(system)
    first = {
        node.type: node for node in reversed(nodes) if node.custom and node.type.startswith(("aws:", "aws-native:"))
    }
    return tuple(
        Diagnostic(
            NOT_GRANTED,
            f"CI's roles may not manage {type}: it is not known which actions that takes",
            "state them in `permissions` of the component that adds it, or apply it yourself",
            node.source,
            node.component,
            Severity.WARNING,
        )
        for type, node in sorted(first.items())
        if not actions_for(type, declared)
    )


def _is_for(access: Access, action: Action) -> bool:
    if action.name in _GRANTED_APART:
        return False
    return access is Access.APPLY or (action.reads and action.name not in _CONTENTS)


def _group(service: str) -> str:
    return next((group for group, services in _GROUPS.items() if service in services), _OTHERS)


def _of_service(system: str, target: Target, service: str, actions: Iterable[Action]) -> Iterator[Statement]:
    listed = tuple(actions)
    narrowed = tuple(action for action in listed if action.resources)
    anywhere = tuple(action.name for action in listed if not action.resources)
    if narrowed:
        resources = sorted({_arn(system, target, service, form) for action in narrowed for form in action.resources})
        yield Statement(
            tuple(action.name for action in narrowed), tuple(_widest(resources)), _tagged(system, target, service)
        )
    if anywhere:
        yield Statement(anywhere, ("*",), unscoped=_NO_NARROWER)


def _arn(system: str, target: Target, service: str, form: str) -> str:
    """An ARN format of a service as a pattern of what is the system's own."""
    places = {"Partition": target.partition, "Region": target.region, "Account": target.account}
    text = re.sub(r"\$\{(Partition|Region|Account)\}", lambda match: places[match[1]], form)
    head, variable, _ = text.partition("${")
    if not variable:
        return text
    if service == "kms":
        return f"{head}*"
    if service in _MADE_UP_IDS:
        return f"{':'.join(text.split(':')[:5])}:*"
    return f"{head}{'*' if service in _FOREIGN_PREFIXES else ''}{_own_names(system, target)}"


def _own_names(system: str, target: Target) -> str:
    """A pattern of every name that ``graph.naming`` makes; ``?`` stands for its separators."""
    return f"{re.sub('[^a-z0-9]', '?', system)}?{target.name}?*"


def _widest(patterns: Iterable[str]) -> Iterator[str]:
    """Patterns without those that another one covers."""
    listed = list(patterns)
    for pattern in listed:
        if not any(other != pattern and other.endswith("*") and pattern.startswith(other[:-1]) for other in listed):
            yield pattern


def _tagged(system: str, target: Target, service: str) -> dict[str, dict[str, str]]:
    if service != "kms":
        return {}
    return {"StringEquals": {"aws:ResourceTag/ml-system": system, "aws:ResourceTag/environment": target.name}}


def _state(system: str, target: Target, access: Access) -> Iterator[Statement]:
    """The bucket that keeps the Pulumi state. Only an apply writes it."""
    bucket = f"arn:{target.partition}:s3:::{target.state_bucket}"
    yield Statement(("s3:GetBucketLocation", "s3:ListBucket"), (bucket,))
    writes = ("s3:DeleteObject", "s3:PutObject") if access is Access.APPLY else ()
    yield Statement(("s3:GetObject", *writes), (f"{bucket}/.pulumi/*",))
    uses = ("kms:Encrypt", "kms:GenerateDataKey") if access is Access.APPLY else ()
    keys = f"arn:{target.partition}:kms:{target.region}:{target.account}:key/*"
    alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/{target.state_key}"}}
    yield Statement(("kms:Decrypt", "kms:DescribeKey", *uses), (keys,), alias)


def _own_roles(target: Target) -> Iterator[Statement]:
    """Reading the roles of delivery, which are part of the system too."""
    arn = f"arn:{target.partition}:iam::{target.account}"
    reads = (
        "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:ListAttachedRolePolicies",
        "iam:ListPolicyVersions", "iam:ListRolePolicies",
    )  # fmt: skip
    yield Statement(reads, (f"{arn}:role{ROLE_PATH}*", f"{arn}:policy{ROLE_PATH}*"))
    yield Statement(("iam:GetOpenIDConnectProvider",), (f"{arn}:oidc-provider/*",))


def _roles_of_services(system: str, target: Target, services: Iterable[str]) -> Iterator[Statement]:
    """Handing the system's roles to the services that work with them, and letting services make their own."""
    roles = f"arn:{target.partition}:iam::{target.account}:role"
    passed_to = sorted(services)
    if passed_to:
        own = f"{roles}/{_own_names(system, target)}"
        yield Statement(("iam:PassRole",), (own,), {"StringEquals": {"iam:PassedToService": passed_to}})
    yield Statement(("iam:CreateServiceLinkedRole",), (f"{roles}/aws-service-role/*",))
