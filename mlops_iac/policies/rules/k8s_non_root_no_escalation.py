"""Containers run as an ordinary user and stay one.

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
    waits,
)
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, called, each_container, no_container, setting


def check(resource: ResourceView, stack: StackView) -> Result:
    """Escalation is off on every container; runAsNonRoot is on for the pod or each container; nobody is user 0."""
    return each_container(resource, _ordinary_user)


def _ordinary_user(container: Inputs, pod: Inputs) -> Result:
    if container.flag("securityContext.allowPrivilegeEscalation", default=True):
        path = container.path_of("securityContext.allowPrivilegeEscalation")
        return fail(f"lets {called(container)} gain privileges", path)
    if setting(container, pod, "runAsNonRoot") is not True:
        return fail(f"may run {called(container)} as root", container.path_of("securityContext.runAsNonRoot"))
    if setting(container, pod, "runAsUser") == 0:
        return fail(f"runs {called(container)} as user 0", container.path_of("securityContext.runAsUser"))
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
        "checkov": ("CKV_K8S_20", "CKV_K8S_23", "CKV_K8S_40"),
        "cis-eks": ("4.2.5",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
    check=check,
    admission=admits_workloads(
        no_container("c.?securityContext.?allowPrivilegeEscalation.orValue(true)", "lets container {} gain privileges"),
        no_container(
            "!c.?securityContext.?runAsNonRoot.orValue(variables.pod.?securityContext.?runAsNonRoot.orValue(false))",
            "may run container {} as root",
        ),
        no_container(
            "c.?securityContext.?runAsUser.orValue(variables.pod.?securityContext.?runAsUser.orValue(1)) == 0",
            "runs container {} as user 0",
        ),
    ),
    samples=(
        passes(POD, _pod({"runAsNonRoot": True}, {"allowPrivilegeEscalation": False})),
        fails(POD, _pod({"runAsNonRoot": True}, {})),
        fails(POD, _pod({}, {"allowPrivilegeEscalation": False})),
        fails(POD, _pod({"runAsNonRoot": True, "runAsUser": 0}, {"allowPrivilegeEscalation": False})),
        waits(POD, _pod({"runAsNonRoot": UNKNOWN}, {"allowPrivilegeEscalation": False})),
        ELSEWHERE,
    ),
)
