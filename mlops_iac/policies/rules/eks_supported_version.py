"""Clusters and their nodes run a Kubernetes version that still gets fixes.

Source: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    SystemView,
    fail,
    fails,
    passes,
    skips,
    waits,
)
from mlops_iac.policies.support import supported

CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The version is set and has support on the day of the check; nodes without one follow their cluster."""
    version = resource.inputs.text("version")
    if not version:
        return fail("leaves its version to chance", "version") if resource.type == CLUSTER else NOT_APPLICABLE
    if supported("eks", version, stack.system.today):
        return PASS
    return fail(f"runs Kubernetes {version}, which has no support any more", "version")


_TODAY = SystemView(today="2026-01-01")


POLICY = Policy(
    id="eks-supported-version",
    title="Clusters run a supported Kubernetes version",
    why="After its support ends a version gets no fixes, and EKS upgrades the cluster on a day of its own choosing.",
    fix="raise version by one minor version at a time",
    settings=("clusters.*.version",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(CLUSTER, NODES),
    controls={"aws-fsbp": ("EKS.2",), "checkov": ("CKV_AWS_339",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
    check=check,
    samples=(
        passes(CLUSTER, {"version": "1.33"}, system=_TODAY),
        fails(CLUSTER, {"version": "1.27"}, system=_TODAY),
        fails(CLUSTER, {}, system=_TODAY),
        waits(CLUSTER, {"version": UNKNOWN}, system=_TODAY),
        skips(NODES, {}, system=_TODAY),
    ),
)
