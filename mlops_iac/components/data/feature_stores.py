"""Feature stores: a SageMaker feature group with an encrypted online and offline store.

Creates the feature group, the Glue database in which Feature Store keeps the offline table, and the role with which it
writes the offline store.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import Classification, System

BAD_FEATURE_NAME = "MI3410"
"""A feature's name is not one that SageMaker and the offline table accept."""
DUPLICATE_COLUMN = "MI3411"
"""Two features differ only in case, which the offline table cannot tell apart."""
BAD_EVENT_TIME = "MI3412"
"""The event time is declared with a type that cannot hold a time."""
NO_STORE = "MI3413"
"""Neither the online nor the offline store is on."""
TOO_MANY_FEATURES = "MI3414"
"""The feature group has more features than SageMaker takes."""
BAD_RECORD_ID = "MI3415"
"""The record id is declared with a type that cannot identify a record, or is also the event time."""

FeatureType = Literal["float", "string", "integer"]

_SAGEMAKER_TYPES: dict[FeatureType, str] = {"float": "Fractional", "string": "String", "integer": "Integral"}
_NAME = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}")
_RESERVED = frozenset({"is_deleted", "write_time", "api_invocation_time"})
_MOST_FEATURES = 2500
_SENSITIVITY: tuple[Classification, ...] = ("public", "internal", "confidential", "restricted")
_TTL_UNITS = (("Weeks", 604800), ("Days", 86400), ("Hours", 3600), ("Minutes", 60), ("Seconds", 1))


class OnlineStoreSpec(Spec, kw_only=True):
    """The online store: the newest record of each id, read within milliseconds."""

    enabled: Annotated[bool, doc("Whether records can be read online.", replaces=True, loses_data=True)] = True
    ttl: Annotated[Duration | None, doc("How long a record stays online; unset keeps it for ever.")] = None


class OfflineStoreSpec(Spec, kw_only=True):
    """The offline store: every record ever written, as files for training and audit."""

    bucket: Annotated[str, doc("Bucket that holds the records.", ref="buckets", replaces=True, loses_data=True)]
    prefix: (
        Annotated[
            str,
            doc(
                "Folder in the bucket, with a slash at the end; unset takes `feature-store/`.",
                pattern="^([^/]+/)+$",
                expects="a folder such as features/",
                replaces=True,
                loses_data=True,
            ),
        ]
        | None
    ) = None
    table: Annotated[
        Literal["glue", "iceberg"],
        doc(
            "Format of the table: Glue (Parquet files) or Apache Iceberg, which compacts them.",
            replaces=True,
            loses_data=True,
        ),
    ] = "glue"


class FeatureStoreSpec(Spec, kw_only=True):
    """A group of features that training and serving share."""

    record_id: Annotated[
        str,
        doc(
            "Feature that identifies a record; added as a string where it is not among `features`.",
            replaces=True,
            loses_data=True,
        ),
    ]
    event_time: Annotated[
        str,
        doc(
            "Feature that says when a record was true; added as a string (ISO 8601, UTC) where it is not among "
            "`features`, and declared there as float for seconds since 1970.",
            replaces=True,
            loses_data=True,
        ),
    ]
    features: Annotated[
        dict[str, FeatureType],
        doc(
            "Type of each feature, by name. Every change replaces the group and loses its records: SageMaker can add a "
            "feature in place, the provider cannot (terraform-provider-aws #26809).",
            replaces=True,
            loses_data=True,
            min_length=1,
        ),
    ]
    online: Annotated[OnlineStoreSpec, doc("The online store.")] = OnlineStoreSpec()
    offline: Annotated[OfflineStoreSpec | None, doc("The offline store; unset keeps no history.")] = None
    classification: Annotated[
        Classification,
        doc("How sensitive the features are; the offline bucket's classification counts where it is stricter."),
    ] = "internal"
    description: Annotated[str, doc("What the features describe.", max_length=128)] | None = None


@dataclass(frozen=True, slots=True)
class FeatureStoreOutputs(Outputs):
    """A feature group that others write to and read from."""

    group_name: Ref
    group_arn: Ref
    key_arn: Ref | str
    classification: Classification
    online: bool
    offline_uri: Value
    database: Ref | None
    history: tuple[Statement, ...]
    ready: tuple[Handle, ...]

    def ingest(self) -> tuple[Statement, ...]:
        """Permissions to write records through the Feature Store API."""
        return (
            Statement(("sagemaker:DescribeFeatureGroup", "sagemaker:PutRecord"), (self.group_arn,)),
            Statement(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), (self.key_arn,)),
        )

    def read(self) -> tuple[Statement, ...]:
        """Permissions to read records online, and the whole history offline."""
        online = ("sagemaker:BatchGetRecord", "sagemaker:GetRecord") if self.online else ()
        return (
            Statement(("sagemaker:DescribeFeatureGroup", *online), (self.group_arn,)),
            Statement(("kms:Decrypt", "kms:DescribeKey"), (self.key_arn,)),
            *self.history,
        )


def definitions(spec: FeatureStoreSpec) -> dict[str, FeatureType]:
    """Every feature of the group in declared order, after the record id and event time where those are implied."""
    implied: dict[str, FeatureType] = {spec.record_id: "string", spec.event_time: "string"}
    return {**{name: type_ for name, type_ in implied.items() if name not in spec.features}, **spec.features}


def build(name: str, spec: FeatureStoreSpec, ctx: BuildContext) -> FeatureStoreOutputs:
    """The feature group with what its offline store needs."""
    bucket = ctx.get("buckets", spec.offline.bucket, BucketOutputs) if spec.offline else None
    classification = _stricter(spec.classification, bucket)
    key = ctx.get("keys", "keys", KeysOutputs).arn(classification)
    offline = _offline(name, spec.offline, bucket, ctx) if spec.offline and bucket else None
    role = ctx.role("role", offline.role_statements if offline else (), service="sagemaker.amazonaws.com")
    group = ctx.add(
        "group",
        "aws:sagemaker/featureGroup:FeatureGroup",
        {
            "featureGroupName": ctx.namer.cloud(name, limit=64),
            "recordIdentifierFeatureName": spec.record_id,
            "eventTimeFeatureName": spec.event_time,
            "featureDefinitions": [
                {"featureName": feature, "featureType": _SAGEMAKER_TYPES[type_]}
                for feature, type_ in definitions(spec).items()
            ],
            "roleArn": role["arn"],
            "description": spec.description,
            "onlineStoreConfig": _online_store(spec.online, key),
            "offlineStoreConfig": offline.config if offline else None,
            "tags": {"data-class": classification},
        },
        stateful=True,
        depends_on=(*ctx.role_ready(role), *(bucket.ready if bucket else ())),
    )
    return FeatureStoreOutputs(
        group["featureGroupName"],
        group["arn"],
        key,
        classification,
        spec.online.enabled,
        offline.uri if offline else None,
        offline.database["name"] if offline else None,
        offline.read_statements if offline else (),
        (group,),
    )


@dataclass(frozen=True, slots=True)
class _Offline:
    config: dict[str, Value]
    uri: Value
    database: Handle
    role_statements: tuple[Statement, ...]
    read_statements: tuple[Statement, ...]


def _offline(name: str, spec: OfflineStoreSpec, bucket: BucketOutputs, ctx: BuildContext) -> _Offline:
    prefix = f"{spec.prefix or 'feature-store/'}{name}/"
    database = ctx.add(
        "database",
        "aws:glue/catalogDatabase:CatalogDatabase",
        {
            "name": ctx.namer.identifier("features", name, limit=255),
            "description": f"Offline store of feature group {name}",
        },
    )
    table = re.sub(r"[^a-z0-9_]", "_", name)
    catalog: tuple[Value, ...] = (
        ctx.arn("glue", "catalog"),
        database["arn"],
        join(ctx.arn("glue", "table/"), database["name"], "/", f"{table}*"),
    )
    config: dict[str, Value] = {
        "s3StorageConfig": {"s3Uri": bucket.uri(prefix), "kmsKeyId": bucket.key_arn},
        "dataCatalogConfig": {"catalog": "AwsDataCatalog", "database": database["name"], "tableName": table},
        "disableGlueTableCreation": False,
        "tableFormat": "Iceberg" if spec.table == "iceberg" else "Glue",
    }
    write = (
        *bucket.write(prefix),
        Statement(("s3:GetBucketAcl",), (bucket.arn,)),
        Statement(("s3:PutObjectAcl",), (join(bucket.arn, "/", prefix, "*"),)),
        Statement(("glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"), catalog),
    )
    read = (
        *bucket.read(prefix),
        Statement(("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"), catalog),
    )
    return _Offline(config, bucket.uri(prefix), database, write, read)


def _online_store(spec: OnlineStoreSpec, key: Ref | str) -> Value:
    if not spec.enabled:
        return None
    return {
        "enableOnlineStore": True,
        "storageType": "Standard",
        "securityConfig": {"kmsKeyId": key},
        "ttlDuration": _ttl(spec.ttl) if spec.ttl else None,
    }


def _ttl(duration: Duration) -> dict[str, Value]:
    unit, seconds = next(item for item in _TTL_UNITS if duration.seconds % item[1] == 0)
    return {"unit": unit, "value": duration.seconds // seconds}


def _stricter(own: Classification, bucket: BucketOutputs | None) -> Classification:
    return max(
        (level for level in _SENSITIVITY if level in {own, bucket.classification if bucket else own}),
        key=_SENSITIVITY.index,
    )


def check(name: str, spec: FeatureStoreSpec, system: System) -> Iterator[Problem]:
    """What SageMaker would refuse at creation."""
    yield from _check_names(spec)
    yield from _check_identity(spec)
    if not spec.online.enabled and spec.offline is None:
        yield Problem(
            NO_STORE,
            ("online", "enabled"),
            f"feature store {name!r} keeps records neither online nor offline",
            "enable the online store or name a bucket in `offline`",
        )
    if len(definitions(spec)) > _MOST_FEATURES:
        yield Problem(
            TOO_MANY_FEATURES,
            ("features",),
            f"{len(definitions(spec))} features; SageMaker takes at most {_MOST_FEATURES} in a group",
            "split the group by how often its features change",
        )


def _check_names(spec: FeatureStoreSpec) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for feature in definitions(spec):
        path = _place(spec, feature)
        if feature.lower() in _RESERVED:
            yield Problem(
                BAD_FEATURE_NAME,
                path,
                f"feature name {feature!r} is reserved: Feature Store adds a column of that name",
                "choose another name",
            )
        elif _NAME.fullmatch(feature) is None or len(feature) > 64:
            yield Problem(
                BAD_FEATURE_NAME,
                path,
                f"{feature!r} is not a feature name",
                "use letters, digits, hyphens and underscores, at most 64, starting and ending with a letter or digit",
            )
        first = seen.setdefault(feature.lower(), feature)
        if first != feature:
            yield Problem(
                DUPLICATE_COLUMN,
                path,
                f"features {first!r} and {feature!r} are one column: tables ignore case",
                "rename one of them",
            )


def _check_identity(spec: FeatureStoreSpec) -> Iterator[Problem]:
    if spec.record_id == spec.event_time:
        yield Problem(
            BAD_RECORD_ID,
            ("event_time",),
            f"{spec.event_time!r} is both record id and event time",
            "name the feature that says when a record was true",
        )
    if spec.features.get(spec.record_id) == "float":
        yield Problem(
            BAD_RECORD_ID,
            ("features", spec.record_id),
            f"record id {spec.record_id!r} is a float, which rounds",
            "declare it as string or integer",
        )
    if spec.features.get(spec.event_time) == "integer":
        yield Problem(
            BAD_EVENT_TIME,
            ("features", spec.event_time),
            f"event time {spec.event_time!r} is an integer",
            "declare it as string (ISO 8601) or float (seconds since 1970)",
        )


def _place(spec: FeatureStoreSpec, feature: str) -> tuple[str, ...]:
    if feature in spec.features:
        return ("features", feature)
    return ("record_id",) if feature == spec.record_id else ("event_time",)


def card(name: str, spec: FeatureStoreSpec, system: System) -> CardEntry:
    online = f"yes, for {spec.online.ttl or 'ever'}" if spec.online.enabled else "no"
    return CardEntry(
        CardStage.FEATURES,
        facts(
            ("identified by", spec.record_id),
            ("features", list(spec.features)),
            ("kept online", online),
            ("kept offline", f"in bucket {spec.offline.bucket}" if spec.offline else "no"),
        ),
        spec.classification,
        feeds=paths("buckets", [spec.offline.bucket] if spec.offline else []),
    )


COMPONENT = Component(
    kind="feature_stores",
    label="feature store",
    layer=Layer.DATA,
    token="mlops:data:FeatureStore",
    spec=FeatureStoreSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys",),
    backend="sagemaker",
    examples=(
        Example(
            "Online features only",
            {
                "sessions": {
                    "record_id": "session_id",
                    "event_time": "event_time",
                    "features": {"clicks": "integer"},
                }
            },
            {},
        ),
        Example(
            "Card transactions online for 30 days, and their history",
            {
                "transactions": {
                    "record_id": "transaction_id",
                    "event_time": "event_time",
                    "online": {"enabled": True, "ttl": "30d"},
                    "offline": {"bucket": "features", "table": "iceberg"},
                    "features": {
                        "amount": "float",
                        "merchant_id": "string",
                        "country": "string",
                        "transactions_last_hour": "integer",
                    },
                    "protect": "no_delete",
                }
            },
            {"buckets": {"features": {"classification": "confidential", "keep": "730d"}}},
        ),
    ),
)
