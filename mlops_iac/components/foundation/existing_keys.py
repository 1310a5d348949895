"""KMS keys that somebody else owns, such as a security team that makes every key of the organisation.

Creates nothing. Each key's policy must let this account's identities use it through their own permissions, and the
services that encrypt with it: CloudWatch Logs, CloudTrail, SNS and S3 among them.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example, Problem
from mlops_iac.components.foundation.keys import KeysOutputs, classifications_in_use
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.system import Classification, System

MISSING_KEY = "MI3125"
"""No key is named for a classification that something is encrypted by."""

KeyArn = Annotated[
    str,
    doc(
        "ARN of a KMS key.",
        pattern="^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$",
        expects="the ARN of a KMS key",
    ),
]


class ExistingKeysSpec(Spec, kw_only=True):
    """Keys that exist already and stay their owner's."""

    arns: Annotated[
        dict[Classification, KeyArn],
        doc("ARN of the key of each classification in use; `internal` always is, for logs and metadata."),
    ]


def build(name: str, spec: ExistingKeysSpec, ctx: BuildContext) -> KeysOutputs:
    """What others encrypt with."""
    return KeysOutputs(dict(sorted(spec.arns.items())))


def check(name: str, spec: ExistingKeysSpec, system: System) -> Iterator[Problem]:
    """Every classification in use has its key."""
    for classification in classifications_in_use(system):
        if classification not in spec.arns:
            message = f"no key for the classification `{classification}`, which the system uses"
            yield Problem(MISSING_KEY, ("arns",), message, f"name one: {{{classification}: arn:aws:kms:...}}")


COMPONENT = Component(
    kind="keys",
    label="keys",
    layer=Layer.FOUNDATION,
    token="mlops:foundation:Keys",
    spec=ExistingKeysSpec,
    build=build,
    check=check,
    many=False,
    backend="existing",
    default_backend=False,
    examples=(
        Example(
            "The security team's key",
            {
                "backend": "existing",
                "arns": {"internal": "arn:aws:kms:eu-west-1:111122223333:key/0f3e5c1a-1111-2222-3333-444455556666"},
            },
            {},
        ),
    ),
)
