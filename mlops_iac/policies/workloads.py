"""Finds pods inside Kubernetes workloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mlops_iac.policies.policy import ResourceView

WORKLOADS: Final = (
    "kubernetes:core/v1:Pod",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:DaemonSet",
    "kubernetes:batch/v1:Job",
    "kubernetes:batch/v1:CronJob",
)
"""Every built-in type that runs pods."""


def pod_spec(resource: ResourceView) -> tuple[str, Mapping[str, Any]]:
    """Path and content of a workload's pod spec; empty content where it is missing or unknown."""
    path = "spec"
    if resource.type.endswith(":CronJob"):
        path = "spec.jobTemplate.spec.template.spec"
    elif not resource.type.endswith(":Pod"):
        path = "spec.template.spec"
    current: Any = resource.inputs
    for part in path.split("."):
        current = current.get(part) if isinstance(current, Mapping) else None
    return path, current if isinstance(current, Mapping) else {}


def containers(resource: ResourceView) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and content of every container, init and ephemeral containers included."""
    path, pod = pod_spec(resource)
    for group in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(pod.get(group) or ()):
            if isinstance(container, Mapping):
                yield f"{path}.{group}[{index}]", container


def security_context(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The security context of a pod or container, empty where there is none."""
    context = item.get("securityContext")
    return context if isinstance(context, Mapping) else {}
