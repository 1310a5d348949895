"""The node pools of a cluster on Amazon EKS: a managed node group and a launch template each.

GPU nodes run Bottlerocket unless told otherwise: its NVIDIA images have the device plugin built in. On
``al2023`` the plugin is a DaemonSet that needs host paths, which pod security does not allow outside a
privileged namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Problem
from mlops_iac.components.compute.queues import GPU, POOL_LABEL, SYSTEM_POOL, Pool
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.graph import naming
from mlops_iac.graph.values import Value, join
from mlops_iac.providers.ec2 import InstanceType, instance_types
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Size
from mlops_iac.spec.suggest import closest
from mlops_iac.spec.system import System

MIN_OVER_MAX = "MI3200"
"""A pool's least number of nodes is above its greatest."""
NO_SYSTEM_POOL = "MI3201"
"""No pool for the cluster's own pods."""
BAD_SYSTEM_POOL = "MI3202"
"""The system pool could leave the cluster's own pods without a node."""
UNKNOWN_INSTANCE = "MI3203"
"""An instance type that EC2 does not have."""
SPOT_REFUSED = "MI3205"
"""Spot capacity where the environment does not allow it."""
NO_DEVICE_PLUGIN = "MI3207"
"""An accelerator that no component makes available to pods."""

_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)


class TaintSpec(Spec, kw_only=True):
    """A taint: pods without a matching toleration stay away."""

    key: Annotated[str, doc("Key.", min_length=1, max_length=63)]
    value: Annotated[str, doc("Value.", max_length=63)] = ""
    effect: Annotated[
        Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"], doc("What happens to other pods.")
    ] = "NO_SCHEDULE"


class PoolSpec(Spec, kw_only=True):
    """A group of equal nodes. Nodes with GPUs are tainted, so that only jobs that ask for GPUs land there."""

    instance_type: Annotated[
        str,
        doc(
            "EC2 instance type.",
            replaces=True,
            pattern="^[a-z0-9-]+\\.[a-z0-9-]+$",
            expects="an EC2 instance type such as g5.12xlarge",
        ),
    ]
    min_nodes: Annotated[int, doc("Fewest nodes; 0 lets the pool cost nothing while idle.", ge=0, le=450)] = 0
    max_nodes: Annotated[int, doc("Most nodes.", ge=1, le=450)]
    capacity: Annotated[
        Literal["on_demand", "spot"],
        doc("How nodes are bought; spot ones are cheaper and can be taken away.", replaces=True),
    ] = "on_demand"
    disk: Annotated[Size, doc("Volume of each node, for images and scratch data.")] = Size(100 * 2**30)
    os: Annotated[Literal["bottlerocket", "al2023"], doc("Operating system of the nodes.", replaces=True)] = (
        "bottlerocket"
    )
    labels: Annotated[dict[str, str], doc("Further node labels.")] = {}
    taints: Annotated[list[TaintSpec], doc("Further taints.")] = []


def pools_of(pools: Mapping[str, PoolSpec]) -> tuple[Pool, ...]:
    """The pools whose instance type is known, as queues see them."""
    known = instance_types()
    return tuple(
        Pool(name, known[pool.instance_type], pool.max_nodes)
        for name, pool in pools.items()
        if pool.instance_type in known
    )


def add_node_groups(
    name: str,
    pools: Mapping[str, PoolSpec],
    version: str,
    ctx: BuildContext,
    network: NetworkOutputs,
    cluster: Handle,
    before: list[Handle],
) -> dict[str, Handle]:
    """The node group of each pool of the cluster ``name``, after ``before``."""
    role = ctx.role("node-role", (), service="ec2.amazonaws.com", managed=_NODE_POLICIES)
    grant = _autoscaling_grant(ctx)
    depends_on = (*before, *ctx.role_ready(role), grant)
    return {
        pool: _node_group(name, pool, settings, version, ctx, network, cluster, role, depends_on)
        for pool, settings in pools.items()
    }


def _autoscaling_grant(ctx: BuildContext) -> Handle:
    """Lets Auto Scaling start nodes with volumes under the system's key.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    linked_role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    return ctx.add(
        "node-volume-grant",
        "aws:kms/grant:Grant",
        {
            "name": ctx.namer.cloud(ctx.instance.name, "node-volumes"),
            "keyId": ctx.get("keys", "keys", KeysOutputs).arn(),
            "granteePrincipal": ctx.arn("iam", linked_role, region=False),
            "operations": [
                "CreateGrant",
                "Decrypt",
                "DescribeKey",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
            ],
        },
    )


def _node_group(
    name: str,
    pool: str,
    spec: PoolSpec,
    version: str,
    ctx: BuildContext,
    network: NetworkOutputs,
    cluster: Handle,
    role: Handle,
    depends_on: tuple[Handle, ...],
) -> Handle:
    """A change that replaces the group also changes its name, so that the new one starts before the old one
    ends.
    """
    instance = instance_types()[spec.instance_type]
    template = _launch_template(name, pool, spec, ctx)
    image = ami_type(spec.os, instance)
    digest = naming.content_hash(f"{spec.instance_type} {spec.capacity} {image}")
    return ctx.add(
        f"pool-{pool}",
        "aws:eks/nodeGroup:NodeGroup",
        {
            "clusterName": cluster["name"],
            "nodeGroupName": f"{naming.shorten(pool, 54)}-{digest}",
            "nodeRoleArn": role["arn"],
            "subnetIds": list(network.private_subnet_ids),
            "version": version,
            "amiType": image,
            "capacityType": spec.capacity.upper(),
            "instanceTypes": [spec.instance_type],
            "scalingConfig": {
                "minSize": spec.min_nodes,
                "maxSize": spec.max_nodes,
                "desiredSize": spec.min_nodes,
            },
            "labels": {**spec.labels, **_node_labels(pool, instance)},
            "taints": _taints(spec, instance),
            "launchTemplate": {"id": template.id, "version": join(template["latestVersion"])},
            "updateConfig": {"maxUnavailable": 1},
            "nodeRepairConfig": {"enabled": True},
        },
        depends_on=depends_on,
        ignore_changes=("scalingConfig.desiredSize",),
    )


def ami_type(os: str, instance: InstanceType) -> str:
    """EKS's name for the node image: operating system, processor and drivers."""
    if os == "bottlerocket":
        processor = "ARM_64" if instance.is_arm else "x86_64"
        return f"BOTTLEROCKET_{processor}{'_NVIDIA' if instance.is_nvidia else ''}"
    processor = "ARM_64" if instance.is_arm else "x86_64"
    return f"AL2023_{processor}_{'NVIDIA' if instance.is_nvidia else 'STANDARD'}"


def _node_labels(pool: str, instance: InstanceType) -> dict[str, Value]:
    accelerator = {"mlops-iac/accelerator": instance.accelerator.replace(" ", "-")} if instance.accelerator else {}
    return {POOL_LABEL: pool, **accelerator}


def _taints(spec: PoolSpec, instance: InstanceType) -> list[Value]:
    taints: list[Value] = [{"key": t.key, "value": t.value, "effect": t.effect} for t in spec.taints]
    if instance.is_nvidia:
        taints.insert(0, {"key": GPU, "value": "present", "effect": "NO_SCHEDULE"})
    return taints


def _launch_template(name: str, pool: str, spec: PoolSpec, ctx: BuildContext) -> Handle:
    """Pods get credentials by pod identity, so metadata answers one hop only, which no pod is within."""
    tags = ctx.tags(Name=ctx.namer.cloud(name, pool))
    return ctx.add(
        f"template-{pool}",
        "aws:ec2/launchTemplate:LaunchTemplate",
        {
            "name": ctx.namer.cloud(name, pool, limit=128),
            "updateDefaultVersion": True,
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
            },
            "blockDeviceMappings": _volumes(spec, ctx),
            "monitoring": {"enabled": True},
            "tagSpecifications": [
                {"resourceType": "instance", "tags": tags},
                {"resourceType": "volume", "tags": tags},
            ],
        },
    )


def _volumes(spec: PoolSpec, ctx: BuildContext) -> list[Value]:
    """Bottlerocket keeps itself on the first volume and images and scratch data on the second."""
    key = ctx.get("keys", "keys", KeysOutputs).arn()
    sizes = {"/dev/xvda": spec.disk.gibibytes}
    if spec.os == "bottlerocket":
        sizes = {"/dev/xvda": 4, "/dev/xvdb": spec.disk.gibibytes}
    return [
        {
            "deviceName": device,
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": size,
                "encrypted": "true",
                "kmsKeyId": key,
                "deleteOnTermination": "true",
            },
        }
        for device, size in sizes.items()
    ]


def check_pools(pools: Mapping[str, PoolSpec], system: System) -> Iterator[Problem]:
    """Pools that cannot work, and a system pool that the cluster's own pods cannot rely on."""
    for name, spec in pools.items():
        yield from _check_pool(("pools", name), name, spec, system)
    yield from _check_system_pool(pools)


def _check_pool(path: tuple[str, ...], name: str, spec: PoolSpec, system: System) -> Iterator[Problem]:
    if spec.min_nodes > spec.max_nodes:
        yield Problem(
            MIN_OVER_MAX,
            (*path, "min_nodes"),
            f"pool {name!r} has at least {spec.min_nodes} nodes but at most {spec.max_nodes}",
            "raise `max_nodes` or lower `min_nodes`",
        )
    if spec.capacity == "spot" and not system.core.env.spot:
        yield Problem(
            SPOT_REFUSED,
            (*path, "capacity"),
            f"the environment {system.core.env.name} does not allow spot capacity",
            "use `capacity: on_demand`, or set `env.spot: true`",
        )
    instance = instance_types().get(spec.instance_type)
    if instance is None:
        guess = closest(spec.instance_type, instance_types())
        hint = f"did you mean `{guess}`?" if guess else "see https://aws.amazon.com/ec2/instance-types/"
        yield Problem(
            UNKNOWN_INSTANCE,
            (*path, "instance_type"),
            f"EC2 has no instance type {spec.instance_type!r}",
            hint,
        )
    elif instance.accelerator and not instance.is_nvidia:
        yield Problem(
            NO_DEVICE_PLUGIN,
            (*path, "instance_type"),
            f"{spec.instance_type} has {instance.accelerator}, which this back end does not offer to pods",
            "choose an instance type with NVIDIA GPUs, or without an accelerator",
        )


def _check_system_pool(pools: Mapping[str, PoolSpec]) -> Iterator[Problem]:
    system = pools.get(SYSTEM_POOL)
    if system is None:
        yield Problem(
            NO_SYSTEM_POOL,
            ("pools",),
            "no pool is called `system`, where DNS and controllers run",
            "add `system: {instance_type: m6i.large, min_nodes: 2, max_nodes: 4}`",
        )
        return
    instance = instance_types().get(system.instance_type)
    faults = {
        "min_nodes": "has no node when it is idle" if system.min_nodes == 0 else "",
        "capacity": "is of spot capacity, which can be taken away" if system.capacity == "spot" else "",
        "instance_type": "has GPUs, which keep other pods away" if instance and instance.is_nvidia else "",
        "taints": "has taints, which keep the cluster's own pods away" if system.taints else "",
    }
    for field, fault in faults.items():
        if fault:
            yield Problem(
                BAD_SYSTEM_POOL,
                ("pools", SYSTEM_POOL, field),
                f"the system pool {fault}",
                "use at least one on-demand node without GPUs and taints",
            )
