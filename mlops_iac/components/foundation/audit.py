"""Audit trail: who did what, kept where nobody in the system can change it.

Creates a bucket for access logs and, as ``security.audit`` asks, a CloudTrail trail over all regions with its
own encrypted bucket, a copy in CloudWatch Logs and data events on classified buckets, an access analyzer, a
GuardDuty detector and an AWS Config recorder. Source:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.logs import log_group
from mlops_iac.components.secure_bucket import secure_bucket
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.naming import Namer
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration
from mlops_iac.spec.system import System

LOCK_OUTLIVES_LOGS = "MI3110"
"""Audit files are locked for longer than they are kept."""

_CLASSIFIED = ("confidential", "restricted")
_DETECTOR_FEATURES = ("EKS_AUDIT_LOGS", "RDS_LOGIN_EVENTS", "S3_DATA_EVENTS")


class AuditSpec(Spec, kw_only=True):
    """How long audit files are kept; what is recorded is chosen in ``security.audit``."""

    keep: Annotated[
        Duration | None,
        doc("How long trail files and access logs are kept; unset: two years, or as long as they are locked."),
    ] = None
    access_analyzer: Annotated[
        bool,
        doc("Report resources that are reachable from outside; an account can have one analyzer a region."),
    ] = True


@dataclass(frozen=True, slots=True)
class AuditOutputs(Outputs):
    """The bucket that access logs go to (its name and ARN), and the trail's bucket where there is a trail."""

    log_bucket: Ref
    log_bucket_arn: Ref
    trail_bucket: Ref | None = None
    trail_arn: Ref | None = None


def kept(spec: AuditSpec, lock: Duration | None) -> Duration:
    """How long audit files are kept, where ``lock`` is how long nobody may delete them."""
    return spec.keep or max(Duration(2 * 31536000), lock or Duration(0))


def build(name: str, spec: AuditSpec, ctx: BuildContext) -> AuditOutputs:
    """The log bucket, then whatever ``security.audit`` switches on."""
    settings = ctx.core.security.audit
    logs, logs_policy = _log_bucket(spec, ctx)
    if spec.access_analyzer:
        ctx.add(
            "access-analyzer",
            "aws:accessanalyzer/analyzer:Analyzer",
            {"analyzerName": ctx.namer.cloud("external-access"), "type": "ACCOUNT"},
        )
    if settings.guardduty:
        _detector(ctx)
    if settings.config:
        _recorder(ctx, logs)
    if not settings.trail:
        return AuditOutputs(logs["bucket"], logs["arn"])
    trail_bucket, policy = _trail_bucket(spec, ctx, logs, logs_policy)
    trail = _trail(ctx, trail_bucket, policy)
    return AuditOutputs(logs["bucket"], logs["arn"], trail_bucket["bucket"], trail["arn"])


def classified_buckets(system: System, namer: Namer) -> tuple[str, ...]:
    """Names in S3 of the declared buckets whose every read and write is recorded."""
    return tuple(
        instance.spec.bucket_name(instance.name, namer)
        for instance in system.of_kind("buckets")
        if instance.spec.classification in _CLASSIFIED or instance.spec.personal_data
    )


def _log_bucket(spec: AuditSpec, ctx: BuildContext) -> tuple[Handle, Handle]:
    """The bucket for S3 access logs and Config snapshots, and the policy that lets them in.

    S3 itself encrypts it, and it has no object lock: log delivery needs both.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    bucket = _bucket(ctx, "logs", "access-logs")
    statements = [
        _delivery("S3AccessLogs", "logging.s3.amazonaws.com", "s3:PutObject", join(bucket["arn"], "/s3/*"), ctx)
    ]
    if ctx.core.security.audit.config:
        statements += [
            _delivery("ConfigReadsAcl", "config.amazonaws.com", "s3:GetBucketAcl", bucket["arn"], ctx),
            _delivery("ConfigWrites", "config.amazonaws.com", "s3:PutObject", join(bucket["arn"], "/config/*"), ctx),
        ]
    settings = secure_bucket(ctx, bucket, key_arn=None, prefix="logs-", statements=statements)
    _lifecycle(spec, ctx, "logs", bucket, settings["versioning"])
    return bucket, settings["policy"]


def _trail_bucket(spec: AuditSpec, ctx: BuildContext, logs: Handle, logs_policy: Handle) -> tuple[Handle, Handle]:
    """The trail's bucket and its policy, which the trail needs before it can start."""
    lock = ctx.core.security.audit.object_lock
    bucket = _bucket(ctx, "trail", "audit-trail", lock=lock is not None)
    key = ctx.get("keys", "keys", KeysOutputs).arn()
    source = _trail_arn(ctx)
    files = join(bucket["arn"], f"/AWSLogs/{ctx.core.cloud.account}/*")
    statements = [
        _delivery("CloudTrailReadsAcl", "cloudtrail.amazonaws.com", "s3:GetBucketAcl", bucket["arn"], ctx, source),
        _delivery("CloudTrailWrites", "cloudtrail.amazonaws.com", "s3:PutObject", files, ctx, source),
    ]
    settings = secure_bucket(ctx, bucket, key_arn=key, prefix="trail-", statements=statements)
    _lifecycle(spec, ctx, "trail", bucket, settings["versioning"])
    if lock is not None:
        ctx.add(
            "trail-object-lock",
            "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
            {
                "bucket": bucket["bucket"],
                "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": lock.days}},
            },
            depends_on=(settings["versioning"],),
        )
    ctx.add(
        "trail-access-log",
        "aws:s3/bucketLogging:BucketLogging",
        {"bucket": bucket["bucket"], "targetBucket": logs["bucket"], "targetPrefix": "s3/audit-trail/"},
        depends_on=(logs_policy,),
    )
    return bucket, settings["policy"]


def _bucket(ctx: BuildContext, suffix: str, name: str, *, lock: bool = False) -> Handle:
    return ctx.add(
        suffix,
        "aws:s3/bucket:Bucket",
        {
            "bucket": ctx.namer.unique(name),
            "forceDestroy": ctx.core.env.force_destroy and not lock,
            "objectLockEnabled": True if lock else None,
            "tags": {"data-role": "audit-log"},
        },
        stateful=True,
    )


def _delivery(
    sid: str, service: str, action: str, resource: Value, ctx: BuildContext, source: str | None = None
) -> Value:
    conditions: dict[str, Value] = {"StringEquals": {"aws:SourceAccount": ctx.core.cloud.account}}
    if source is not None:
        conditions = {"StringEquals": {"aws:SourceArn": source}}
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": conditions,
    }


def _lifecycle(spec: AuditSpec, ctx: BuildContext, suffix: str, bucket: Handle, versioning: Handle) -> None:
    everything: dict[str, Value] = {"status": "Enabled", "filter": {"prefix": ""}}
    ctx.add(
        f"{suffix}-lifecycle",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "bucket": bucket["bucket"],
            "rules": [
                {
                    "id": "abort-incomplete-uploads",
                    **everything,
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {
                    "id": "expire",
                    **everything,
                    "expiration": {"days": kept(spec, ctx.core.security.audit.object_lock).days},
                },
                {
                    "id": "expire-versions",
                    **everything,
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                },
            ],
        },
        depends_on=(versioning,),
    )


def _trail_name(ctx: BuildContext) -> str:
    return ctx.namer.cloud("audit", limit=128)


def _trail_arn(ctx: BuildContext) -> str:
    return ctx.arn("cloudtrail", f"trail/{_trail_name(ctx)}")


def _trail(ctx: BuildContext, bucket: Handle, policy: Handle) -> Handle:
    group = log_group(ctx, "trail-log", f"/aws/cloudtrail/{ctx.namer.path('audit')}")
    account, region = ctx.core.cloud.account, ctx.core.cloud.region
    streams = join(group["arn"], f":log-stream:{account}_CloudTrail_{region}*")
    role = ctx.role(
        "trail-role",
        (Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (streams,)),),
        service="cloudtrail.amazonaws.com",
    )
    return ctx.add(
        "cloudtrail",
        "aws:cloudtrail/trail:Trail",
        {
            "name": _trail_name(ctx),
            "s3BucketName": bucket["bucket"],
            "isMultiRegionTrail": True,
            "includeGlobalServiceEvents": True,
            "enableLogging": True,
            "enableLogFileValidation": True,
            "kmsKeyId": ctx.get("keys", "keys", KeysOutputs).arn(),
            "cloudWatchLogsGroupArn": join(group["arn"], ":*"),
            "cloudWatchLogsRoleArn": role["arn"],
            "advancedEventSelectors": _selectors(ctx),
        },
        depends_on=(policy, *ctx.role_ready(role)),
    )


def _selectors(ctx: BuildContext) -> list[Value]:
    """Every management event, and object events of classified buckets, which a later layer creates by these
    names.
    """
    selectors: list[Value] = [
        {
            "name": "Management events",
            "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}],
        }
    ]
    objects: list[Value] = [f"arn:{ctx.partition}:s3:::{name}/" for name in classified_buckets(ctx.system, ctx.namer)]
    if objects:
        selectors.append(
            {
                "name": "Objects of classified buckets",
                "fieldSelectors": [
                    {"field": "eventCategory", "equals": ["Data"]},
                    {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                    {"field": "resources.ARN", "startsWiths": objects},
                ],
            }
        )
    return selectors


def _detector(ctx: BuildContext) -> None:
    detector = ctx.add(
        "guardduty",
        "aws:guardduty/detector:Detector",
        {"enable": True, "findingPublishingFrequency": "FIFTEEN_MINUTES"},
    )
    for feature in _DETECTOR_FEATURES:
        ctx.add(
            f"guardduty-{feature.lower().replace('_', '-')}",
            "aws:guardduty/detectorFeature:DetectorFeature",
            {"detectorId": detector.id, "name": feature, "status": "ENABLED"},
        )


def _recorder(ctx: BuildContext, logs: Handle) -> None:
    """Source: https://docs.aws.amazon.com/config/latest/developerguide/gs-cli-prereq.html"""
    role = ctx.role(
        "config-role",
        (
            Statement(("s3:PutObject",), (join(logs["arn"], f"/config/AWSLogs/{ctx.core.cloud.account}/*"),)),
            Statement(("s3:GetBucketAcl",), (logs["arn"],)),
        ),
        service="config.amazonaws.com",
        managed=("service-role/AWS_ConfigRole",),
    )
    recorder = ctx.add(
        "config-recorder",
        "aws:cfg/recorder:Recorder",
        {
            "name": ctx.namer.cloud("config"),
            "roleArn": role["arn"],
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        },
        depends_on=ctx.role_ready(role),
    )
    channel = ctx.add(
        "config-channel",
        "aws:cfg/deliveryChannel:DeliveryChannel",
        {"name": ctx.namer.cloud("config"), "s3BucketName": logs["bucket"], "s3KeyPrefix": "config"},
        depends_on=(recorder,),
    )
    ctx.add(
        "config-status",
        "aws:cfg/recorderStatus:RecorderStatus",
        {"name": recorder["name"], "isEnabled": True},
        depends_on=(channel,),
    )


def check(name: str, spec: AuditSpec, system: System) -> Iterator[Problem]:
    """A lock that outlives the files makes the expiry rule fail for ever."""
    lock = system.core.security.audit.object_lock
    if lock is not None and spec.keep is not None and lock > spec.keep:
        yield Problem(
            LOCK_OUTLIVES_LOGS,
            ("keep",),
            f"trail files are kept for {spec.keep} but locked for {lock} by security.audit.object_lock",
            f"keep them for at least {lock}",
        )


COMPONENT = Component(
    kind="audit",
    label="audit trail",
    layer=Layer.FOUNDATION,
    token="mlops:foundation:Audit",
    spec=AuditSpec,
    build=build,
    check=check,
    many=False,
    always=True,
    uses=("keys",),
    examples=(
        Example("Audit files kept for seven years", {"keep": "7y"}, {}),
        Example(
            "Object events of a bucket with personal data",
            {"keep": "3y", "access_analyzer": False},
            {"buckets": {"raw": {"classification": "confidential", "personal_data": True}}},
        ),
    ),
)
