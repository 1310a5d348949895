"""Clusters, node pools and queues that go, and the jobs that run or wait there.

A deleted managed node group is drained first: pods get fifteen minutes, jobs that need longer start over elsewhere or
fail. A changed template or version rolls the nodes in the same way. Creating a cluster took 13 to 17 minutes in a
measurement over 21 regions (https://easontechtalk.com/unofficial-eks-cluster-creation-performance-across-aws-regions),
its nodes and controllers come after.
Sources: https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html and
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.components.compute.clusters import ClusterSpec
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Minutes, Scene, Touched, listed
from mlops_iac.plan.model import Op

_CLUSTER = "aws:eks/cluster:Cluster"
_POOL = "aws:eks/nodeGroup:NodeGroup"
_QUEUE = "kubernetes:kueue.x-k8s.io/v1beta2:ClusterQueue"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_NEW_CLUSTER: Final[Minutes] = (20, 35)
_DRAIN: Final[Minutes] = (5, 20)
_ROLLING = ("launchTemplate", "releaseVersion", "version")
_EKS = "https://docs.aws.amazon.com/eks/latest/userguide"


def _find(scene: Scene) -> Iterator[Impact]:
    gone = set()
    for found in scene.of_type(_CLUSTER):
        if found.goes:
            gone.add(found.component)
            yield _cluster(scene, found)
    for found in scene.of_type(_POOL):
        if found.component not in gone:
            yield from _pool(scene, found)
    for found in scene.of_type(_QUEUE, _NAMESPACE):
        if found.component not in gone and found.goes:
            yield _queue(found)


def _queues(scene: Scene, found: Touched) -> list[str]:
    """The queues whose jobs may run there: those that are declared, and those that go along."""
    instance = scene.system.find("clusters", str(found.component[-1]))
    declared = list(instance.spec.queues) if instance is not None and isinstance(instance.spec, ClusterSpec) else []
    going = [each.name.partition(".cluster-queue-")[2] for each in scene.of_component(found.component, _QUEUE)]
    return sorted({*declared, *going})


def _cluster(scene: Scene, found: Touched) -> Impact:
    queues = _queues(scene, found)
    waiting = f", those of queue {listed(queues)} included" if queues else ""
    return Impact(
        ImpactKind.JOBS_LOST,
        ImpactSeverity.CRITICAL,
        found.component,
        (found.name,),
        f"cluster {found.component[-1]} {found.how}: every running and waiting job is lost{waiting}, with all objects "
        "that were not declared here",
        "let queues run empty and stop them (Kueue: stopPolicy HoldAndDrain), and save what is on volumes",
        f"{_EKS}/delete-cluster.html",
        _NEW_CLUSTER if found.op is Op.REPLACE else None,
    )


def _pool(scene: Scene, found: Touched) -> Iterator[Impact]:
    pool = found.name.partition(".pool-")[2] or found.name
    queues = _queues(scene, found)
    users = f" (queue {listed(queues)})" if queues else ""
    if found.goes:
        yield Impact(
            ImpactKind.JOBS_LOST,
            ImpactSeverity.HIGH if queues else ImpactSeverity.MEDIUM,
            found.component,
            (found.name,),
            f"node pool {pool} {found.how}: its nodes are drained, and jobs on them{users} end and start over or are "
            "lost",
            "wait until nothing runs on it, or let jobs save checkpoints",
            f"{_EKS}/delete-managed-node-group.html",
            _DRAIN,
        )
    elif found.op is Op.UPDATE and any(item.path.partition(".")[0] in _ROLLING for item in found.change.diff):
        yield Impact(
            ImpactKind.JOBS_LOST,
            ImpactSeverity.MEDIUM if queues else ImpactSeverity.LOW,
            found.component,
            (found.name,),
            f"the nodes of pool {pool} are replaced one after the other: jobs on them{users} are moved, and end where "
            "they cannot be",
            "apply while the pool is empty, or let jobs save checkpoints",
            f"{_EKS}/managed-node-update-behavior.html",
            _DRAIN,
        )


def _queue(found: Touched) -> Impact:
    space = found.change.type == _NAMESPACE
    noun = "namespace" if space else "queue"
    label = found.name.partition(".cluster-queue-")[2] or found.name
    lost = "everything in it is deleted, jobs and volume claims included" if space else "its waiting jobs stay pending"
    return Impact(
        ImpactKind.JOBS_LOST,
        ImpactSeverity.HIGH if space else ImpactSeverity.MEDIUM,
        found.component,
        (found.name,),
        f"{noun} {label} {found.how}: {lost}",
        "let its jobs end first",
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/"
        if space
        else "https://kueue.sigs.k8s.io/docs/concepts/cluster_queue/",
    )


RULE = ImpactRule("running-jobs", "A cluster, node pool or queue goes while jobs may run there.", _find)
