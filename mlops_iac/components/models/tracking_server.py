"""The MLflow server on its cluster: a closed namespace, pods that read the database's password, and their address.

A sidecar reads the password with the pod's identity into a file in memory that the database client reads, so the
password is in no object, variable or state.
Source: https://mlflow.org/docs/latest/self-hosting/
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.compute.clusters import ClusterOutputs
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
from mlops_iac.graph import naming
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.values import Ref, Value, join

if TYPE_CHECKING:
    from mlops_iac.components.models.tracking import TrackingSpec

NAME = "mlflow"
"""Of the server, its service account, its database and the database's user."""
_NAMESPACE = "tracking"
_PORT = 5000
POSTGRES_PORT = 5432
_LOGIN_FOLDER = "/run/login"
_LOGIN_FILE = f"{_LOGIN_FOLDER}/pgpass"
_IN_CLUSTER = f"{NAME}.{_NAMESPACE}.svc.cluster.local"


def add_server(
    spec: TrackingSpec,
    ctx: BuildContext,
    cluster: ClusterOutputs,
    bucket: Handle,
    database: Handle,
    permissions: Iterable[Statement],
) -> Handle:
    """The server with its namespace, its identity with ``permissions``, its network policies and its services."""
    site = cluster.site(ctx)
    space = namespace(ctx, "namespace", _NAMESPACE, site)
    account = service_account(ctx, "account", NAME, _NAMESPACE, site, space)
    identity = cluster.pod_identity(ctx, "server-role", _NAMESPACE, NAME, permissions)
    policies = _network_policies(spec, ctx, site, cluster, space)
    server = _server(spec, ctx, site, bucket, database, (account, identity, *policies))
    _service(spec, ctx, site, space)
    return server


def uri_of(spec: TrackingSpec) -> str:
    """Where clients find the server: the exposed address, or the one inside the cluster."""
    return f"https://{spec.expose.host}" if spec.expose else f"http://{_IN_CLUSTER}:{_PORT}"


def replicas(spec: TrackingSpec, *, multi_az: bool) -> int:
    """How many servers run."""
    return spec.replicas or (2 if multi_az else 1)


def login_arn(database: Handle) -> Ref:
    """The secret in which RDS keeps the database's password."""
    return database["masterUserSecrets", 0, "secretArn"]


def _network_policies(
    spec: TrackingSpec, ctx: BuildContext, site: Site, cluster: ClusterOutputs, space: Handle
) -> list[Handle]:
    """Teams and, where exposed, the VPC may call the server; the server may call its database."""
    callers: list[Value] = [from_namespaces(cluster.teams, _PORT)] if cluster.teams else []
    if spec.expose:
        callers.append(from_addresses((site.vpc_cidr,), _PORT))
    pods: dict[str, Value] = {"app.kubernetes.io/name": NAME}
    added = [
        network_policy(
            ctx,
            "to-database",
            "allow-database",
            _NAMESPACE,
            site,
            pods,
            egress=(to_addresses((site.vpc_cidr,), POSTGRES_PORT),),
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
    selector: dict[str, Value] = {"app.kubernetes.io/name": NAME}
    program = _login_program(ctx, site, after[0])
    server = ctx.kubernetes(
        "server",
        "apps/v1",
        "Deployment",
        {
            "metadata": {"name": NAME, "namespace": _NAMESPACE, "labels": labels(ctx, NAME)},
            "spec": {
                "replicas": count,
                "selector": {"matchLabels": selector},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": {
                    "metadata": {"labels": {**labels(ctx, NAME), INTERNET_LABEL: "https"}},
                    "spec": {
                        "serviceAccountName": NAME,
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
            "metadata": {"name": NAME, "namespace": _NAMESPACE, "labels": labels(ctx, NAME)},
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
            "metadata": {"name": name, "namespace": _NAMESPACE, "labels": labels(ctx, NAME)},
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
            {"name": "LOGIN_ARN", "value": login_arn(database)},
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
                f"--backend-store-uri=postgresql://{NAME}@",
                database["address"],
                f":{POSTGRES_PORT}/{NAME}?sslmode=require&passfile={_LOGIN_FILE}",
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
    host: Value = {"name": "Host", "value": NAME}
    return {"httpGet": {"path": "/health", "port": "http", "httpHeaders": [host]}, "timeoutSeconds": 5}


def _allowed_hosts(spec: TrackingSpec) -> list[str]:
    """The names under which clients call the server; it refuses others, against DNS rebinding."""
    names = [NAME, f"{NAME}.{_NAMESPACE}", f"{NAME}.{_NAMESPACE}.svc", _IN_CLUSTER]
    exposed = [spec.expose.host] if spec.expose else []
    return [*(item for name in names for item in (name, f"{name}:{_PORT}")), *exposed]


def _service(spec: TrackingSpec, ctx: BuildContext, site: Site, space: Handle) -> None:
    """Inside the cluster by its name; where exposed, through an internal load balancer with TLS.

    Source: https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer
    """
    metadata: dict[str, Value] = {"name": NAME, "namespace": _NAMESPACE, "labels": labels(ctx, NAME)}
    selector: dict[str, Value] = {"app.kubernetes.io/name": NAME}
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
            "metadata": {**metadata, "name": f"{NAME}-vpc", "annotations": annotations},
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
