"""Retention that gets shorter: what is older is deleted soon after, and cannot be had back.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html and
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each
from mlops_iac.plan.model import Op
from mlops_iac.policies.inputs import Inputs

_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_TABLE = "aws:dynamodb/table:Table"
_DATABASES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html"


def _find(scene: Scene) -> Iterator[Impact]:
    yield from each(_changed(scene, _LIFECYCLE, also=Op.CREATE), lambda found: _lifecycle(scene, found))
    yield from each(_changed(scene, _VERSIONING), _versioning)
    yield from each(_changed(scene, _LOG_GROUP), _logs)
    yield from each(_changed(scene, *_DATABASES), _backups)
    yield from each(_changed(scene, _TABLE), _recovery)


def _changed(scene: Scene, *types: str, also: Op = Op.UPDATE) -> Iterator[Touched]:
    return (found for found in scene.of_type(*types) if found.op in (Op.UPDATE, Op.REPLACE, also))


def _lifecycle(scene: Scene, found: Touched) -> Iterator[Impact]:
    if found.op is Op.CREATE and not scene.existed(found.component):
        return
    for field, what, severity in (
        ("expiration.days", "objects", ImpactSeverity.HIGH),
        ("noncurrentVersionExpiration.noncurrentDays", "overwritten and deleted versions", ImpactSeverity.MEDIUM),
    ):
        before, after = _days(found.old, field), _days(found.new, field)
        for prefix, days in sorted(after.items()):
            earlier = before.get(prefix)
            if earlier is None or days < earlier:
                kept = "for ever" if earlier is None else f"{earlier:g} days"
                below = f" below {prefix}" if prefix else ""
                yield _shorter(
                    found,
                    severity,
                    f"{what}{below} older than {days:g} days are deleted within days (kept {kept} until now)",
                    "copy what is still needed, or keep the longer time",
                    _S3,
                )


def _days(inputs: Inputs, field: str) -> Mapping[str, float]:
    """Days after which things expire, by prefix; rules that are off say nothing."""
    return {
        rule.text("filter.prefix"): days
        for rule in inputs.each("rules")
        if rule.text("status", "Enabled") == "Enabled" and (days := rule.number(field)) is not None
    }


def _versioning(found: Touched) -> Iterator[Impact]:
    field = "versioningConfiguration.status"
    if found.old.text(field) == "Enabled" and found.new.text(field) != "Enabled":
        yield _shorter(
            found,
            ImpactSeverity.MEDIUM,
            "versioning stops: what is overwritten or deleted from now on is lost",
            "keep versioning where data sets must be reproduced",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html",
        )


def _logs(found: Touched) -> Iterator[Impact]:
    before, after = found.old.number("retentionInDays"), found.new.number("retentionInDays")
    if after and (not before or after < before) and found.op is Op.UPDATE:
        kept = f"{before:g} days" if before else "for ever"
        yield _shorter(
            found,
            ImpactSeverity.MEDIUM,
            f"log events older than {after:g} days are deleted (kept {kept} until now)",
            "export what an audit may ask for",
            "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html",
        )


def _backups(found: Touched) -> Iterator[Impact]:
    before, after = found.old.number("backupRetentionPeriod"), found.new.number("backupRetentionPeriod")
    if before and after is not None and after < before and found.op is Op.UPDATE:
        yield _shorter(
            found,
            ImpactSeverity.HIGH if not after else ImpactSeverity.MEDIUM,
            f"automated backups older than {after:g} days are deleted (kept {before:g} days until now)"
            if after
            else "automated backups end, and those that exist are deleted",
            "make a snapshot by hand if the older state may be needed",
            "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html",
        )


def _recovery(found: Touched) -> Iterator[Impact]:
    field = "pointInTimeRecovery.enabled"
    if found.old.flag(field) and not found.new.flag(field) and found.op is Op.UPDATE:
        yield _shorter(
            found,
            ImpactSeverity.MEDIUM,
            "point-in-time recovery ends: the table cannot be restored to an earlier moment",
            "make an on-demand backup first",
            "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
        )


def _shorter(found: Touched, severity: ImpactSeverity, message: str, action: str, source_url: str) -> Impact:
    return Impact(ImpactKind.DATA_LOSS, severity, found.component, (found.name,), message, action, source_url)


RULE = ImpactRule("history-shortened", "Data, versions, logs or backups are kept for less time.", _find)
