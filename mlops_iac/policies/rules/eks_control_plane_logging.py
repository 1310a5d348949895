"""The control plane of a cluster writes all its logs.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-8
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
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

CLUSTER = "aws:eks/cluster:Cluster"
TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def check(resource: ResourceView, stack: StackView) -> Result:
    """All five types are on."""
    enabled = resource.inputs.list("enabledClusterLogTypes")
    missing = [name for name in TYPES if name not in enabled]
    return fail(f"does not log {text_of(missing)}", "enabledClusterLogTypes") if missing else PASS


POLICY = Policy(
    id="eks-control-plane-logging",
    title="Clusters write all control plane logs",
    why="Only the audit log says who changed what in the cluster.",
    fix="list all five types in enabledClusterLogTypes",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(CLUSTER,),
    controls={
        "aws-fsbp": ("EKS.8",),
        "checkov": ("CKV_AWS_37",),
        "cdk-nag": ("AwsSolutions-EKS2",),
        "cis-eks": ("2.1.1",),
        "hipaa": ("164.312(b)",),
        "eu-ai-act": ("12",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-8",
    check=check,
    remediate=lambda *_: {"enabledClusterLogTypes": list(TYPES)},
    samples=(
        passes(CLUSTER, {"enabledClusterLogTypes": list(TYPES)}),
        fails(CLUSTER, {"enabledClusterLogTypes": ["audit"]}),
        fails(CLUSTER, {}),
        waits(CLUSTER, {"enabledClusterLogTypes": UNKNOWN}),
        ELSEWHERE,
    ),
)
