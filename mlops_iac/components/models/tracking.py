"""Experiment tracking: an MLflow server on a cluster, with its database and artifact bucket.

Creates a PostgreSQL database (encrypted, private, TLS only) whose password RDS keeps in Secrets Manager and
changes by itself, a bucket for artifacts, and on the cluster a closed namespace with the server, a role by
pod identity, a service, a disruption budget and network policies. A sidecar reads the password with the pod's
identity into a file in memory that the database client reads, so the password is in no object, variable or
state. Jobs send artifacts through the server and need no permission of their own.

Raising the image to a new MLflow version needs ``mlflow db upgrade`` once, from a pod with the same image.
Sources: https://mlflow.org/docs/latest/self-hosting/,
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.compute.clusters import ClusterOutputs
from mlops_iac.components.foundation.audit import AuditOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.kubernetes import (
    INTERNET_LABEL,
    Site,
    container_security_context,
    from_addresses,
    from_namespaces,
    labels,
    namespace,
    network_policy,
    pod_security_context,
    service_account,
    to_addresses,
)
from mlops_iac.components.logs import log_group
from mlops_iac.components.secure_bucket import secure_bucket
from mlops_iac.diagnostics import Severity
from mlops_iac.graph import naming
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

_NAME = "mlflow"
_NAMESPACE = "tracking"
_PORT = 5000
_POSTGRES = 5432
_LOGIN_FOLDER = "/run/login"
_LOGIN_FILE = f"{_LOGIN_FOLDER}/pgpass"
_IN_CLUSTER = f"{_NAME}.{_NAMESPACE}.svc.cluster.local"
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
    site = cluster.site(ctx)
    space = namespace(ctx, "namespace", _NAMESPACE, site)
    account = service_account(ctx, "account", _NAME, _NAMESPACE, site, space)
    identity = cluster.pod_identity(ctx, "server-role", _NAMESPACE, _NAME, _permissions(spec, ctx, bucket, database))
    policies = _network_policies(spec, ctx, site, cluster, space)
    server = _server(spec, ctx, site, bucket, database, (account, identity, *policies))
    _service(spec, ctx, site, space)
    uri = f"https://{spec.expose.host}" if spec.expose else f"http://{_IN_CLUSTER}:{_PORT}"
    return TrackingOutputs(uri, bucket["bucket"], bucket["arn"], (server,), spec.expose is not None)


def replicas(spec: TrackingSpec, *, multi_az: bool) -> int:
    """How many servers run."""
    return spec.replicas or (2 if multi_az else 1)


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
            "dbName": _NAME,
            "username": _NAME,
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
            "fromPort": _POSTGRES,
            "toPort": _POSTGRES,
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
        Statement(("secretsmanager:GetSecretValue",), (_login_arn(database),)),
        ctx.get("keys", "keys", KeysOutputs).use(spec.classification),
    )


def _login_arn(database: Handle) -> Ref:
    return database["masterUserSecrets", 0, "secretArn"]


def _network_policies(
    spec: TrackingSpec, ctx: BuildContext, site: Site, cluster: ClusterOutputs, space: Handle
) -> list[Handle]:
    """Teams and, where exposed, the VPC may call the server; the server may call its database."""
    callers: list[Value] = [from_namespaces(cluster.teams, _PORT)] if cluster.teams else []
    if spec.expose:
        callers.append(from_addresses((site.vpc_cidr,), _PORT))
    pods: dict[str, Value] = {"app.kubernetes.io/name": _NAME}
    added = [
        network_policy(
            ctx,
            "to-database",
            "allow-database",
            _NAMESPACE,
            site,
            pods,
            egress=(to_addresses((site.vpc_cidr,), _POSTGRES),),
            after=space,
        )
    ]
    if callers:
        added.append(
            network_policy(ctx, "from-callers", "allow-callers", _NAMESPACE, site, pods, ingress=callers, after=space)
        )
    return added


def _server(
    spec: TrackingSpec,
    ctx: BuildContext,
    site: Site,
    bucket: Handle,
    database: Handle,
    after: tuple[Handle, ...],
) -> Handle:
    count = replicas(spec, multi_az=ctx.core.env.multi_az)
    selector: dict[str, Value] = {"app.kubernetes.io/name": _NAME}
    program = _login_program(ctx, site, after[0])
    server = ctx.kubernetes(
        "server",
        "apps/v1",
        "Deployment",
        {
            "metadata": {"name": _NAME, "namespace": _NAMESPACE, "labels": labels(ctx, _NAME)},
            "spec": {
                "replicas": count,
                "selector": {"matchLabels": selector},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {
                    "metadata": {"labels": {**labels(ctx, _NAME), INTERNET_LABEL: "https"}},
                    "spec": {
                        "serviceAccountName": _NAME,
                        "automountServiceAccountToken": False,
                        "securityContext": pod_security_context(),
                        "topologySpreadConstraints": [_spread(selector)],
                        "initContainers": [_login_container(spec, ctx, database)],
                        "containers": [_server_container(spec, bucket, database)],
                        "volumes": _pod_volumes(program),
                    },
                },
            },
        },
        provider=site.provider,
        depends_on=after,
    )
    ctx.kubernetes(
        "disruption-budget",
        "policy/v1",
        "PodDisruptionBudget",
        {
            "metadata": {"name": _NAME, "namespace": _NAMESPACE, "labels": labels(ctx, _NAME)},
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector}},
        },
        provider=site.provider,
        depends_on=after,
    )
    return server


def _spread(selector: dict[str, Value]) -> Value:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector},
    }


def _pod_volumes(program: Handle) -> list[Value]:
    return [
        {"name": "login", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "scratch", "emptyDir": {"sizeLimit": "5Gi"}},
        {"name": "program", "configMap": {"name": program["metadata", "name"]}},
    ]


def _login_program(ctx: BuildContext, site: Site, after: Handle) -> Handle:
    """Named after its content, so that pods restart with a new one."""
    name = f"database-login-{naming.content_hash(_source())}"
    return ctx.kubernetes(
        "login-program",
        "v1",
        "ConfigMap",
        {
            "metadata": {"name": name, "namespace": _NAMESPACE, "labels": labels(ctx, _NAME)},
            "immutable": True,
            "data": {"login.py": _source()},
        },
        provider=site.provider,
        depends_on=(after,),
    )


@cache
def _source() -> str:
    return Path(__file__).with_name("database_login_source.py").read_text(encoding="utf-8")


def _login_container(spec: TrackingSpec, ctx: BuildContext, database: Handle) -> Value:
    """A sidecar: it starts before the server, and the server waits until the file is there."""
    return {
        "name": "database-login",
        "image": spec.image,
        "restartPolicy": "Always",
        "command": ["python", "/opt/login/login.py"],
        "env": [
            {"name": "AWS_REGION", "value": ctx.core.cloud.region},
            {"name": "LOGIN_ARN", "value": _login_arn(database)},
            {"name": "LOGIN_FILE", "value": _LOGIN_FILE},
        ],
        "startupProbe": {
            "exec": {"command": ["test", "-s", _LOGIN_FILE]},
            "periodSeconds": 2,
            "failureThreshold": 60,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "96Mi"}, "limits": {"memory": "192Mi"}},
        "securityContext": container_security_context(),
        "volumeMounts": [
            {"name": "login", "mountPath": _LOGIN_FOLDER},
            {"name": "program", "mountPath": "/opt/login", "readOnly": True},
        ],
    }


def _server_container(spec: TrackingSpec, bucket: Handle, database: Handle) -> Value:
    return {
        "name": "server",
        "image": spec.image,
        "command": ["mlflow", "server"],
        "args": [
            "--host=0.0.0.0",
            f"--port={_PORT}",
            "--workers=2",
            join(
                f"--backend-store-uri=postgresql://{_NAME}@",
                database["address"],
                f":{_POSTGRES}/{_NAME}?sslmode=require&passfile={_LOGIN_FILE}",
            ),
            "--serve-artifacts",
            "--default-artifact-root=mlflow-artifacts:/",
            join("--artifacts-destination=s3://", bucket["bucket"], "/runs"),
            f"--allowed-hosts={','.join(_allowed_hosts(spec))}",
        ],
        "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 a volume of the pod's own
        "ports": [{"name": "http", "containerPort": _PORT}],
        "startupProbe": {**_health(), "periodSeconds": 5, "failureThreshold": 60},
        "readinessProbe": {**_health(), "periodSeconds": 10},
        "livenessProbe": {**_health(), "periodSeconds": 20, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
        "securityContext": container_security_context(),
        "volumeMounts": [
            {"name": "login", "mountPath": _LOGIN_FOLDER, "readOnly": True},
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 a volume of the pod's own
        ],
    }


def _health() -> dict[str, Value]:
    host: Value = {"name": "Host", "value": _NAME}
    return {"httpGet": {"path": "/health", "port": "http", "httpHeaders": [host]}, "timeoutSeconds": 5}


def _allowed_hosts(spec: TrackingSpec) -> list[str]:
    """The names under which clients call the server; it refuses others, against DNS rebinding."""
    names = [_NAME, f"{_NAME}.{_NAMESPACE}", f"{_NAME}.{_NAMESPACE}.svc", _IN_CLUSTER]
    exposed = [spec.expose.host] if spec.expose else []
    return [*(item for name in names for item in (name, f"{name}:{_PORT}")), *exposed]


def _service(spec: TrackingSpec, ctx: BuildContext, site: Site, space: Handle) -> None:
    """Inside the cluster by its name; where exposed, through an internal load balancer with TLS.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer
    """
    metadata: dict[str, Value] = {"name": _NAME, "namespace": _NAMESPACE, "labels": labels(ctx, _NAME)}
    selector: dict[str, Value] = {"app.kubernetes.io/name": _NAME}
    port: Value = {"name": "http", "port": _PORT, "targetPort": "http", "protocol": "TCP"}
    ctx.kubernetes(
        "service",
        "v1",
        "Service",
        {"metadata": metadata, "spec": {"type": "ClusterIP", "selector": selector, "ports": [port]}},
        provider=site.provider,
        depends_on=(space,),
    )
    if spec.expose is None:
        return
    prefix = "service.beta.kubernetes.io/aws-load-balancer"
    annotations: dict[str, Value] = {
        f"{prefix}-type": "nlb",
        f"{prefix}-internal": "true",
        f"{prefix}-ssl-cert": spec.expose.certificate,
        f"{prefix}-ssl-ports": "443",
        f"{prefix}-ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    }
    balancer = ctx.kubernetes(
        "balancer",
        "v1",
        "Service",
        {
            "metadata": {**metadata, "name": f"{_NAME}-vpc", "annotations": annotations},
            "spec": {
                "type": "LoadBalancer",
                "selector": selector,
                "ports": [{"name": "https", "port": 443, "targetPort": "http", "protocol": "TCP"}],
                "loadBalancerSourceRanges": [site.vpc_cidr],
            },
        },
        provider=site.provider,
        depends_on=(space,),
    )
    if spec.expose.zone_id:
        ctx.add(
            "host-name",
            "aws:route53/record:Record",
            {
                "zoneId": spec.expose.zone_id,
                "name": spec.expose.host,
                "type": "CNAME",
                "ttl": 300,
                "records": [balancer["status", "loadBalancer", "ingress", 0, "hostname"]],
            },
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
