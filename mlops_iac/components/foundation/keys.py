"""KMS keys: one customer-managed key for each data classification in use.

Creates a key with rotation, its alias and a key policy that leaves permissions to IAM and lets the AWS services that
encrypt on our behalf use the key for this account only.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example, Outputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, ToJson, Value
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.system import System

_ENCRYPTING_SERVICES = ("budgets", "cloudtrail", "cloudwatch", "costalerts", "delivery.logs", "events", "s3", "sns")


class KeysSpec(Spec, kw_only=True):
    """How the system's KMS keys behave; every system has them."""

    rotation: Annotated[bool, doc("Rotate the key material every year.")] = True


@dataclass(frozen=True, slots=True)
class KeysOutputs(Outputs):
    """The key of each classification."""

    arns: Mapping[str, Ref | str]

    def exports(self) -> Iterator[tuple[str, Value]]:
        yield from ((f"{classification}_arn", arn) for classification, arn in self.arns.items())

    def arn(self, classification: str = "internal") -> Ref | str:
        """ARN of the key that protects data of that classification."""
        return self.arns[classification]

    def use(self, *classifications: str, encrypt: bool = True) -> Statement:
        """Permission to decrypt with those keys, and to encrypt unless told otherwise."""
        actions = ("kms:Decrypt", "kms:DescribeKey", *(("kms:Encrypt", "kms:GenerateDataKey") if encrypt else ()))
        return Statement(actions, tuple(self.arn(name) for name in sorted(set(classifications))))


def build(name: str, spec: KeysSpec, ctx: BuildContext) -> KeysOutputs:
    """A key and an alias per classification."""
    arns = {}
    for classification in classifications_in_use(ctx.system):
        key = ctx.add(
            f"{classification}-key",
            "aws:kms/key:Key",
            {
                "description": f"{ctx.namer.prefix}: {classification} data",
                "enableKeyRotation": spec.rotation,
                "deletionWindowInDays": ctx.core.env.deletion_window.days,
                "policy": _key_policy(ctx),
                "tags": {"data-class": classification},
            },
            stateful=True,
        )
        ctx.add(
            f"{classification}-alias",
            "aws:kms/alias:Alias",
            {"name": f"alias/{ctx.namer.path(classification)}", "targetKeyId": key["keyId"]},
        )
        arns[classification] = key["arn"]
    return KeysOutputs(arns)


def classifications_in_use(system: System) -> tuple[str, ...]:
    """Every classification that a component declares, and ``internal`` for logs and metadata."""
    declared = {getattr(instance.spec, "classification", "internal") for instance in system.instances}
    return tuple(sorted(declared | {"internal"}))


def _key_policy(ctx: BuildContext) -> ToJson:
    account, region = ctx.core.cloud.account, ctx.core.cloud.region
    services: list[Value] = [f"{service}.amazonaws.com" for service in _ENCRYPTING_SERVICES]
    return ToJson(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AccountAdministersThroughIam",
                    "Effect": "Allow",
                    "Principal": {"AWS": ctx.arn("iam", "root", region=False)},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "ServicesOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": services},
                    "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": account}},
                },
                {
                    "Sid": "LogGroupsOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                    "Action": [
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey*",
                        "kms:ReEncrypt*",
                    ],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": ctx.arn("logs", "log-group:*")},
                    },
                },
            ],
        }
    )


COMPONENT = Component(
    kind="keys",
    label="keys",
    layer=Layer.FOUNDATION,
    token="mlops:foundation:Keys",
    spec=KeysSpec,
    build=build,
    many=False,
    always=True,
    examples=(Example("Keys that AWS renews every year", {"rotation": True}, {}),),
)
