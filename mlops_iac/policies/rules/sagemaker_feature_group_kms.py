"""Feature groups are encrypted in both stores.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-17
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
    fail,
    fails,
    passes,
    skips,
    waits,
)

GROUP = "aws:sagemaker/featureGroup:FeatureGroup"
OFFLINE = "offlineStoreConfig.s3StorageConfig"
ONLINE = "onlineStoreConfig"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The offline store has a key, and the online store where its storage type is Standard."""
    offline = resource.inputs.has("offlineStoreConfig")
    if offline and not resource.inputs.has(f"{OFFLINE}.kmsKeyId"):
        return fail("keeps offline features without a key", f"{OFFLINE}.kmsKeyId")
    online = resource.inputs.flag(f"{ONLINE}.enableOnlineStore")
    standard = online and resource.inputs.text(f"{ONLINE}.storageType", "Standard") == "Standard"
    if standard and not resource.inputs.has(f"{ONLINE}.securityConfig.kmsKeyId"):
        return fail("keeps online features without a key", f"{ONLINE}.securityConfig.kmsKeyId")
    return PASS if offline or standard else NOT_APPLICABLE


POLICY = Policy(
    id="sagemaker-feature-group-kms",
    title="Feature groups are encrypted with a key",
    why="Features are training data about people in a handy form.",
    fix="set both keys; this replaces the feature group",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(GROUP,),
    controls={
        "aws-fsbp": ("SageMaker.17",),
        "aws-ai-security": ("SageMaker.18",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-17",
    check=check,
    samples=(
        passes(GROUP, {"offlineStoreConfig": {"s3StorageConfig": {"kmsKeyId": UNKNOWN}}}),
        fails(GROUP, {"offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://data"}}}),
        fails(GROUP, {ONLINE: {"enableOnlineStore": True}}),
        waits(GROUP, {ONLINE: {"enableOnlineStore": UNKNOWN}}),
        skips(GROUP, {ONLINE: {"enableOnlineStore": True, "storageType": "InMemory"}}),
    ),
)
