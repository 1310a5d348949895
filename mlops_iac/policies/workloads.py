"""Finds pods and containers inside Kubernetes workloads.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mlops_iac.policies.admission import CHANGED, Admission, Requirement, none_of
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView, Result, StackView, SystemView, worst

WORKLOADS: Final = (
    "kubernetes:core/v1:Pod",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:apps/v1:DaemonSet",
    "kubernetes:apps/v1:ReplicaSet",
    "kubernetes:batch/v1:Job",
    "kubernetes:batch/v1:CronJob",
)
"""Every built-in type that runs pods."""
POD: Final = WORKLOADS[0]
DEPLOYMENT: Final = WORKLOADS[1]
JOB: Final = WORKLOADS[5]
CRON_JOB: Final = WORKLOADS[6]

_SPEC: Final = {POD: "spec", CRON_JOB: "spec.jobTemplate.spec.template.spec"}

_VARIABLES: Final = {
    "template": "object.kind == 'Pod' ? object : "
    "object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template : object.spec.template",
    "pod": "variables.template.spec",
    "volumes": "variables.pod.?volumes.orValue([])",
    "containers": "variables.pod.containers + variables.pod.?initContainers.orValue([])"
    " + variables.pod.?ephemeralContainers.orValue([])",
}
"""The same parts of a workload as CEL variables of an admission policy."""


def pod_spec(resource: ResourceView) -> Inputs:
    """A workload's pod spec; empty where it has none."""
    path = _SPEC.get(resource.type, "spec.template.spec")
    found = resource.inputs.at(path)
    return found if isinstance(found, Inputs) else Inputs({}, path)


def pod_metadata(resource: ResourceView) -> Inputs:
    """The metadata of the pods that a workload makes."""
    path = _SPEC.get(resource.type, "spec.template.spec").rpartition("spec")[0] + "metadata"
    found = resource.inputs.at(path)
    return found if isinstance(found, Inputs) else Inputs({}, path)


def containers(pod: Inputs) -> Iterator[Inputs]:
    """Every container of a pod, init and ephemeral containers included."""
    for group in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod.each(group)


def each_container(resource: ResourceView, judge: Callable[[Inputs, Inputs], Result]) -> Result:
    """The worst verdict of ``judge(container, pod)`` over the containers of a workload."""
    pod = pod_spec(resource)
    return worst(containers(pod), lambda container: judge(container, pod))


def called(container: Inputs) -> str:
    """How a message names a container."""
    return f"container {container.text('name', '?')!r}"


def setting(container: Inputs, pod: Inputs, name: str) -> Any:
    """A security setting of a container, which its pod's is the default of."""
    own = container.at(f"securityContext.{name}")
    return pod.at(f"securityContext.{name}") if own is None else own


def namespace_of(resource: ResourceView) -> str:
    """The namespace that a resource is put into; ``default`` where it does not say."""
    return resource.inputs.text("metadata.namespace") or "default"


def labels_of(resource: ResourceView) -> Inputs:
    """A resource's labels."""
    found = resource.inputs.at("metadata.labels")
    return found if isinstance(found, Inputs) else Inputs({}, "metadata.labels")


def inhabited(stack: StackView) -> frozenset[str]:
    """The namespaces in which workloads run; those whose namespace is not known yet are left out."""
    known = (w for w in stack.of_type(*WORKLOADS) if w.inputs.is_known("metadata.namespace"))
    return frozenset(namespace_of(workload) for workload in known)


def admits_workloads(
    *requires: Requirement,
    kinds: tuple[str, ...] = WORKLOADS,
    where: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    partial: str = "",
) -> Callable[[SystemView], Admission]:
    """What a rule asks of workloads at admission; conditions may read ``pod``, ``volumes`` and ``containers``."""
    stated = Admission(
        kinds, requires, {**CHANGED, **(where or {})}, {**_VARIABLES, **(variables or {})}, partial=partial
    )
    return lambda _: stated


def no_container(breaks: str, detail: str) -> Requirement:
    """No container ``c`` may meet the CEL condition ``breaks``."""
    return none_of("variables.containers", "c", breaks, "c.name", detail)
