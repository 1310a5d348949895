"""Secrets in a cluster's store are encrypted with an own key.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-3
"""

from __future__ import annotations

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
    waits,
)

CLUSTER = "aws:eks/cluster:Cluster"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The encryption covers secrets and names a key."""
    covers = "secrets" in resource.inputs.list("encryptionConfig.resources")
    if covers and resource.inputs.has("encryptionConfig.provider.keyArn"):
        return PASS
    return fail("keeps its secrets without a key of its own", "encryptionConfig")


POLICY = Policy(
    id="eks-secrets-kms",
    title="Cluster secrets are encrypted with an own key",
    why="Whoever gets a copy of the cluster's store could otherwise read every secret in it.",
    fix="add encryptionConfig with provider.keyArn and resources: [secrets]",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(CLUSTER,),
    controls={
        "aws-fsbp": ("EKS.3",),
        "checkov": ("CKV_AWS_58",),
        "cis-eks": ("5.3.1",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html#eks-3",
    check=check,
    samples=(
        passes(CLUSTER, {"encryptionConfig": {"provider": {"keyArn": UNKNOWN}, "resources": ["secrets"]}}),
        fails(CLUSTER, {"encryptionConfig": {"resources": ["secrets"]}}),
        fails(CLUSTER, {}),
        waits(CLUSTER, {"encryptionConfig": UNKNOWN}),
        ELSEWHERE,
    ),
)
