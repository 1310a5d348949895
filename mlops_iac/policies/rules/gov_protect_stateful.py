"""What cannot be made again cannot be deleted by accident.

Source: https://www.pulumi.com/docs/iac/concepts/options/protect/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import BUCKET, PASSING_ROLES, data_role
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

CLUSTER = "aws:eks/cluster:Cluster"
STATEFUL: Final = (
    "aws:dynamodb/table:Table",
    "aws:ecr/repository:Repository",
    CLUSTER,
    "aws:kms/key:Key",
    "aws:rds/cluster:Cluster",
    "aws:rds/instance:Instance",
    BUCKET,
    "aws:sagemaker/featureGroup:FeatureGroup",
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
)
FORCED: Final = ("forceDestroy", "forceDelete")


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod: protected or retained, nothing that empties it first, and EKS's own protection."""
    if not stack.system.production or (resource.type == BUCKET and data_role(resource) in PASSING_ROLES):
        return NOT_APPLICABLE
    for name in FORCED:
        if resource.inputs.flag(name):
            return fail("is emptied when it is deleted", name)
    if resource.type == CLUSTER and not resource.inputs.flag("deletionProtection"):
        return fail("can be deleted in production", "deletionProtection")
    return PASS if resource.protect or resource.retain_on_delete else fail("is not protected from deletion", "protect")


_PROD = SystemView(environment="prod")


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    own: dict[str, Any] = {"deletionProtection": True} if resource.type == CLUSTER else {}
    return {**own, **{name: False for name in FORCED if resource.inputs.flag(name)}}


POLICY = Policy(
    id="gov-protect-stateful",
    title="Stateful resources are protected in production",
    why="One renamed key in a configuration must not be able to delete the training data.",
    fix="set protect (env.protect_data) and leave forceDestroy off; empty a store on purpose before it is deleted",
    settings=("env.protect_data",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=STATEFUL,
    controls={"gdpr": ("32(1)(c)",)},
    source_url="https://www.pulumi.com/docs/iac/concepts/options/protect/",
    check=check,
    remediate=_remediate,
    samples=(
        passes(BUCKET, {}, system=_PROD, protect=True),
        passes(BUCKET, {}, system=_PROD, retain_on_delete=True),
        fails(BUCKET, {}, system=_PROD),
        fails(BUCKET, {"forceDestroy": True}, system=_PROD, protect=True),
        fails(CLUSTER, {}, system=_PROD, protect=True),
        waits(BUCKET, {"forceDestroy": UNKNOWN}, system=_PROD, protect=True),
        skips(BUCKET, {}),
    ),
)
