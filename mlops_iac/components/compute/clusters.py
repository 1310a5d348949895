"""GPU clusters on Amazon EKS: node pools that scale to zero, shared fairly among teams.

Creates the cluster with a private API, encrypted secrets and all control-plane logs; a node group and launch
template a pool; the add-ons for networking, DNS, storage, metrics and pod identity; access entries; Cluster
Autoscaler, which starts nodes of pools at zero; and Kueue with a queue, a quota and a closed namespace per
team.
Source: https://docs.aws.amazon.com/eks/latest/best-practices/security.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import KUBERNETES_PROVIDER, BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.compute.node_pools import PoolSpec, add_node_groups, check_pools, pools_of
from mlops_iac.components.compute.operators import (
    DEVICE_PLUGIN_IMAGE,
    add_autoscaler,
    add_device_plugin,
    add_kueue,
)
from mlops_iac.components.compute.queues import SYSTEM_POOL, QueueSpec, add_priorities, add_queues
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.kubernetes import Site
from mlops_iac.components.logs import log_group
from mlops_iac.graph.cidr import overlap
from mlops_iac.graph.iam import Statement, pod_trust
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Secret, ToJson, Value
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.suggest import closest
from mlops_iac.spec.system import System

QUEUE_TOO_LARGE = "MI3204"
"""A queue is promised more GPUs than the pools can have."""
RESERVED_NAME = "MI3206"
"""A queue or a pool has a name that the cluster uses itself."""
OPEN_API = "MI3208"
"""The cluster's API is open to the whole internet."""
NO_SUCH_TEAM = "MI3209"
"""Access is given to a namespace that no queue has."""

Version = Literal["1.33", "1.34", "1.35"]
VERSIONS: dict[str, str] = {
    "1.33": "2027-07-29",
    "1.34": "2027-12-02",
    "1.35": "2028-03-27",
}
"""Kubernetes versions by the end of their extended support, as announced:
https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"""
_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_SERVICE_RANGES = ("172.20.0.0/16", "10.100.0.0/16")
_RESERVED = (
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "kueue-system",
    "cluster-autoscaler",
    "tracking",
)
_ACCESS_POLICIES = {
    "admin": "AmazonEKSAdminPolicy",
    "edit": "AmazonEKSEditPolicy",
    "view": "AmazonEKSViewPolicy",
}


AddressRange = Annotated[
    str, doc("Address range.", pattern="^[0-9.]+/[0-9]{1,2}$", expects="a range such as 203.0.113.0/24")
]


class AccessSpec(Spec, kw_only=True):
    """Who may use the Kubernetes API."""

    principal: Annotated[
        str,
        doc(
            "ARN of an IAM role.",
            pattern="^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$",
            expects="the ARN of an IAM role",
        ),
    ]
    level: Annotated[Literal["view", "edit", "admin"], doc("What it may do.")] = "view"
    namespaces: Annotated[list[str], doc("Namespaces it is limited to; empty means the whole cluster.")] = []


class ClusterSpec(Spec, kw_only=True):
    """A Kubernetes cluster for training, notebooks and serving."""

    version: Annotated[
        Version,
        doc("Kubernetes version, in quotes: YAML reads 1.30 as the number 1.3."),
    ]
    pools: Annotated[dict[Name, PoolSpec], doc("Node pools by name; one is called `system`.")]
    queues: Annotated[dict[Name, QueueSpec], doc("Shares of the cluster by team.")] = {}
    public_access: Annotated[
        list[AddressRange], doc("Address ranges that reach the API from outside the VPC; empty means none.")
    ] = []
    admins: Annotated[
        list[str],
        doc(
            "ARNs of the IAM roles that may administer the cluster; empty means whoever the account lets assume "
            "the cluster's admin role."
        ),
    ] = []
    access: Annotated[dict[Name, AccessSpec], doc("Further people and programs that may use the API.")] = {}
    device_plugin_image: Annotated[
        str,
        doc(
            "Image of the NVIDIA device plugin, for GPU pools on al2023.",
            pattern="^.+@sha256:[0-9a-f]{64}$",
            expects="an image pinned by its digest",
        ),
    ] = DEVICE_PLUGIN_IMAGE


@dataclass(frozen=True, slots=True)
class ClusterOutputs(Outputs):
    """A cluster that others put objects on.

    ``component`` is the cluster's name in the configuration and ``name`` its name in AWS. ``teams`` are the
    namespaces of its queues. ``ready`` is what has to exist before any object.
    """

    name: Ref
    arn: Ref
    endpoint: Ref
    certificate_authority: Ref
    security_group_id: Ref
    admin_role_arn: Ref
    component: str
    vpc_cidr: str
    service_cidr: str
    teams: tuple[str, ...] = ()
    ready: tuple[Handle, ...] = ()

    def provider(self, ctx: BuildContext) -> Handle:
        """The Kubernetes provider of ``ctx``'s layer for this cluster.

        It signs in with ``aws eks get-token`` as the cluster's admin role when it is used, so no token is in
        any state.
        """
        return ctx.provider(
            KUBERNETES_PROVIDER,
            f"kubernetes-{self.component}",
            {
                "kubeconfig": Secret(ToJson(self._kubeconfig(ctx.core.cloud.region))),
                "clusterIdentifier": self.arn,
                "enableServerSideApply": True,
            },
            path=("clusters", self.component),
        )

    def site(self, ctx: BuildContext) -> Site:
        """Where a component of ``ctx``'s layer puts its objects."""
        return Site(self.provider(ctx), self.vpc_cidr, self.service_cidr, self.ready)

    def pod_identity(
        self,
        ctx: BuildContext,
        suffix: str,
        namespace: str,
        service_account: str,
        statements: Iterable[Statement],
    ) -> Handle:
        """A role with ``statements`` for the pods of a service account; wait for the returned association."""
        role = ctx.role(suffix, statements, trust=pod_trust(ctx.core.cloud.account, self.arn))
        return ctx.add(
            f"{suffix}-association",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            {
                "clusterName": self.name,
                "namespace": namespace,
                "serviceAccount": service_account,
                "roleArn": role["arn"],
            },
            depends_on=ctx.role_ready(role),
        )

    def _kubeconfig(self, region: str) -> Value:
        arguments: list[Value] = [
            "eks",
            "get-token",
            "--cluster-name",
            self.name,
            "--region",
            region,
            "--role-arn",
            self.admin_role_arn,
        ]
        user = {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "aws",
                "args": arguments,
                "interactiveMode": "Never",
            }
        }
        cluster = {"server": self.endpoint, "certificate-authority-data": self.certificate_authority}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "cluster",
            "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "admin"}}],
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
        }


def build(name: str, spec: ClusterSpec, ctx: BuildContext) -> ClusterOutputs:
    """The cluster and its nodes, then what runs on it."""
    network = ctx.get("network", "network", NetworkOutputs)
    cluster = _cluster(name, spec, ctx, network)
    admin, access = _access(name, spec, ctx, cluster)
    before_nodes = [_addon(ctx, cluster, addon) for addon in ("kube-proxy", "eks-pod-identity-agent")]
    before_nodes.append(_vpc_cni(ctx, cluster))
    groups = add_node_groups(name, spec.pools, spec.version, ctx, network, cluster, before_nodes)
    added = _addons_on_nodes(ctx, cluster, groups[SYSTEM_POOL])
    outputs = ClusterOutputs(
        name=cluster["name"],
        arn=cluster["arn"],
        endpoint=cluster["endpoint"],
        certificate_authority=cluster["certificateAuthority", "data"],
        security_group_id=cluster["vpcConfig", "clusterSecurityGroupId"],
        admin_role_arn=admin["arn"],
        component=name,
        vpc_cidr=network.vpc_cidr,
        service_cidr=service_range(network.vpc_cidr),
        teams=tuple(spec.queues),
        ready=(*access, groups[SYSTEM_POOL], *added),
    )
    _objects(spec, ctx, outputs)
    return outputs


def service_range(vpc_cidr: str) -> str:
    """The address range of Kubernetes services: the first customary one that is not the VPC's."""
    return next(cidr for cidr in _SERVICE_RANGES if not overlap(cidr, vpc_cidr))


def _cluster(name: str, spec: ClusterSpec, ctx: BuildContext, network: NetworkOutputs) -> Handle:
    cluster_name = ctx.namer.cloud(name, limit=100)
    logs = log_group(ctx, "control-plane-log", f"/aws/eks/{cluster_name}/cluster")
    key = ctx.get("keys", "keys", KeysOutputs)
    role = ctx.role(
        "cluster-role",
        (key.use("internal"), Statement(("kms:ListGrants",), (key.arn(),))),
        service="eks.amazonaws.com",
        source_arn=ctx.arn("eks", f"cluster/{cluster_name}"),
        managed=("AmazonEKSClusterPolicy",),
    )
    return ctx.add(
        "cluster",
        "aws:eks/cluster:Cluster",
        {
            "name": cluster_name,
            "version": spec.version,
            "roleArn": role["arn"],
            "vpcConfig": {
                "subnetIds": list(network.private_subnet_ids),
                "endpointPrivateAccess": True,
                "endpointPublicAccess": bool(spec.public_access),
                "publicAccessCidrs": list(spec.public_access) or None,
            },
            "kubernetesNetworkConfig": {
                "ipFamily": "ipv4",
                "serviceIpv4Cidr": service_range(network.vpc_cidr),
            },
            "encryptionConfig": {"provider": {"keyArn": key.arn()}, "resources": ["secrets"]},
            "enabledClusterLogTypes": list(_LOGS),
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            "bootstrapSelfManagedAddons": False,
            "deletionProtection": ctx.core.env.protect_data,
        },
        depends_on=(logs, *ctx.role_ready(role)),
        stateful=True,
    )


def _access(name: str, spec: ClusterSpec, ctx: BuildContext, cluster: Handle) -> tuple[Handle, list[Handle]]:
    """The role that administers the cluster, and the entries that let principals in."""
    principals = sorted(spec.admins) or [ctx.arn("iam", "root", region=False)]
    trust = ToJson(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principals}}],
        }
    )
    describe = Statement(("eks:DescribeCluster",), (cluster["arn"],))
    admin = ctx.role("admin-role", (describe,), trust=trust)
    entries = [_entry(ctx, cluster, "admin", admin["arn"], "AmazonEKSClusterAdminPolicy", [])]
    for key, access in spec.access.items():
        policy = "AmazonEKSClusterAdminPolicy" if _is_cluster_admin(access) else _ACCESS_POLICIES[access.level]
        entries.append(_entry(ctx, cluster, f"access-{key}", access.principal, policy, access.namespaces))
    return admin, entries


def _is_cluster_admin(access: AccessSpec) -> bool:
    return access.level == "admin" and not access.namespaces


def _entry(
    ctx: BuildContext, cluster: Handle, suffix: str, principal: Value, policy: str, namespaces: list[str]
) -> Handle:
    entry = ctx.add(
        f"{suffix}-entry",
        "aws:eks/accessEntry:AccessEntry",
        {"clusterName": cluster["name"], "principalArn": principal, "type": "STANDARD"},
    )
    return ctx.add(
        f"{suffix}-permission",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {
            "clusterName": cluster["name"],
            "principalArn": principal,
            "policyArn": f"arn:{ctx.partition}:eks::aws:cluster-access-policy/{policy}",
            "accessScope": {
                "type": "namespace" if namespaces else "cluster",
                "namespaces": list(namespaces) or None,
            },
        },
        depends_on=(entry,),
    )


def _addon(
    ctx: BuildContext,
    cluster: Handle,
    name: str,
    *,
    settings: Value = None,
    identity: tuple[str, Handle] | None = None,
    depends_on: tuple[Handle, ...] = (),
) -> Handle:
    associations: list[Value] = (
        [] if identity is None else [{"serviceAccount": identity[0], "roleArn": identity[1]["arn"]}]
    )
    return ctx.add(
        f"addon-{name}",
        "aws:eks/addon:Addon",
        {
            "clusterName": cluster["name"],
            "addonName": name,
            "resolveConflictsOnCreate": "OVERWRITE",
            "resolveConflictsOnUpdate": "PRESERVE",
            "configurationValues": None if settings is None else ToJson(settings),
            "podIdentityAssociations": associations or None,
        },
        depends_on=depends_on,
    )


def _vpc_cni(ctx: BuildContext, cluster: Handle) -> Handle:
    """Pod networking, which also enforces network policies."""
    role = ctx.role(
        "cni-role",
        (),
        trust=pod_trust(ctx.core.cloud.account, cluster["arn"]),
        managed=("AmazonEKS_CNI_Policy",),
    )
    return _addon(
        ctx,
        cluster,
        "vpc-cni",
        settings={"enableNetworkPolicy": "true", "env": {"ENABLE_PREFIX_DELEGATION": "true"}},
        identity=("aws-node", role),
        depends_on=ctx.role_ready(role),
    )


def _addons_on_nodes(ctx: BuildContext, cluster: Handle, system: Handle) -> list[Handle]:
    role = ctx.role(
        "storage-role",
        (ctx.get("keys", "keys", KeysOutputs).use("internal"), _volume_grant(ctx)),
        trust=pod_trust(ctx.core.cloud.account, cluster["arn"]),
        managed=("service-role/AmazonEBSCSIDriverPolicy",),
    )
    storage = _addon(
        ctx,
        cluster,
        "aws-ebs-csi-driver",
        identity=("ebs-csi-controller-sa", role),
        depends_on=(system, *ctx.role_ready(role)),
    )
    return [_addon(ctx, cluster, name, depends_on=(system,)) for name in ("coredns", "metrics-server")] + [storage]


def _volume_grant(ctx: BuildContext) -> Statement:
    """EBS itself uses the key of a volume through a grant."""
    key = ctx.get("keys", "keys", KeysOutputs).arn()
    return Statement(("kms:CreateGrant",), (key,), {"Bool": {"kms:GrantIsForAWSResource": "true"}})


def _objects(spec: ClusterSpec, ctx: BuildContext, cluster: ClusterOutputs) -> None:
    site = cluster.site(ctx)
    pools = pools_of(spec.pools)
    add_autoscaler(ctx, cluster, site)
    add_priorities(ctx, site)
    on_al2023 = [pool.name for pool in pools if pool.gpus_per_node and spec.pools[pool.name].os == "al2023"]
    if on_al2023:
        add_device_plugin(ctx, site, spec.device_plugin_image, on_al2023)
    if spec.queues:
        add_queues(ctx, site, spec.queues, pools, add_kueue(ctx, site))


def check(name: str, spec: ClusterSpec, system: System) -> Iterator[Problem]:
    """Pools that cannot work, and queues that promise what the pools do not have."""
    yield from check_pools(spec.pools, system)
    yield from _check_queues(spec)
    yield from _check_access(spec)


def _check_queues(spec: ClusterSpec) -> Iterator[Problem]:
    available = sum(pool.gpus for pool in pools_of(spec.pools))
    for name, queue in spec.queues.items():
        if name in _RESERVED:
            yield Problem(
                RESERVED_NAME,
                ("queues", name),
                f"{name!r} is a namespace of the cluster itself",
                "choose another name",
            )
        if queue.gpus > available:
            yield Problem(
                QUEUE_TOO_LARGE,
                ("queues", name, "gpus"),
                f"queue {name!r} is promised {queue.gpus} GPUs, but all pools together have at most {available}",
                "lower `gpus`, or raise `max_nodes` of a pool with GPUs",
            )
    total = sum(queue.gpus for queue in spec.queues.values())
    if total > available and all(queue.gpus <= available for queue in spec.queues.values()):
        yield Problem(
            QUEUE_TOO_LARGE,
            ("queues",),
            f"the queues are promised {total} GPUs together, but all pools have at most {available}",
            "lower `gpus` of some queues and let them borrow, or raise `max_nodes` of a pool with GPUs",
        )


def _check_access(spec: ClusterSpec) -> Iterator[Problem]:
    for index, cidr in enumerate(spec.public_access):
        if cidr.endswith("/0"):
            yield Problem(
                OPEN_API,
                ("public_access", index),
                f"{cidr} is the whole internet",
                "name the ranges of your offices or runners",
            )
    for name, access in spec.access.items():
        for index, space in enumerate(access.namespaces):
            if space not in spec.queues and space not in _RESERVED:
                guess = closest(space, spec.queues)
                yield Problem(
                    NO_SUCH_TEAM,
                    ("access", name, "namespaces", index),
                    f"no queue of this cluster has the namespace {space!r}",
                    f"did you mean `{guess}`?" if guess else "name a queue",
                )


COMPONENT = Component(
    kind="clusters",
    label="cluster",
    layer=Layer.COMPUTE,
    token="mlops:compute:Cluster",
    spec=ClusterSpec,
    build=build,
    check=check,
    uses=("keys", "network"),
    backend="eks",
    examples=(
        Example(
            "A cluster without GPUs",
            {
                "small": {
                    "version": "1.35",
                    "pools": {"system": {"instance_type": "m6i.large", "min_nodes": 2, "max_nodes": 4}},
                }
            },
            {},
        ),
        Example(
            "Two teams share spot GPUs; one of them may borrow",
            {
                "research": {
                    "backend": "eks",
                    "version": "1.35",
                    "pools": {
                        "system": {"instance_type": "m6i.large", "min_nodes": 2, "max_nodes": 4},
                        "batch": {"instance_type": "c7i.4xlarge", "max_nodes": 10, "capacity": "spot"},
                        "a10g": {
                            "instance_type": "g5.12xlarge",
                            "max_nodes": 8,
                            "capacity": "spot",
                            "disk": "500GiB",
                            "labels": {"team": "shared"},
                        },
                    },
                    "queues": {
                        "risk-team": {"gpus": 16, "borrow": True, "priority": "normal"},
                        "nlp-team": {"gpus": 8, "cpu": 64, "memory": "256GiB", "priority": "high"},
                    },
                    "access": {
                        "risk": {
                            "principal": "arn:aws:iam::111122223333:role/risk-ml",
                            "level": "edit",
                            "namespaces": ["risk-team"],
                        }
                    },
                }
            },
            {},
        ),
    ),
)
