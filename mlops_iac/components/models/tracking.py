"""Experiment tracking: an MLflow server on a cluster, with its database and artifact bucket.

Creates a PostgreSQL database (encrypted, private, TLS only) whose password RDS keeps in Secrets Manager and
changes by itself, a bucket for artifacts, and on the cluster a closed namespace with the server, a role by
pod identity, a service, a disruption budget and network policies. Jobs send artifacts through the server and need
no permission of their own.

Raising the image to a new MLflow version needs ``mlflow db upgrade`` once, from a pod with the same image.
Sources: https://mlflow.org/docs/latest/self-hosting/,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.compute.clusters import ClusterOutputs
from mlops_iac.components.foundation.audit import AuditOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.logs import log_group
from mlops_iac.components.models.tracking_server import NAME, POSTGRES_PORT, add_server, login_arn, uri_of
from mlops_iac.components.secure_bucket import secure_bucket
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.quantities import Duration, Size
from mlops_iac.spec.system import Classification, System

UNREACHABLE = "MI3310"
"""Jobs outside the cluster cannot reach the server."""
CERTIFICATE_ELSEWHERE = "MI3311"
"""The certificate is in another region than the load balancer."""
STORAGE_SHRINKS = "MI3312"
"""The database may grow to less than it starts with."""

IMAGE = "docker.io/burakince/mlflow:3.14.0@sha256:d66a486309adb1fd84fd4d1d6b11c1ecc90632e04372205b92bbc15d2196f418"
"""MLflow with the drivers for PostgreSQL and S3, as the community chart uses it."""

_LONGEST_BACKUP_DAYS = 35


Servers = Annotated[int, doc("Number of servers.", ge=1, le=20)]


class DatabaseSpec(Spec, kw_only=True):
    """The server's PostgreSQL database."""

    instance_class: Annotated[
        str,
        doc("RDS instance class.", pattern="^db\\.[a-z0-9-]+\\.[a-z0-9]+$", expects="a class such as db.t4g.medium"),
    ] = "db.t4g.medium"
    version: Annotated[Literal["16", "17"], doc("Major version of PostgreSQL, in quotes.")] = "17"
    storage: Annotated[Size, doc("Storage to start with; at least 20 GiB.")] = Size(50 * 2**30)
    max_storage: Annotated[Size, doc("Storage that it may grow to by itself.")] = Size(500 * 2**30)


class ExposeSpec(Spec, kw_only=True):
    """An address inside the VPC, for jobs that do not run on the cluster."""

    host: Annotated[
        str,
        doc("Host name.", pattern="^[a-z0-9-]+(\\.[a-z0-9-]+)+$", expects="a host name such as mlflow.ml.example.com"),
    ]
    certificate: Annotated[
        str,
        doc(
            "ARN of the ACM certificate for the host name.",
            pattern="^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$",
            expects="the ARN of an ACM certificate",
        ),
    ]
    zone_id: Annotated[
        str | None, doc("Route 53 zone that gets the host name; unset means that somebody else points it here.")
    ] = None


class TrackingSpec(Spec, kw_only=True):
    """Where experiments, metrics and artifacts of training runs are recorded."""

    tool: Annotated[Literal["mlflow"], doc("Tracking server.")] = "mlflow"
    cluster: Annotated[str, doc("Cluster that the server runs on.", ref="clusters", replaces=True)]
    classification: Annotated[
        Classification,
        doc("How sensitive parameters and artifacts are; chooses the KMS key.", replaces=True, loses_data=True),
    ] = "internal"
    image: Annotated[
        str,
        doc(
            "Image of the server, with PostgreSQL driver and boto3, pinned by its digest. Prefer a copy in the "
            "system's own registry.",
            pattern="^.+@sha256:[0-9a-f]{64}$",
            expects="an image pinned by its digest, such as registry/mlflow@sha256:...",
        ),
    ] = IMAGE
    replicas: Annotated[
        Servers | None, doc("Servers; unset means two where the environment spans zones, else one.")
    ] = None
    keep_versions: Annotated[Duration, doc("How long overwritten and deleted artifacts are kept.")] = Duration(
        90 * 86400
    )
    database: Annotated[DatabaseSpec, doc("Database of the server.")] = DatabaseSpec()
    expose: Annotated[ExposeSpec | None, doc("Address for jobs outside the cluster, such as SageMaker's.")] = None


@dataclass(frozen=True, slots=True)
class TrackingOutputs(Outputs):
    """The server's address, for training steps and notebooks.

    ``exposed``: whether jobs outside the cluster can reach it.
    """

    uri: str
    artifact_bucket: Ref
    artifact_bucket_arn: Ref
    ready: tuple[Handle, ...] = ()
    exposed: bool = False

    @property
    def environment(self) -> dict[str, Value]:
        """Environment variables of a step that records its runs."""
        return {"MLFLOW_TRACKING_URI": self.uri}

    def access(self) -> tuple[Statement, ...]:
        """Permissions that a step needs: none, since the server stores artifacts for it."""
        return ()


def build(name: str, spec: TrackingSpec, ctx: BuildContext) -> TrackingOutputs:
    """The stores, then the server in front of them."""
    cluster = ctx.get("clusters", spec.cluster, ClusterOutputs)
    bucket = _bucket(spec, ctx)
    database = _database(spec, ctx, cluster)
    server = add_server(spec, ctx, cluster, bucket, database, _permissions(spec, ctx, bucket, database))
    return TrackingOutputs(uri_of(spec), bucket["bucket"], bucket["arn"], (server,), spec.expose is not None)


def _bucket(spec: TrackingSpec, ctx: BuildContext) -> Handle:
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    bucket = ctx.add(
        "artifacts",
        "aws:s3/bucket:Bucket",
        {
            "bucket": ctx.namer.unique("tracking-artifacts"),
            "forceDestroy": ctx.core.env.force_destroy,
            "tags": {"data-role": "artifacts"},
        },
        stateful=True,
    )
    settings = secure_bucket(ctx, bucket, key_arn=key, prefix="artifacts-")
    everything: dict[str, Value] = {"status": "Enabled", "filter": {"prefix": ""}}
    ctx.add(
        "artifacts-lifecycle",
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
                    "id": "expire-versions",
                    **everything,
                    "noncurrentVersionExpiration": {"noncurrentDays": spec.keep_versions.days},
                },
            ],
        },
        depends_on=(settings["versioning"],),
    )
    ctx.add(
        "artifacts-access-log",
        "aws:s3/bucketLogging:BucketLogging",
        {
            "bucket": bucket["bucket"],
            "targetBucket": ctx.get("audit", "audit", AuditOutputs).log_bucket,
            "targetPrefix": "s3/tracking/",
        },
    )
    return bucket


def _database(spec: TrackingSpec, ctx: BuildContext, cluster: ClusterOutputs) -> Handle:
    identifier = ctx.namer.cloud("tracking")
    logs = [
        log_group(ctx, f"database-{kind}-log", f"/aws/rds/instance/{identifier}/{kind}")
        for kind in ("postgresql", "upgrade")
    ]
    key = ctx.get("keys", "keys", KeysOutputs).arn(spec.classification)
    env = ctx.core.env
    return ctx.add(
        "database",
        "aws:rds/instance:Instance",
        {
            "identifier": identifier,
            "engine": "postgres",
            "engineVersion": spec.database.version,
            "instanceClass": spec.database.instance_class,
            "allocatedStorage": spec.database.storage.gibibytes,
            "maxAllocatedStorage": spec.database.max_storage.gibibytes,
            "storageType": "gp3",
            "storageEncrypted": True,
            "kmsKeyId": key,
            "dbName": NAME,
            "username": NAME,
            "manageMasterUserPassword": True,
            "masterUserSecretKmsKeyId": key,
            "multiAz": env.multi_az,
            "backupRetentionPeriod": min(env.backup_retention.days, _LONGEST_BACKUP_DAYS),
            "copyTagsToSnapshot": True,
            "deletionProtection": env.protect_data,
            "skipFinalSnapshot": not env.protect_data,
            "finalSnapshotIdentifier": f"{identifier}-final" if env.protect_data else None,
            "publiclyAccessible": False,
            "autoMinorVersionUpgrade": True,
            "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
            "performanceInsightsEnabled": True,
            "performanceInsightsKmsKeyId": key,
            "dbSubnetGroupName": _subnet_group(ctx)["name"],
            "parameterGroupName": _parameter_group(spec, ctx)["name"],
            "vpcSecurityGroupIds": [_database_security_group(ctx, cluster).id],
        },
        depends_on=logs,
        stateful=True,
    )


def _subnet_group(ctx: BuildContext) -> Handle:
    network = ctx.get("network", "network", NetworkOutputs)
    return ctx.add(
        "database-subnets",
        "aws:rds/subnetGroup:SubnetGroup",
        {
            "name": ctx.namer.cloud("tracking"),
            "description": "Private subnets of the tracking database",
            "subnetIds": list(network.private_subnet_ids),
        },
    )


def _parameter_group(spec: TrackingSpec, ctx: BuildContext) -> Handle:
    """Named after the major version, since another one needs another group beside it while the database
    upgrades.
    """
    parameters = {"log_connections": "1", "log_disconnections": "1", "rds.force_ssl": "1"}
    return ctx.add(
        "database-parameters",
        "aws:rds/parameterGroup:ParameterGroup",
        {
            "name": ctx.namer.cloud("tracking", f"postgres{spec.database.version}"),
            "family": f"postgres{spec.database.version}",
            "description": "TLS only, connections logged",
            "parameters": [{"name": name, "value": value} for name, value in parameters.items()],
        },
    )


def _database_security_group(ctx: BuildContext, cluster: ClusterOutputs) -> Handle:
    network = ctx.get("network", "network", NetworkOutputs)
    group = ctx.add(
        "database-access",
        "aws:ec2/securityGroup:SecurityGroup",
        {
            "name": ctx.namer.cloud("tracking-database"),
            "description": f"{ctx.namer.prefix}: tracking database",
            "vpcId": network.vpc_id,
        },
    )
    ctx.add(
        "database-from-cluster",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {
            "securityGroupId": group.id,
            "description": "PostgreSQL from the cluster",
            "ipProtocol": "tcp",
            "fromPort": POSTGRES_PORT,
            "toPort": POSTGRES_PORT,
            "referencedSecurityGroupId": cluster.security_group_id,
        },
    )
    return group


def _permissions(spec: TrackingSpec, ctx: BuildContext, bucket: Handle, database: Handle) -> tuple[Statement, ...]:
    return (
        Statement(("s3:ListBucket", "s3:GetBucketLocation"), (bucket["arn"],)),
        Statement(
            ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
            (join(bucket["arn"], "/*"),),
        ),
        Statement(("secretsmanager:GetSecretValue",), (login_arn(database),)),
        ctx.get("keys", "keys", KeysOutputs).use(spec.classification),
    )


def check(name: str, spec: TrackingSpec, system: System) -> Iterator[Problem]:
    """Who can reach the server, and sizes that fit."""
    outside = [instance.name for instance in system.of_kind("pipelines") if instance.component.backend == "sagemaker"]
    if outside and spec.expose is None:
        yield Problem(
            UNREACHABLE,
            ("cluster",),
            f"steps of {', '.join(outside)} run outside the cluster and cannot reach the server",
            "add `expose` with a host name and a certificate",
            Severity.WARNING,
        )
    region = system.core.cloud.region
    if spec.expose and spec.expose.certificate.split(":")[3] != region:
        yield Problem(
            CERTIFICATE_ELSEWHERE,
            ("expose", "certificate"),
            f"the certificate is in {spec.expose.certificate.split(':')[3]}, but the system is in {region}",
            f"request one in {region}",
        )
    if spec.database.max_storage < spec.database.storage:
        yield Problem(
            STORAGE_SHRINKS,
            ("database", "max_storage"),
            "the database may grow to less than it starts with",
            "raise `max_storage` or lower `storage`",
        )


_CLUSTER = {
    "research": {
        "version": "1.35",
        "pools": {"system": {"instance_type": "m6i.large", "min_nodes": 2, "max_nodes": 4}},
        "queues": {"risk-team": {"cpu": 16}},
    }
}


def card(name: str, spec: TrackingSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.TRAINING,
        facts(
            ("records", "parameters, metrics and artifacts of every run"),
            ("tool", spec.tool),
            ("runs on", f"cluster {spec.cluster}"),
            ("earlier versions", f"kept for {spec.keep_versions}"),
        ),
        spec.classification,
    )


COMPONENT = Component(
    kind="tracking",
    label="experiment tracking",
    layer=Layer.MODELS,
    token="mlops:models:Tracking",
    spec=TrackingSpec,
    build=build,
    card=card,
    check=check,
    many=False,
    uses=("audit", "keys", "network"),
    backend="kubernetes",
    examples=(
        Example("MLflow for the teams of a cluster", {"tool": "mlflow", "cluster": "research"}, {"clusters": _CLUSTER}),
        Example(
            "Three servers that jobs outside the cluster reach too",
            {
                "tool": "mlflow",
                "backend": "kubernetes",
                "cluster": "research",
                "classification": "confidential",
                "replicas": 3,
                "database": {"instance_class": "db.m7g.large", "storage": "100GiB", "max_storage": "1TiB"},
                "expose": {
                    "host": "mlflow.ml.example.com",
                    "certificate": "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-0000",
                    "zone_id": "Z0123456789ABCDEFGHIJ",
                },
            },
            {"clusters": _CLUSTER},
        ),
    ),
)
