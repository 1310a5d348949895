"""No container is privileged.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
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
from mlops_iac.policies.workloads import WORKLOADS, containers, security_context

POD = WORKLOADS[0]


def check(resource: ResourceView, stack: StackView) -> Result:
    """securityContext.privileged is not true on any container."""
    for path, container in containers(resource):
        if security_context(container).get("privileged") is True:
            return fail(f"runs container {container.get('name')!r} privileged", f"{path}.securityContext.privileged")
    return PASS


def _pod(context: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "securityContext": context}]}}


POLICY = Policy(
    id="k8s-no-privileged",
    title="No container is privileged",
    why="A privileged container is root on its node, and on every pod there.",
    fix="remove securityContext.privileged; ask for single capabilities where they are needed",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={"pss-baseline": ("privileged",), "cis-eks": ("4.2.1",), "eu-ai-act": ("15(5)",)},
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
    check=check,
    samples=(
        sample(Verdict.PASS, POD, _pod({})),
        sample(Verdict.FAIL, POD, _pod({"privileged": True})),
        sample(
            Verdict.FAIL,
            "kubernetes:batch/v1:CronJob",
            {"spec": {"jobTemplate": {"spec": {"template": _pod({"privileged": True})}}}},
        ),
    ),
)
