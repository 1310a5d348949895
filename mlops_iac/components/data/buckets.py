"""Data buckets: private, encrypted, versioned S3 buckets with a retention rule.

Creates the bucket and one resource for each of its settings: versioning, encryption, public access block, ownership,
lifecycle, TLS-only policy, access logging and EventBridge notifications.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs
from mlops_iac.components.foundation.audit import AuditOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.secure_bucket import secure_bucket
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.naming import Namer
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import Classification, System


class BucketSpec(Spec, kw_only=True):
    """One S3 bucket for data, features or models."""

    classification: Annotated[Classification, doc("How sensitive the objects are; chooses the KMS key.")] = "internal"
    personal_data: Annotated[bool, doc("Whether objects hold data about people (GDPR).")] = False
    keep: Annotated[Duration | None, doc("How long current objects are kept; unset keeps them for ever.")] = None
    versioning: Annotated[bool, doc("Keep overwritten and deleted objects, to reproduce data sets.")] = True
    keep_versions: Annotated[Duration, doc("How long overwritten and deleted versions stay.")] = Duration(90 * 86400)
    access_log: Annotated[bool, doc("Write an access log to the audit bucket.")] = True
    object_lock: Annotated[
        Duration | None,
        doc("Retention during which no object version can be deleted.", immutable=True, replaces=True, loses_data=True),
    ] = None

    def bucket_name(self, name: str, namer: Namer) -> str:
        """The bucket's name in S3."""
        return namer.unique(name)


@dataclass(frozen=True, slots=True)
class BucketOutputs(Outputs):
    """A bucket that others read from and write to."""

    name: Ref | str
    arn: Ref | str
    key_arn: Ref | str
    classification: str
    ready: tuple[Handle, ...]

    def uri(self, prefix: str = "") -> Value:
        """``s3://`` address of the bucket or a prefix in it."""
        return join("s3://", self.name, "/", prefix)

    def read(self, prefix: str = "") -> tuple[Statement, ...]:
        """Permissions to list and read objects below ``prefix``."""
        return (
            _listing(self.arn, prefix),
            Statement(("s3:GetObject", "s3:GetObjectVersion"), (join(self.arn, "/", prefix, "*"),)),
            Statement(("kms:Decrypt", "kms:DescribeKey"), (self.key_arn,)),
        )

    def write(self, prefix: str = "") -> tuple[Statement, ...]:
        """Permissions to list, read and write objects below ``prefix``; none to delete."""
        return (
            _listing(self.arn, prefix),
            Statement(("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"), (join(self.arn, "/", prefix, "*"),)),
            Statement(("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"), (self.key_arn,)),
        )


def build(name: str, spec: BucketSpec, ctx: BuildContext) -> BucketOutputs:
    """The bucket and its settings."""
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    bucket = ctx.add(
        "bucket",
        "aws:s3/bucket:Bucket",
        {
            "bucket": spec.bucket_name(name, ctx.namer),
            "forceDestroy": ctx.core.env.force_destroy,
            "objectLockEnabled": True if spec.object_lock else None,
        },
        stateful=True,
    )
    settings = secure_bucket(ctx, bucket, key_arn=key, versioning=spec.versioning)
    settings["lifecycle"] = _lifecycle(spec, ctx, bucket, settings["versioning"])
    if spec.object_lock:
        ctx.add(
            "object-lock",
            "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
            {
                "bucket": bucket["bucket"],
                "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": spec.object_lock.days}},
            },
            depends_on=(settings["versioning"],),
        )
    if spec.access_log:
        ctx.add(
            "access-log",
            "aws:s3/bucketLogging:BucketLogging",
            {
                "bucket": bucket["bucket"],
                "targetBucket": ctx.get("audit", "audit", AuditOutputs).log_bucket,
                "targetPrefix": f"s3/{name}/",
            },
        )
    ctx.add(
        "events",
        "aws:s3/bucketNotification:BucketNotification",
        {"bucket": bucket["bucket"], "eventbridge": True},
    )
    return BucketOutputs(bucket["bucket"], bucket["arn"], key, spec.classification, tuple(settings.values()))


def _listing(arn: Ref | str, prefix: str) -> Statement:
    conditions = {"StringLike": {"s3:prefix": [prefix, f"{prefix}*"]}} if prefix else {}
    return Statement(("s3:ListBucket", "s3:GetBucketLocation"), (arn,), conditions)


def _lifecycle(spec: BucketSpec, ctx: BuildContext, bucket: Handle, versioning: Handle) -> Handle:
    rules: list[Value] = [
        {
            "id": "abort-incomplete-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
        }
    ]
    if spec.keep is not None:
        rules.append(
            {"id": "expire", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": spec.keep.days}}
        )
    if spec.versioning:
        rules.append(
            {
                "id": "expire-versions",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrentVersionExpiration": {"noncurrentDays": spec.keep_versions.days},
            }
        )
    return ctx.add(
        "lifecycle",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {"bucket": bucket["bucket"], "rules": rules},
        depends_on=(versioning,),
    )


def card(name: str, spec: BucketSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.DATA,
        facts(
            ("kept for", spec.keep or "ever"),
            ("earlier versions", f"kept for {spec.keep_versions}" if spec.versioning else "not kept"),
            ("locked for", spec.object_lock),
            ("access is logged", spec.access_log),
        ),
        spec.classification,
        spec.personal_data,
    )


COMPONENT = Component(
    kind="buckets",
    label="bucket",
    layer=Layer.DATA,
    token="mlops:data:Bucket",
    spec=BucketSpec,
    build=build,
    card=card,
    uses=("keys", "audit"),
    examples=(
        Example(
            "Personal data kept for 400 days",
            {"raw": {"classification": "confidential", "personal_data": True, "keep": "400d"}},
            {},
        ),
        Example("Released models that nobody may delete", {"models": {"protect": "no_delete"}}, {}),
    ),
)
