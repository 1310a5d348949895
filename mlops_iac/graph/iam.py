"""IAM documents as values: statements that components grant and roles collect.

Statements name actions and resources; ``*`` is refused as an action, and as a resource unless the statement says
why the service allows nothing narrower. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlops_iac.graph.values import ToJson, Value


@dataclass(frozen=True, slots=True)
class Statement:
    """One permission: ``actions`` on ``resources`` under ``conditions``.

    ``unscoped`` gives the reason for the resource ``*`` where the action supports no resource-level permission.
    ``conditions`` maps operator to key to value, as in a policy document.
    """

    actions: tuple[str, ...]
    resources: tuple[Value, ...]
    conditions: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    unscoped: str = ""

    def __post_init__(self) -> None:
        for action in self.actions:
            if action.split(":")[-1] == "*":
                raise ValueError(f"IAM action {action!r} is a wildcard; name the actions")
        if "*" in self.resources and not self.unscoped:
            raise ValueError(f"IAM resource '*' for {', '.join(self.actions)} needs a reason in `unscoped`")


def policy_document(statements: Iterable[Statement]) -> ToJson:
    """An identity policy that allows exactly ``statements``, duplicates merged, in the order first given."""
    bodies: list[Value] = []
    for statement in statements:
        body = _allow(statement)
        if body not in bodies:
            bodies.append(body)
    return ToJson({"Version": "2012-10-17", "Statement": bodies})


def _allow(statement: Statement) -> dict[str, Value]:
    body: dict[str, Value] = {
        "Effect": "Allow",
        "Action": sorted(statement.actions),
        "Resource": list(statement.resources),
    }
    if statement.conditions:
        body["Condition"] = {operator: dict(keys) for operator, keys in statement.conditions.items()}
    return body


def service_trust(
    service: str, account: str, *, source_arn: Value | None = None, actions: tuple[str, ...] = ("sts:AssumeRole",)
) -> ToJson:
    """A trust policy for one AWS service acting for this account only (no confused deputy).

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    conditions: dict[str, Value] = {"StringEquals": {"aws:SourceAccount": account}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return ToJson(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": sorted(actions),
                    "Principal": {"Service": service},
                    "Condition": conditions,
                }
            ],
        }
    )


def pod_trust(account: str, cluster_arn: Value) -> ToJson:
    """A trust policy for EKS Pod Identity, limited to one cluster.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    return service_trust(
        "pods.eks.amazonaws.com", account, source_arn=cluster_arn, actions=("sts:AssumeRole", "sts:TagSession")
    )


def web_identity_trust(provider_arn: Value, host: str, audience: str, subjects: Iterable[str]) -> ToJson:
    """A trust policy for the tokens of one OIDC issuer, for one audience and those subjects only.

    ``host`` is the issuer as IAM spells it. A ``*`` in a subject is a pattern.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    listed = list(subjects)
    operator = "StringLike" if any("*" in subject for subject in listed) else "StringEquals"
    audiences: dict[str, Value] = {f"{host}:aud": audience}
    pinned: dict[str, Value] = {f"{host}:sub": listed}
    conditions: dict[str, Value] = (
        {"StringEquals": {**audiences, **pinned}}
        if operator == "StringEquals"
        else {"StringEquals": audiences, operator: pinned}
    )
    return ToJson(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["sts:AssumeRoleWithWebIdentity"],
                    "Principal": {"Federated": provider_arn},
                    "Condition": conditions,
                }
            ],
        }
    )
