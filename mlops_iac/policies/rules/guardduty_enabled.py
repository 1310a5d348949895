"""Threat detection is on, for clusters and buckets too.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html#guardduty-1
"""

from __future__ import annotations

from typing import Final

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
    neighbour,
    passes,
    sample_urn,
    skips,
    text_of,
    waits,
)

DETECTOR = "aws:guardduty/detector:Detector"
FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
FEATURES: Final = {
    "EKS_AUDIT_LOGS": "datasources.kubernetes.auditLogs.enable",
    "S3_DATA_EVENTS": "datasources.s3Logs.enable",
}


def check(resource: ResourceView, stack: StackView) -> Result:
    """A detector is enabled and has both features, either as resources of their own or as data sources."""
    if resource.type == FEATURE:
        wanted = resource.inputs.text("name") in FEATURES
        off = wanted and resource.inputs.text("status") != "ENABLED"
        return (
            fail(f"turns {resource.inputs.text('name')} off", "status") if off else PASS if wanted else NOT_APPLICABLE
        )
    if not resource.inputs.flag("enable", default=True):
        return fail("is switched off", "enable")
    on = {
        f.inputs.text("name")
        for f in stack.pointing_at(resource, FEATURE, "detectorId")
        if f.inputs.text("status") == "ENABLED"
    }
    missing = [name for name, old in FEATURES.items() if name not in on and not resource.inputs.flag(old)]
    return fail(f"does not watch {text_of(missing)}") if missing else PASS


def _feature(name: str, status: str = "ENABLED") -> ResourceView:
    return neighbour(FEATURE, {"name": name, "status": status}, sample_urn(DETECTOR), "detectorId")


POLICY = Policy(
    id="guardduty-enabled",
    title="GuardDuty is on, with EKS and S3 protection",
    why="It notices what no rule forbade, such as a role that suddenly reads every bucket.",
    fix="enable the detector and the features EKS_AUDIT_LOGS and S3_DATA_EVENTS (security.audit.guardduty)",
    settings=("security.audit.guardduty",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.ADVISORY,
    applies_to=(DETECTOR, FEATURE),
    controls={
        "aws-fsbp": ("GuardDuty.1", "GuardDuty.5", "GuardDuty.10"),
        "checkov": ("CKV_AWS_238",),
        "hipaa": ("164.312(b)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/guardduty-controls.html#guardduty-1",
    check=check,
    remediate=lambda resource, _: {"status": "ENABLED"} if resource.type == FEATURE else {"enable": True},
    samples=(
        passes(DETECTOR, {"enable": True}, *map(_feature, FEATURES)),
        fails(DETECTOR, {"enable": False}),
        fails(DETECTOR, {"enable": True}, _feature("S3_DATA_EVENTS")),
        fails(FEATURE, {"name": "S3_DATA_EVENTS", "status": "DISABLED"}),
        waits(DETECTOR, {"enable": UNKNOWN}),
        skips(FEATURE, {"name": "RDS_LOGIN_EVENTS", "status": "DISABLED"}),
    ),
)
