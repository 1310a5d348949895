"""Stores that end: a deleted or replaced store takes its data along, as far as its service does not keep it.

Sources: the delete operation of each service, given as ``source_url`` of its row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each, listed
from mlops_iac.plan.model import Op

FEATURE_GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
BUCKET = "aws:s3/bucket:Bucket"
_DOCS = "https://docs.aws.amazon.com"


class _Store(NamedTuple):
    """What a type of store is called, what goes with it, and how bad that is."""

    noun: str
    lost: str
    severity: ImpactSeverity
    action: str
    source_url: str


_BACK_UP = "back it up first, or keep the declaration"
_STORES: Mapping[str, _Store] = {
    "aws:dynamodb/table:Table": _Store(
        "table",
        "its items are lost",
        ImpactSeverity.HIGH,
        "make an on-demand backup first; with point-in-time recovery DynamoDB keeps one for 35 days",
        f"{_DOCS}/amazondynamodb/latest/APIReference/API_DeleteTable.html",
    ),
    "aws:efs/fileSystem:FileSystem": _Store(
        "file system",
        "every file in it is lost",
        ImpactSeverity.CRITICAL,
        _BACK_UP,
        f"{_DOCS}/efs/latest/ug/delete-efs-fs.html",
    ),
    "aws:fsx/lustreFileSystem:LustreFileSystem": _Store(
        "file system",
        "every file that was not exported to S3 is lost",
        ImpactSeverity.CRITICAL,
        "export to S3 first",
        f"{_DOCS}/fsx/latest/LustreGuide/delete-file-systems.html",
    ),
    "aws:ebs/volume:Volume": _Store(
        "volume",
        "its content is lost",
        ImpactSeverity.HIGH,
        "make a snapshot first",
        f"{_DOCS}/ebs/latest/userguide/ebs-deleting-volume.html",
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": _Store(
        "registry group",
        "its versions and their approvals have no group any more; SageMaker refuses while any version is in it",
        ImpactSeverity.HIGH,
        "keep the group, or delete its versions on purpose first",
        f"{_DOCS}/sagemaker/latest/APIReference/API_DeleteModelPackageGroup.html",
    ),
    "aws:glue/catalogDatabase:CatalogDatabase": _Store(
        "catalog database",
        "its table definitions are lost; files in S3 stay",
        ImpactSeverity.LOW,
        "make sure that no query uses it",
        f"{_DOCS}/glue/latest/webapi/API_DeleteDatabase.html",
    ),
    "aws:glue/catalogTable:CatalogTable": _Store(
        "catalog table",
        "its definition and partitions are lost; files in S3 stay",
        ImpactSeverity.LOW,
        "make sure that no query uses it",
        f"{_DOCS}/glue/latest/webapi/API_DeleteTable.html",
    ),
    "aws:cloudwatch/logGroup:LogGroup": _Store(
        "log group",
        "its events are lost",
        ImpactSeverity.MEDIUM,
        "export what an audit may ask for",
        f"{_DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html",
    ),
    "aws:kinesis/stream:Stream": _Store(
        "stream",
        "records that nobody has read yet are lost",
        ImpactSeverity.HIGH,
        "let consumers catch up first",
        f"{_DOCS}/kinesis/latest/APIReference/API_DeleteStream.html",
    ),
    "aws:msk/cluster:Cluster": _Store(
        "Kafka cluster",
        "every topic and its records are lost",
        ImpactSeverity.CRITICAL,
        "let consumers catch up and replicate first",
        f"{_DOCS}/msk/latest/developerguide/msk-delete-cluster.html",
    ),
    "aws:secretsmanager/secret:Secret": _Store(
        "secret",
        "its value is lost after the recovery window",
        ImpactSeverity.HIGH,
        "make sure that nothing reads it",
        f"{_DOCS}/secretsmanager/latest/apireference/API_DeleteSecret.html",
    ),
    "aws:sagemaker/domain:Domain": _Store(
        "SageMaker domain",
        "home directories and spaces of its users are lost unless their file system is retained",
        ImpactSeverity.CRITICAL,
        _BACK_UP,
        f"{_DOCS}/sagemaker/latest/dg/gs-studio-delete-domain.html",
    ),
    "aws:sagemaker/notebookInstance:NotebookInstance": _Store(
        "notebook",
        "files on its volume are lost",
        ImpactSeverity.HIGH,
        "commit or copy its files first",
        f"{_DOCS}/sagemaker/latest/APIReference/API_DeleteNotebookInstance.html",
    ),
    "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer": _Store(
        "tracking server",
        "experiments and runs are lost; artifacts in S3 stay",
        ImpactSeverity.CRITICAL,
        "export the experiments first",
        f"{_DOCS}/sagemaker/latest/dg/mlflow-cleanup.html",
    ),
    "kubernetes:core/v1:PersistentVolumeClaim": _Store(
        "volume claim",
        "its volume goes with it where the storage class reclaims by deleting, which is the default",
        ImpactSeverity.HIGH,
        "make a volume snapshot first",
        "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming",
    ),
}
_DATABASES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
_REPOSITORY = "aws:ecr/repository:Repository"
STORES = frozenset({FEATURE_GROUP, BUCKET, _REPOSITORY, *_DATABASES, *_STORES})
"""Every type that holds data, definitions or history of its own."""


def _find(scene: Scene) -> Iterator[Impact]:
    yield from each((found for found in scene.of_type(*sorted(STORES)) if found.goes), _judge)


def _judge(found: Touched) -> Iterator[Impact]:
    store = _store(found)
    if found.change.retain:
        starts = " and the new one starts empty" if found.op is Op.REPLACE else ""
        yield Impact(
            ImpactKind.DATA_LOSS if found.op is Op.REPLACE else ImpactKind.ABANDONED,
            ImpactSeverity.HIGH if found.op is Op.REPLACE else ImpactSeverity.LOW,
            found.component,
            (found.name,),
            f"{store.noun} {found.label} {found.how}; what exists stays in the cloud, unmanaged{starts}",
            "note who answers for what stays, and delete it on purpose when nobody needs it",
            "https://www.pulumi.com/docs/iac/concepts/options/retainondelete/",
        )
        return
    yield Impact(
        ImpactKind.DATA_LOSS,
        store.severity,
        found.component,
        (found.name,),
        f"{store.noun} {found.label} {found.how}: {store.lost}",
        store.action,
        store.source_url,
    )


_SECOND_GROUP: Final = (
    "declare the changed features as a second group, write to both, switch readers, then remove this one; or ingest "
    "again from the offline store"
)
_MOST_ADDITIONS: Final = 3
"""Features that the command which adds them names."""


def _store(found: Touched) -> _Store:
    if found.change.type == FEATURE_GROUP:
        return _feature_group(found)
    if found.change.type == BUCKET:
        return _bucket(found)
    if found.change.type == _REPOSITORY:
        return _repository(found)
    if found.change.type in _DATABASES:
        return _database(found)
    return _STORES[found.change.type]


def _feature_group(found: Touched) -> _Store:
    online = found.old.flag("onlineStoreConfig.enableOnlineStore")
    offline = found.old.has("offlineStoreConfig")
    lost = ["every record of the online store is lost"] if online else []
    if offline:
        lost.append("the offline history stays in S3, but a new group does not read it")
    changes = _feature_changes(found)
    kind = " in a way that only adds" if list(changes) == ["added"] else ", which breaks readers" if changes else ""
    told = (
        f" (the schema changes{kind}: {', '.join(f'{listed(n)} {w}' for w, n in changes.items())})" if changes else ""
    )
    return _Store(
        "feature group",
        f"{'; '.join(lost)}{told}",
        ImpactSeverity.CRITICAL if online else ImpactSeverity.HIGH,
        _add_in_place(found) if list(changes) == ["added"] and _only_features(found) else _SECOND_GROUP,
        f"{_DOCS}/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html",
    )


def _add_in_place(found: Touched) -> str:
    """How features are added without a replacement: SageMaker can, at the end; pulumi-aws 7 cannot.

    The provider never sends ``FeatureAdditions`` (https://github.com/hashicorp/terraform-provider-aws/issues/26809), so
    the call is the user's, and a refresh then makes state and declaration the same.
    """
    before = [item.text("featureName") for item in found.old.each("featureDefinitions")]
    after = {item.text("featureName"): item.text("featureType") for item in found.new.each("featureDefinitions")}
    added = [name for name in after if name not in before]
    pairs = " ".join(f"FeatureName={name},FeatureType={after[name]}" for name in added)
    additions = pairs if len(added) <= _MOST_ADDITIONS else "file://additions.json"
    group = found.old.text("featureGroupName")
    moved = "" if list(after)[: len(before)] == before else "declare what is new after the other features; then "
    command = f"aws sagemaker update-feature-group --feature-group-name {group} --feature-additions {additions}"
    return (
        f"{moved}add in place, which SageMaker can and the provider cannot: `{command}`, and once its LastUpdateStatus "
        "is Successful, `mlops-iac refresh`: then this change replaces nothing, and older records have no value for "
        "what is new; or declare a second group and switch readers"
    )


def _only_features(found: Touched) -> bool:
    """Whether nothing else forces the replacement."""
    return all(reason.startswith("featureDefinitions") for reason in found.change.replace_reasons)


def _feature_changes(found: Touched) -> dict[str, list[str]]:
    """The features of a replaced group that differ, by what happens to them."""
    if found.op is not Op.REPLACE:
        return {}
    before = {item.text("featureName"): item.text("featureType") for item in found.old.each("featureDefinitions")}
    after = {item.text("featureName"): item.text("featureType") for item in found.new.each("featureDefinitions")}
    parts = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "of another type": [name for name in after if before.get(name, after[name]) != after[name]],
    }
    return {what: names for what, names in parts.items() if names}


def _bucket(found: Touched) -> _Store:
    emptied = found.old.flag("forceDestroy")
    return _Store(
        "bucket",
        "every object in it is deleted first, all versions included"
        if emptied
        else "its objects are lost once somebody has emptied it; S3 refuses while it holds any, and the apply stops",
        ImpactSeverity.CRITICAL if emptied else ImpactSeverity.HIGH,
        "copy what is needed to another bucket first, or keep the declaration",
        f"{_DOCS}/AmazonS3/latest/userguide/delete-bucket.html",
    )


def _repository(found: Touched) -> _Store:
    emptied = found.old.flag("forceDelete")
    return _Store(
        "image repository",
        "its images are deleted with it" if emptied else "ECR refuses while it holds images, and the apply stops",
        ImpactSeverity.HIGH if emptied else ImpactSeverity.MEDIUM,
        "make sure that no job, model or pod pulls from it",
        f"{_DOCS}/AmazonECR/latest/userguide/repository-delete.html",
    )


def _database(found: Touched) -> _Store:
    skipped = found.old.flag("skipFinalSnapshot")
    return _Store(
        "database",
        "its data is lost: no final snapshot is made" if skipped else "its data is left in a final snapshot only",
        ImpactSeverity.CRITICAL if skipped else ImpactSeverity.HIGH,
        "make a snapshot and plan its restore first",
        f"{_DOCS}/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
    )


RULE = ImpactRule("data-loss", "A store is deleted or replaced, and its data goes with it.", _find)
