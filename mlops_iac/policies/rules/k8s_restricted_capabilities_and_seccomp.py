"""Containers give up every capability and run with a system call filter.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
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
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, called, each_container, no_container, setting


def check(resource: ResourceView, stack: StackView) -> Result:
    """ALL is dropped, at most NET_BIND_SERVICE is added, and a seccomp profile is set for the container or its pod."""
    return each_container(resource, _restricted)


def _restricted(container: Inputs, pod: Inputs) -> Result:
    dropped = {str(name).upper() for name in container.list("securityContext.capabilities.drop")}
    if "ALL" not in dropped:
        return fail(
            f"keeps capabilities of {called(container)}", container.path_of("securityContext.capabilities.drop")
        )
    added = {str(name) for name in container.list("securityContext.capabilities.add")} - {"NET_BIND_SERVICE"}
    if added:
        path = container.path_of("securityContext.capabilities.add")
        return fail(f"gives {called(container)} {text_of(sorted(added))}", path)
    if setting(container, pod, "seccompProfile.type") not in ("RuntimeDefault", "Localhost"):
        path = container.path_of("securityContext.seccompProfile.type")
        return fail(f"runs {called(container)} without a system call filter", path)
    return PASS


def _pod(drop: list[str], add: list[str], seccomp: Any) -> dict[str, Any]:
    context = {"capabilities": {"drop": drop, "add": add}}
    pod = {"seccompProfile": {"type": seccomp}} if seccomp else {}
    return {"spec": {"securityContext": pod, "containers": [{"name": "main", "securityContext": context}]}}


POLICY = Policy(
    id="k8s-restricted-capabilities-and-seccomp",
    title="Containers drop all capabilities and filter system calls",
    why="What a container cannot ask of the kernel, an attacker in it cannot ask either.",
    fix="set capabilities.drop: [ALL] and seccompProfile.type: RuntimeDefault",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={
        "pss-restricted": ("capabilities_restricted", "seccompProfile_restricted"),
        "checkov": ("CKV_K8S_25", "CKV_K8S_28", "CKV_K8S_31", "CKV_K8S_37"),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
    check=check,
    admission=admits_workloads(
        no_container(
            "!c.?securityContext.?capabilities.?drop.orValue([]).exists(d, d.upperAscii() == 'ALL')",
            "keeps capabilities of container {}",
        ),
        no_container(
            "c.?securityContext.?capabilities.?add.orValue([]).exists(a, a != 'NET_BIND_SERVICE')",
            "gives capabilities to container {}",
        ),
        no_container(
            "!(c.?securityContext.?seccompProfile.?type"
            ".orValue(variables.pod.?securityContext.?seccompProfile.?type.orValue(''))"
            " in ['RuntimeDefault', 'Localhost'])",
            "runs container {} without a system call filter",
        ),
    ),
    samples=(
        passes(POD, _pod(["ALL"], ["NET_BIND_SERVICE"], "RuntimeDefault")),
        fails(POD, _pod([], [], "RuntimeDefault")),
        fails(POD, _pod(["ALL"], ["CHOWN"], "RuntimeDefault")),
        fails(POD, _pod(["ALL"], [], None)),
        waits(POD, _pod(["ALL"], [], UNKNOWN)),
        ELSEWHERE,
    ),
)
