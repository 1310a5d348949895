"""Containers say how much they need and may take.

Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
    text_of,
    waits,
)
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, called, each_container, no_container

GPU = "nvidia.com/gpu"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Requests for cpu and memory, a memory limit, and equal GPU numbers on every container."""
    return each_container(resource, _bounded)


def _bounded(container: Inputs, pod: Inputs) -> Result:
    limited = container.has("resources.limits.memory")
    requested = [name for name in ("cpu", "memory") if not container.has(f"resources.requests.{name}")]
    if requested and not (limited and all(container.has(f"resources.limits.{name}") for name in requested)):
        return fail(
            f"does not say how much {text_of(requested)} {called(container)} needs", container.path_of("resources")
        )
    if not limited:
        return fail(f"lets {called(container)} take all memory", container.path_of("resources.limits.memory"))
    requests, limits = container.at("resources.requests"), container.at("resources.limits")
    asked = requests.get(GPU) if isinstance(requests, Inputs) else None
    granted = limits.get(GPU) if isinstance(limits, Inputs) else None
    if asked is not None and str(asked) != str(granted):
        return fail(
            f"asks for {asked} GPUs for {called(container)} but limits it to {granted}", container.path_of("resources")
        )
    return PASS


def _pod(requests: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "resources": {"requests": requests, "limits": limits}}]}}


POLICY = Policy(
    id="k8s-resources-set",
    title="Containers have requests and limits",
    why="A pod without them is placed blindly, and can starve the model that serves beside it.",
    fix="set resources.requests.cpu and memory, limits.memory, and the same number of GPUs in both",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={"checkov": ("CKV_K8S_10", "CKV_K8S_11", "CKV_K8S_12", "CKV_K8S_13")},
    source_url="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    check=check,
    admission=admits_workloads(
        no_container(
            "!has(c.resources) || !['cpu', 'memory'].all(n, c.resources.?requests[?n].hasValue()"
            " || c.resources.?limits[?n].hasValue() && c.resources.?limits[?'memory'].hasValue())",
            "does not say how much container {} needs",
        ),
        no_container("!c.?resources.?limits[?'memory'].hasValue()", "lets container {} take all memory"),
        no_container(
            f"c.?resources.?requests[?'{GPU}'].hasValue()"
            f" && c.?resources.?requests[?'{GPU}'].orValue('') != c.?resources.?limits[?'{GPU}'].orValue('')",
            "asks for other numbers of GPUs than it limits container {} to",
        ),
    ),
    samples=(
        passes(POD, _pod({"cpu": "1", "memory": "1Gi"}, {"memory": "1Gi"})),
        passes(POD, _pod({}, {"cpu": "1", "memory": "1Gi", GPU: "1"})),
        fails(POD, _pod({"cpu": "1"}, {})),
        fails(POD, _pod({"cpu": "1", "memory": "1Gi"}, {})),
        fails(POD, _pod({"cpu": "1", "memory": "1Gi", GPU: "1"}, {"memory": "1Gi"})),
        waits(POD, _pod({"cpu": "1", "memory": "1Gi", GPU: UNKNOWN}, {"memory": "1Gi", GPU: "1"})),
        ELSEWHERE,
    ),
)
