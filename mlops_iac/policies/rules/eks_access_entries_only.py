"""Who may enter a cluster is declared, not kept in a ConfigMap.

Source: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
"""

from __future__ import annotations

from typing import Any

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
    """The mode is API, and whoever creates the cluster is not its administrator."""
    if resource.inputs.at("accessConfig.authenticationMode") != "API":
        return fail("also takes access from a ConfigMap", "accessConfig.authenticationMode")
    if resource.inputs.flag("accessConfig.bootstrapClusterCreatorAdminPermissions", default=True):
        path = "accessConfig.bootstrapClusterCreatorAdminPermissions"
        return fail("makes whoever creates it its administrator", path)
    return PASS


def _cluster(mode: Any, creator: bool | None) -> dict[str, Any]:
    return {"accessConfig": {"authenticationMode": mode, "bootstrapClusterCreatorAdminPermissions": creator}}


POLICY = Policy(
    id="eks-access-entries-only",
    title="Cluster access is by access entries only",
    why="The aws-auth ConfigMap can be changed from inside the cluster, and its creator stays administrator unseen.",
    fix="set authenticationMode: API, bootstrapClusterCreatorAdminPermissions: false, and declare access entries",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(CLUSTER,),
    controls={"cis-eks": ("4.1.7", "5.5.1"), "hipaa": ("164.312(a)(1)",)},
    source_url="https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html",
    check=check,
    samples=(
        passes(CLUSTER, _cluster("API", False)),
        fails(CLUSTER, _cluster("API_AND_CONFIG_MAP", False)),
        fails(CLUSTER, _cluster("API", None)),
        waits(CLUSTER, _cluster(UNKNOWN, False)),
        ELSEWHERE,
    ),
)
