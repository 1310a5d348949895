"""Containers run as an ordinary user and cannot gain privileges.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from typing import Any

from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    sample,
)
from mlops_iac.policies.workloads import WORKLOADS, containers, pod_spec, security_context

POD = WORKLOADS[0]


def check(resource: ResourceView, stack: StackView) -> Result:
    """Escalation is off on every container; runAsNonRoot is on for the pod or each container; nobody is user 0."""
    _, pod = pod_spec(resource)
    shared = security_context(pod)
    for path, container in containers(resource):
        own = security_context(container)
        name = container.get("name")
        if own.get("allowPrivilegeEscalation") is not False:
            return fail(f"lets container {name!r} gain privileges", f"{path}.securityContext.allowPrivilegeEscalation")
        if own.get("runAsNonRoot", shared.get("runAsNonRoot")) is not True:
            return fail(f"may run container {name!r} as root", f"{path}.securityContext.runAsNonRoot")
        if own.get("runAsUser", shared.get("runAsUser")) == 0:
            return fail(f"runs container {name!r} as user 0", f"{path}.securityContext.runAsUser")
    return PASS


def _pod(pod: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"securityContext": pod, "containers": [{"name": "main", "securityContext": container}]}}


POLICY = Policy(
    id="k8s-non-root-no-escalation",
    title="Containers run as an ordinary user",
    why="Root inside a container is one kernel flaw away from root on the node.",
    fix="set runAsNonRoot: true for the pod and allowPrivilegeEscalation: false for each container",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={
        "pss-restricted": ("allowPrivilegeEscalation", "runAsNonRoot", "runAsUser"),
        "cis-eks": ("4.2.5", "4.2.6"),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
    check=check,
    samples=(
        sample(Verdict.PASS, POD, _pod({"runAsNonRoot": True}, {"allowPrivilegeEscalation": False})),
        sample(Verdict.FAIL, POD, _pod({"runAsNonRoot": True}, {})),
        sample(Verdict.FAIL, POD, _pod({}, {"allowPrivilegeEscalation": False})),
        sample(
            Verdict.FAIL,
            POD,
            _pod({"runAsNonRoot": True, "runAsUser": 0}, {"allowPrivilegeEscalation": False}),
        ),
    ),
)
