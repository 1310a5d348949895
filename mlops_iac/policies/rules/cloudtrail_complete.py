"""The audit trail covers all regions, cannot be forged, and is delivered.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import TRAIL
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
    SystemView,
    fail,
    fails,
    passes,
    waits,
)

FLAGS: Final = ("isMultiRegionTrail", "enableLogFileValidation")
SET: Final = ("kmsKeyId", "cloudWatchLogsGroupArn")
S3_OBJECTS = "AWS::S3::Object"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Both flags are on, key and log group are set, and a high-risk system records reads and writes of objects."""
    if not resource.inputs.flag("enableLogging", default=True):
        return fail("is switched off", "enableLogging")
    for name in SET:
        if not resource.inputs.has(name):
            return fail(f"does not set {name}", name)
    if stack.system.high_risk and not _records_objects(resource.inputs):
        return fail("does not record who read objects of a high-risk system", "advancedEventSelectors")
    for name in FLAGS:
        if not resource.inputs.flag(name):
            return fail(f"does not set {name}", name)
    return PASS


def _records_objects(inputs: Inputs) -> bool:
    for selector in inputs.each("advancedEventSelectors"):
        fields = {field.at("field"): field for field in selector.each("fieldSelectors")}
        if "resources.type" in fields and S3_OBJECTS in fields["resources.type"].list("equals"):
            return True
    return any(
        data.at("type") == S3_OBJECTS
        for selector in inputs.each("eventSelectors")
        for data in selector.each("dataResources")
    )


_TRAIL = {
    "isMultiRegionTrail": True,
    "enableLogFileValidation": True,
    "kmsKeyId": UNKNOWN,
    "cloudWatchLogsGroupArn": UNKNOWN,
}
_HIGH = SystemView(risk_class="high")


POLICY = Policy(
    id="cloudtrail-complete",
    title="The audit trail is complete and tamper-evident",
    why="After an incident the trail is what says which data was read, by whom.",
    fix="set isMultiRegionTrail, kmsKeyId, enableLogFileValidation, cloudWatchLogsGroupArn, and data events for S3",
    settings=("security.audit.trail",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.ADVISORY,
    applies_to=(TRAIL,),
    controls={
        "aws-fsbp": ("CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "CloudTrail.5"),
        "aws-security-hub": ("S3.22", "S3.23"),
        "checkov": ("CKV_AWS_35", "CKV_AWS_36", "CKV_AWS_67", "CKV2_AWS_10"),
        "hipaa": ("164.312(b)",),
        "gdpr": ("30",),
        "eu-ai-act": ("12", "19"),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
    check=check,
    remediate=lambda *_: {"enableLogging": True, **dict.fromkeys(FLAGS, True)},
    samples=(
        passes(TRAIL, _TRAIL),
        passes(
            TRAIL,
            {**_TRAIL, "eventSelectors": [{"dataResources": [{"type": S3_OBJECTS, "values": ["arn:aws:s3"]}]}]},
            system=_HIGH,
        ),
        fails(TRAIL, _TRAIL, system=_HIGH),
        fails(TRAIL, {**_TRAIL, "isMultiRegionTrail": False}),
        fails(TRAIL, {**_TRAIL, "kmsKeyId": None}),
        waits(TRAIL, {**_TRAIL, "isMultiRegionTrail": UNKNOWN}),
        ELSEWHERE,
    ),
)
