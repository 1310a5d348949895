"""An autoscaler moved what it is there to move.

Sources: https://docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html,
https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html (desired size) and
https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mlops_iac.plan.drift import Danger, Drifted, DriftRule, Reason

_MOVED: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:autoscaling/group:Group": ("desiredCapacity",),
    "aws:dynamodb/table:Table": ("readCapacity", "writeCapacity"),
    "aws:ecs/service:Service": ("desiredCount",),
    "aws:eks/nodeGroup:NodeGroup": ("scalingConfig.desiredSize",),
    "aws:sagemaker/endpoint:Endpoint": ("desiredWeightsAndCapacities",),
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": ("productionVariants[].initialInstanceCount",),
    "kubernetes:apps/v1:Deployment": ("spec.replicas",),
    "kubernetes:apps/v1:StatefulSet": ("spec.replicas",),
}
"""Inputs that autoscalers set, by type."""


def _judge(drifted: Drifted) -> Iterator[Reason]:
    if drifted.only(*_MOVED.get(drifted.type, ())):
        yield Reason(Danger.HARMLESS, "only the capacity differs, which autoscaling moves between its bounds")


RULE = DriftRule("scaled", "An autoscaler changed a capacity.", _judge)
