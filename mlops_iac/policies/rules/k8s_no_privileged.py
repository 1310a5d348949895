"""No container runs privileged.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
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
from mlops_iac.policies.workloads import (
    CRON_JOB,
    POD,
    WORKLOADS,
    admits_workloads,
    called,
    each_container,
    no_container,
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """securityContext.privileged is not true on any container."""
    return each_container(resource, _ordinary)


def _ordinary(container: Inputs, pod: Inputs) -> Result:
    if container.flag("securityContext.privileged"):
        return fail(f"runs {called(container)} privileged", container.path_of("securityContext.privileged"))
    return PASS


def _pod(context: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "securityContext": context}]}}


POLICY = Policy(
    id="k8s-no-privileged",
    title="No container is privileged",
    why="A privileged container is root on its node, and on every pod there.",
    fix="remove securityContext.privileged; ask for single capabilities, and use the device plugin for GPUs",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={
        "pss-baseline": ("privileged",),
        "checkov": ("CKV_K8S_16",),
        "cis-eks": ("4.2.1",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
    check=check,
    admission=admits_workloads(
        no_container("c.?securityContext.?privileged.orValue(false)", "runs container {} privileged")
    ),
    samples=(
        passes(POD, _pod({})),
        fails(POD, _pod({"privileged": True})),
        fails(CRON_JOB, {"spec": {"jobTemplate": {"spec": {"template": _pod({"privileged": True})}}}}),
        waits(POD, _pod({"privileged": UNKNOWN})),
        ELSEWHERE,
    ),
)
