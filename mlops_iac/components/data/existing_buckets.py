"""Buckets that somebody else owns: a landing zone's, another team's, or one that a Pulumi program makes itself.

Creates nothing. Whatever refers to the bucket gets permissions for it as for one of the system's own. How it is
encrypted, versioned and kept is its owner's word, and so is what its bucket policy allows this account.
"""

from __future__ import annotations

from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.graph.naming import Namer
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.system import Classification, System


class ExistingBucketSpec(Spec, kw_only=True):
    """An S3 bucket that exists already and stays its owner's."""

    name: Annotated[
        str,
        doc(
            "Name of the bucket. To start a retraining by new objects, it must send its events to EventBridge.",
            pattern="^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            expects="the name of an S3 bucket",
        ),
    ]
    key_arn: Annotated[
        str,
        doc(
            "ARN of the KMS key that its objects are encrypted with.",
            pattern="^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$",
            expects="the ARN of a KMS key",
        ),
    ]
    classification: Annotated[Classification, doc("How sensitive the objects are.")] = "internal"
    personal_data: Annotated[bool, doc("Whether objects hold data about people (GDPR).")] = False

    def bucket_name(self, name: str, namer: Namer) -> str:
        """The bucket's name in S3."""
        return self.name


def build(name: str, spec: ExistingBucketSpec, ctx: BuildContext) -> BucketOutputs:
    """What others need to know of it."""
    return BucketOutputs(
        spec.name, f"arn:{ctx.partition}:s3:::{spec.name}", spec.key_arn, spec.classification, ready=()
    )


def card(name: str, spec: ExistingBucketSpec, system: System) -> CardEntry:
    kept = facts(("owned by", "somebody else"), ("bucket", spec.name))
    return CardEntry(CardStage.DATA, kept, spec.classification, spec.personal_data)


COMPONENT = Component(
    kind="buckets",
    label="bucket",
    layer=Layer.DATA,
    token="mlops:data:Bucket",
    spec=ExistingBucketSpec,
    build=build,
    card=card,
    backend="existing",
    default_backend=False,
    examples=(
        Example(
            "Transactions in the landing zone",
            {
                "transactions": {
                    "backend": "existing",
                    "name": "acme-landing-zone-transactions",
                    "key_arn": "arn:aws:kms:eu-west-1:111122223333:key/0f3e5c1a-1111-2222-3333-444455556666",
                    "classification": "confidential",
                }
            },
            {},
        ),
    ),
)
