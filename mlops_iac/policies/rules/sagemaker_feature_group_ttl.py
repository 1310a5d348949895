"""Online features about people end with their time.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-time-to-live.html
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.policies.buckets import data_class
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
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
    skips,
)

GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
PERSONAL: Final = frozenset({"personal", "health", "confidential", "restricted"})
"""Data classes that may hold data about people."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """An online store of a class that may hold data about people has a time to live."""
    online = resource.inputs.flag("onlineStoreConfig.enableOnlineStore")
    if not online or data_class(resource) not in PERSONAL:
        return NOT_APPLICABLE
    kept = resource.inputs.has("onlineStoreConfig.ttlDuration")
    return PASS if kept else fail("keeps online features for ever", "onlineStoreConfig.ttlDuration")


def _group(data: str, **online: Any) -> dict[str, Any]:
    return {"tags": {"data-class": data}, "onlineStoreConfig": {"enableOnlineStore": True, **online}}


POLICY = Policy(
    id="sagemaker-feature-group-ttl",
    title="Personal features expire in the online store",
    why="Data about people may be kept only as long as it is needed, and the online store forgets nothing by itself.",
    fix="set online.ttl to how long the features are needed",
    settings=("feature_stores.*.online.ttl",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(GROUP,),
    controls={"gdpr": ("5(1)(e)", "17"), "eu-ai-act": ("10",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-time-to-live.html",
    check=check,
    samples=(
        passes(GROUP, _group("restricted", ttlDuration={"unit": "Days", "value": 30})),
        fails(GROUP, _group("restricted")),
        skips(GROUP, _group("internal")),
    ),
)
