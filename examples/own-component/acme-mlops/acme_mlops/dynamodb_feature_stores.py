"""Feature stores in DynamoDB: the latest value of each feature, read in a few milliseconds, without SageMaker.

A second builder of the kind ``feature_stores``: whoever refers to the store gets the same outputs, with the permissions
that this store needs.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example
from mlops_iac.components.data.feature_stores import FeatureStoreOutputs, FeatureType
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.system import Classification


class DynamoFeatureStoreSpec(Spec, kw_only=True):
    """The latest value of each feature, in a DynamoDB table."""

    record_id: Annotated[
        str, doc("Feature that identifies a record, a string.", replaces=True, loses_data=True, min_length=1)
    ]
    event_time: Annotated[str, doc("Feature that says when a record was true.")]
    features: Annotated[dict[str, FeatureType], doc("Type of each feature, by name.", min_length=1)]
    expires: Annotated[
        str | None, doc("Feature that holds the second at which a record is deleted; unset keeps records.")
    ] = None
    classification: Annotated[Classification, doc("How sensitive the features are; chooses the KMS key.")] = "internal"


@dataclass(frozen=True, slots=True)
class DynamoFeatureStoreOutputs(FeatureStoreOutputs):
    """A feature store whose group is a table."""

    def ingest(self) -> tuple[Statement, ...]:
        """Permissions to write records."""
        return self._table("dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")

    def read(self) -> tuple[Statement, ...]:
        """Permissions to read records."""
        return self._table("dynamodb:BatchGetItem", "dynamodb:GetItem")

    def _table(self, *actions: str) -> tuple[Statement, ...]:
        return (
            Statement(("dynamodb:DescribeTable", *actions), (self.group_arn,)),
            Statement(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), (self.key_arn,)),
        )


def build(name: str, spec: DynamoFeatureStoreSpec, ctx: BuildContext) -> DynamoFeatureStoreOutputs:
    """The table."""
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    table = ctx.add(
        "table",
        "aws:dynamodb/table:Table",
        {
            "name": ctx.namer.cloud(name, limit=255),
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": spec.record_id,
            "attributes": [{"name": spec.record_id, "type": "S"}],
            "ttl": {"attributeName": spec.expires, "enabled": True} if spec.expires else None,
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": key},
            "pointInTimeRecovery": {"enabled": True},
            "deletionProtectionEnabled": ctx.core.env.protect_data,
        },
        stateful=True,
    )
    return DynamoFeatureStoreOutputs(
        group_name=table["name"],
        group_arn=table["arn"],
        key_arn=key,
        classification=spec.classification,
        online=True,
        offline_uri="",
        database=None,
        history=(),
        ready=(table,),
    )


COMPONENT = Component(
    kind="feature_stores",
    label="feature store",
    layer=Layer.DATA,
    token="mlops:data:FeatureStore",
    spec=DynamoFeatureStoreSpec,
    build=build,
    uses=("keys",),
    backend="dynamodb",
    default_backend=False,
    examples=(
        Example(
            "What a session did in the last hour",
            {
                "sessions": {
                    "backend": "dynamodb",
                    "record_id": "session_id",
                    "event_time": "event_time",
                    "expires": "expires_at",
                    "features": {"clicks": "integer", "expires_at": "integer"},
                }
            },
            {},
        ),
    ),
)
