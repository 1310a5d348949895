"""Teams' shares of a cluster, as Kueue objects: a flavor per pool, a queue per team, one cohort to lend
within.

Each team gets a namespace of its own with a quota, default container sizes and a queue. ``borrow`` lets its
jobs take what other teams leave idle; they give it back when the owner asks.
Source: https://kueue.sigs.k8s.io/docs/concepts/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.kubernetes import Site, labels, namespace
from mlops_iac.graph.values import Value
from mlops_iac.providers.ec2 import InstanceType
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Size

API = "kueue.x-k8s.io/v1beta2"
GPU = "nvidia.com/gpu"
POOL_LABEL = "mlops-iac/pool"
SYSTEM_POOL = "system"
LEVELS: dict[str, int] = {"low": 1_000, "normal": 10_000, "high": 100_000}
"""Priority of the pods of each level; higher ones displace lower ones."""

_WEIGHTS = {"low": "0.5", "normal": "1", "high": "2"}
_MEMORY_SHARE = 0.9
"""The part of a node's memory that pods can have; the rest is the system's."""


Processors = Annotated[int, doc("Number of processors.", unit="vCPUs", ge=0)]


class QueueSpec(Spec, kw_only=True):
    """A team's share of the cluster; the queue's name is the name of the team's namespace."""

    gpus: Annotated[int, doc("GPUs that the team always gets.", unit="GPUs", ge=0)] = 0
    cpu: Annotated[Processors | None, doc("Processors of pools without GPUs; unset means none.", unit="vCPUs")] = None
    memory: Annotated[Size | None, doc("Memory of pools without GPUs; unset means 4 GiB a processor.")] = None
    borrow: Annotated[bool, doc("Whether jobs may take what other teams leave idle.")] = False
    priority: Annotated[Literal["low", "normal", "high"], doc("Highest priority that the team's pods may have.")] = (
        "normal"
    )


@dataclass(frozen=True, slots=True)
class Pool:
    """A node pool as its users see it."""

    name: str
    instance: InstanceType
    max_nodes: int

    @property
    def gpus(self) -> int:
        """GPUs of all nodes that the pool can have."""
        return self.gpus_per_node * self.max_nodes

    @property
    def gpus_per_node(self) -> int:
        """GPUs of one node; a shared GPU counts as one."""
        return max(self.instance.accelerators, 1) if self.instance.is_nvidia else 0


@dataclass(frozen=True, slots=True)
class Share:
    """What a queue gets of one pool."""

    pool: str
    cpu: int = 0
    memory_gib: int = 0
    gpus: int = 0


def shares(spec: QueueSpec, pools: Sequence[Pool]) -> tuple[Share, ...]:
    """A share of every pool that jobs use: GPUs from the first pools that have them, processors with each
    GPU.
    """
    rest = spec.gpus
    found = []
    for pool in _job_pools(pools):
        if pool.gpus_per_node:
            taken = min(rest, pool.gpus)
            rest -= taken
            found.append(
                Share(
                    pool.name,
                    pool.instance.vcpus * taken // pool.gpus_per_node,
                    int(pool.instance.memory_gib * _MEMORY_SHARE * taken / pool.gpus_per_node),
                    taken,
                )
            )
        else:
            first = not any(share for share in found if share.gpus == 0 and share.cpu)
            cpu = (spec.cpu or 0) if first else 0
            memory = spec.memory.gibibytes if spec.memory else 4 * cpu
            found.append(Share(pool.name, cpu, memory if first else 0))
    return tuple(found)


def _job_pools(pools: Sequence[Pool]) -> list[Pool]:
    """The system pool takes jobs only where no other pool is without GPUs."""
    others = [pool for pool in pools if pool.name != SYSTEM_POOL]
    if any(not pool.gpus_per_node for pool in others):
        return others
    return [*others, *(pool for pool in pools if pool.name == SYSTEM_POOL)]


def add_priorities(ctx: BuildContext, site: Site) -> None:
    """A priority class per level, for pods and for queued jobs."""
    for level, value in LEVELS.items():
        ctx.kubernetes(
            f"priority-{level}",
            "scheduling.k8s.io/v1",
            "PriorityClass",
            {
                "metadata": {"name": level},
                "value": value,
                "globalDefault": level == "normal",
                "preemptionPolicy": "PreemptLowerPriority",
                "description": f"{level} priority",
            },
            provider=site.provider,
            depends_on=site.ready,
        )


def add_queues(
    ctx: BuildContext, site: Site, queues: Mapping[str, QueueSpec], pools: Sequence[Pool], kueue: Handle
) -> dict[str, Handle]:
    """Flavors, cohort and the objects of each team; the namespaces by team."""
    ready = [kueue, *(_flavor(ctx, site, pool, kueue) for pool in _job_pools(pools))]
    cohort = ctx.kubernetes(
        "cohort",
        API,
        "Cohort",
        {"metadata": {"name": ctx.instance.name, "labels": labels(ctx, ctx.instance.name)}},
        provider=site.provider,
        depends_on=(kueue,),
    )
    return {name: _team(ctx, site, name, spec, pools, (*ready, cohort)) for name, spec in queues.items()}


def _flavor(ctx: BuildContext, site: Site, pool: Pool, kueue: Handle) -> Handle:
    tolerations: list[Value] = [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]
    return ctx.kubernetes(
        f"flavor-{pool.name}",
        API,
        "ResourceFlavor",
        {
            "metadata": {"name": pool.name, "labels": labels(ctx, pool.name)},
            "spec": {
                "nodeLabels": {POOL_LABEL: pool.name},
                "tolerations": tolerations if pool.gpus_per_node else None,
            },
        },
        provider=site.provider,
        depends_on=(kueue,),
    )


def _team(
    ctx: BuildContext, site: Site, name: str, spec: QueueSpec, pools: Sequence[Pool], ready: Sequence[Handle]
) -> Handle:
    space = namespace(ctx, f"team-{name}", name, site, more_labels={"mlops-iac/priority": spec.priority})
    _quota(ctx, site, name, spec, pools, space)
    queue = ctx.kubernetes(
        f"cluster-queue-{name}",
        API,
        "ClusterQueue",
        {
            "metadata": {"name": name, "labels": labels(ctx, name)},
            "spec": {
                "cohortName": ctx.instance.name,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "queueingStrategy": "BestEffortFIFO",
                "resourceGroups": [_resource_group(spec, pools)],
                "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Any"},
                "fairSharing": {"weight": _WEIGHTS[spec.priority]},
            },
        },
        provider=site.provider,
        depends_on=tuple(ready),
    )
    ctx.kubernetes(
        f"local-queue-{name}",
        API,
        "LocalQueue",
        {
            "metadata": {"name": name, "namespace": name, "labels": labels(ctx, name)},
            "spec": {"clusterQueue": name},
        },
        provider=site.provider,
        depends_on=(queue, space),
    )
    return space


def _resource_group(spec: QueueSpec, pools: Sequence[Pool]) -> Value:
    with_gpus = any(pool.gpus_per_node for pool in pools)
    covered = ["cpu", "memory", *([GPU] if with_gpus else [])]
    flavors: list[Value] = []
    for share in shares(spec, pools):
        amounts = {"cpu": str(share.cpu), "memory": f"{share.memory_gib}Gi", GPU: str(share.gpus)}
        resources: list[Value] = [
            {"name": name, "nominalQuota": amounts[name], "borrowingLimit": None if spec.borrow else "0"}
            for name in covered
        ]
        flavors.append({"name": share.pool, "resources": resources})
    return {"coveredResources": covered, "flavors": flavors}


def _quota(ctx: BuildContext, site: Site, name: str, spec: QueueSpec, pools: Sequence[Pool], space: Handle) -> None:
    """Bounds for pods that go round the queue, default sizes, and no pods above the team's priority."""
    most_gpus = sum(pool.gpus for pool in pools) if spec.borrow else spec.gpus
    _namespaced(
        ctx,
        site,
        f"quota-{name}",
        "ResourceQuota",
        "team",
        name,
        space,
        {
            "hard": {
                f"requests.{GPU}": str(most_gpus),
                "pods": "500",
                "services.loadbalancers": "0",
                "services.nodeports": "0",
            }
        },
    )
    too_high: list[Value] = [level for level, value in LEVELS.items() if value > LEVELS[spec.priority]]
    if too_high:
        scope: dict[str, Value] = {"scopeName": "PriorityClass", "operator": "In", "values": too_high}
        _namespaced(
            ctx,
            site,
            f"quota-priority-{name}",
            "ResourceQuota",
            "priority",
            name,
            space,
            {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}},
        )
    _namespaced(
        ctx,
        site,
        f"limits-{name}",
        "LimitRange",
        "containers",
        name,
        space,
        {
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "1", "memory": "2Gi"},
                    "defaultRequest": {"cpu": "250m", "memory": "512Mi"},
                }
            ]
        },
    )


def _namespaced(
    ctx: BuildContext, site: Site, suffix: str, kind: str, name: str, space: str, after: Handle, spec: Value
) -> None:
    ctx.kubernetes(
        suffix,
        "v1",
        kind,
        {"metadata": {"name": name, "namespace": space, "labels": labels(ctx, name)}, "spec": spec},
        provider=site.provider,
        depends_on=(after,),
    )
