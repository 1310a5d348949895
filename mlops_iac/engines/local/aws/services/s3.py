"""S3 buckets and their settings: https://docs.aws.amazon.com/AmazonS3/latest/API/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, setting
from mlops_iac.engines.local.aws.session import GoneError, Session

_BUCKET = {"Bucket": "{bucket}"}


def _located(context: dict[str, Any]) -> dict[str, Any]:
    """S3 refuses a location constraint in us-east-1 and demands one elsewhere."""
    location = {} if context["region"] == "us-east-1" else {"location": context["region"]}
    return {**context, **location}


def _empty(session: Session, context: Mapping[str, Any]) -> None:
    """What ``forceDestroy`` asks for: delete every object version, then the bucket can go."""
    if not context.get("forceDestroy"):
        return
    bucket = {"Bucket": context["bucket"]}
    try:
        while True:
            listed = session.call("s3", "list_object_versions", bucket)
            versions = [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]
            if not versions:
                return
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]
            session.call("s3", "delete_objects", {**bucket, "Delete": {"Objects": objects}})
    except GoneError:
        return


def _lifecycle(context: dict[str, Any]) -> dict[str, Any]:
    """A rule has to have a filter, and S3 wants lists where Pulumi has single transitions."""
    rules = [{"filter": {"prefix": ""}, **rule} for rule in context.get("rules", ())]
    return {**context, "rules": [{**rule, "filter": rule["filter"] or {"prefix": ""}} for rule in rules]}


def _notification(context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "bridge": {} if context.get("eventbridge") else None}


def _content(context: dict[str, Any]) -> dict[str, Any]:
    source = context.get("source")
    text = source.get("text") if isinstance(source, dict) else None
    return {**context, "content": context.get("content") or text or ""}


ROWS = (
    Row(
        "aws:s3/bucket:Bucket",
        "s3",
        Call(
            "create_bucket",
            {
                "Bucket": "{bucket}",
                "CreateBucketConfiguration": {"LocationConstraint": "{location}"},
                "ObjectLockEnabledForBucket": "{objectLockEnabled}",
            },
        ),
        id="{bucket}",
        read=Call("head_bucket", {"Bucket": "{bucket}"}),
        outputs={
            "arn": "arn:{partition}:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.amazonaws.com",
            "region": "{region}",
            "hostedZoneId": "Z0000000LOCAL",
        },
        groups=(
            Group(
                ("tags",),
                Call("put_bucket_tagging", _BUCKET, take=("tags",), into="Tagging", names={"tags": "TagSet"}),
                unset=Call("delete_bucket_tagging", _BUCKET),
                after=True,
            ),
        ),
        delete=(Call("delete_bucket", _BUCKET),),
        skip=("forceDestroy",),
        clear=_empty,
        more={"Tags": (Call("get_bucket_tagging", _BUCKET), "TagSet")},
        hook=_located,
    ),
    setting(
        "aws:s3/bucketVersioning:BucketVersioning",
        "s3",
        Call(
            "put_bucket_versioning",
            {**_BUCKET, "VersioningConfiguration": {"Status": "{versioningConfiguration.status}"}},
        ),
        Call("get_bucket_versioning", _BUCKET),
        pick=lambda answer, context: {"VersioningConfiguration": answer},
        id="{bucket}",
    ),
    setting(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "s3",
        Call("put_bucket_encryption", _BUCKET, take=("rules",), into="ServerSideEncryptionConfiguration"),
        Call("get_bucket_encryption", _BUCKET),
        at="ServerSideEncryptionConfiguration",
        id="{bucket}",
        reset=(Call("delete_bucket_encryption", _BUCKET),),
        names={"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"},
    ),
    setting(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "s3",
        Call(
            "put_public_access_block",
            _BUCKET,
            take=("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
            into="PublicAccessBlockConfiguration",
        ),
        Call("get_public_access_block", _BUCKET),
        at="PublicAccessBlockConfiguration",
        id="{bucket}",
        reset=(Call("delete_public_access_block", _BUCKET),),
    ),
    setting(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "s3",
        Call("put_bucket_ownership_controls", _BUCKET, take=("rule",), into="OwnershipControls"),
        Call("get_bucket_ownership_controls", _BUCKET),
        at="OwnershipControls",
        id="{bucket}",
        reset=(Call("delete_bucket_ownership_controls", _BUCKET),),
    ),
    Row(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "s3",
        Call("put_bucket_lifecycle_configuration", _BUCKET, take=("rules",), into="LifecycleConfiguration"),
        id="{bucket}",
        read=Call("get_bucket_lifecycle_configuration", _BUCKET),
        groups=(
            Group(
                ("rules",),
                Call("put_bucket_lifecycle_configuration", _BUCKET, take=("rules",), into="LifecycleConfiguration"),
            ),
        ),
        delete=(Call("delete_bucket_lifecycle", _BUCKET),),
        names={"id": "ID"},
        hook=_lifecycle,
    ),
    setting(
        "aws:s3/bucketPolicy:BucketPolicy",
        "s3",
        Call("put_bucket_policy", _BUCKET, take=("policy",)),
        Call("get_bucket_policy", _BUCKET),
        id="{bucket}",
        reset=(Call("delete_bucket_policy", _BUCKET),),
    ),
    setting(
        "aws:s3/bucketLogging:BucketLogging",
        "s3",
        Call(
            "put_bucket_logging",
            _BUCKET,
            take=("targetBucket", "targetPrefix"),
            into="BucketLoggingStatus.LoggingEnabled",
        ),
        Call("get_bucket_logging", _BUCKET),
        at="LoggingEnabled",
        id="{bucket}",
        reset=(Call("put_bucket_logging", {**_BUCKET, "BucketLoggingStatus": {}}),),
    ),
    Row(
        "aws:s3/bucketNotification:BucketNotification",
        "s3",
        Call(
            "put_bucket_notification_configuration",
            {**_BUCKET, "NotificationConfiguration": {"EventBridgeConfiguration": "{bridge}"}},
            take=("queues", "topics", "lambdaFunctions"),
            into="NotificationConfiguration",
        ),
        id="{bucket}",
        read=Call("get_bucket_notification_configuration", _BUCKET),
        groups=(
            Group(
                ALL,
                Call(
                    "put_bucket_notification_configuration",
                    {**_BUCKET, "NotificationConfiguration": {"EventBridgeConfiguration": "{bridge}"}},
                    take=("queues", "topics", "lambdaFunctions"),
                    into="NotificationConfiguration",
                ),
            ),
        ),
        delete=(Call("put_bucket_notification_configuration", {**_BUCKET, "NotificationConfiguration": {}}),),
        names={
            "queues": "QueueConfigurations",
            "topics": "TopicConfigurations",
            "lambdaFunctions": "LambdaFunctionConfigurations",
            "filterPrefix": None,
            "filterSuffix": None,
            "eventbridge": None,
        },
        hook=_notification,
    ),
    setting(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "s3",
        Call(
            "put_object_lock_configuration",
            {**_BUCKET, "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
            take=("rule",),
            into="ObjectLockConfiguration",
        ),
        Call("get_object_lock_configuration", _BUCKET),
        at="ObjectLockConfiguration",
        id="{bucket}",
    ),
    Row(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "s3",
        Call("put_object", {"Bucket": "{bucket}", "Key": "{key}", "Body": "{content}", "ContentType": "{contentType}"}),
        id="{key}",
        adopt=r"(s3://)?(?P<bucket>[^/]+)/(?P<key>.+)",
        read=Call("head_object", {"Bucket": "{bucket}", "Key": "{key}"}),
        outputs={"etag": "{r.ETag}", "versionId": "{r.VersionId}", "arn": "arn:{partition}:s3:::{bucket}/{key}"},
        groups=(
            Group(
                ALL,
                Call(
                    "put_object",
                    {"Bucket": "{bucket}", "Key": "{key}", "Body": "{content}", "ContentType": "{contentType}"},
                ),
            ),
        ),
        delete=(Call("delete_object", {"Bucket": "{bucket}", "Key": "{key}"}),),
        hook=_content,
    ),
)
