"""Feature groups are encrypted in both stores.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html
"""

from __future__ import annotations

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

TOKEN = "aws:sagemaker/featureGroup:FeatureGroup"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The offline store has a key, and the online store where its storage type is Standard."""
    offline = (resource.inputs.get("offlineStoreConfig") or {}).get("s3StorageConfig")
    if offline is not None and not offline.get("kmsKeyId"):
        return fail("keeps offline features without a key", "offlineStoreConfig.s3StorageConfig.kmsKeyId")
    online = resource.inputs.get("onlineStoreConfig") or {}
    standard = online.get("enableOnlineStore") is True and online.get("storageType", "Standard") == "Standard"
    if standard and not (online.get("securityConfig") or {}).get("kmsKeyId"):
        return fail("keeps online features without a key", "onlineStoreConfig.securityConfig.kmsKeyId")
    return PASS


POLICY = Policy(
    id="sagemaker-feature-group-kms",
    title="Feature groups are encrypted with a key",
    why="Features are training data about people in a handy form.",
    fix="set both keys; this replaces the feature group",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={"fsbp": ("SageMaker.17",), "hipaa": ("164.312(a)(2)(iv)",), "gdpr": ("32(1)(a)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html",
    check=check,
    samples=(
        sample(Verdict.PASS, TOKEN, {"offlineStoreConfig": {"s3StorageConfig": {"kmsKeyId": "arn:key"}}}),
        sample(Verdict.FAIL, TOKEN, {"offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://data"}}}),
        sample(Verdict.FAIL, TOKEN, {"onlineStoreConfig": {"enableOnlineStore": True}}),
    ),
)
