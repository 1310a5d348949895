"""High-risk systems keep what their endpoints were asked and what they answered.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_12
"""

from __future__ import annotations

from typing import Any

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
from mlops_iac.policies.serving import ENDPOINT_CONFIG

CAPTURE = "dataCaptureConfig"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Capture is on for input and output, with a key, where the system's risk class is high."""
    if not stack.system.high_risk:
        return NOT_APPLICABLE
    if not resource.inputs.flag(f"{CAPTURE}.enableCapture"):
        return fail("keeps no requests, though the system is high-risk", CAPTURE)
    modes = {option.at("captureMode") for option in resource.inputs.each(f"{CAPTURE}.captureOptions")}
    if not {"Input", "Output"} <= modes and "InputAndOutput" not in modes:
        return fail("does not keep both requests and answers", f"{CAPTURE}.captureOptions")
    if not resource.inputs.has(f"{CAPTURE}.kmsKeyId"):
        return fail("keeps requests without a key of its own", f"{CAPTURE}.kmsKeyId")
    return PASS


def _config(*modes: str, key: Any = UNKNOWN, on: Any = True) -> dict[str, Any]:
    return {
        CAPTURE: {"enableCapture": on, "kmsKeyId": key, "captureOptions": [{"captureMode": mode} for mode in modes]}
    }


_HIGH = SystemView(risk_class="high")


POLICY = Policy(
    id="sagemaker-endpoint-data-capture",
    title="High-risk endpoints keep requests and answers",
    why="Without a record no decision can be explained, and drift cannot be seen.",
    fix="add capture: {bucket, prefix, sample} to the endpoint",
    settings=("endpoints.*.capture",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ENDPOINT_CONFIG,),
    controls={
        "aws-ai-security": ("SageMaker.24",),
        "eu-ai-act": ("12", "19", "26(6)", "72"),
        "gdpr": ("32(1)(a)",),
        "nist-ai-rmf": ("MEASURE-2.4",),
    },
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj#art_12",
    check=check,
    samples=(
        passes(ENDPOINT_CONFIG, _config("Input", "Output"), system=_HIGH),
        fails(ENDPOINT_CONFIG, {}, system=_HIGH),
        fails(ENDPOINT_CONFIG, _config("Input"), system=_HIGH),
        fails(ENDPOINT_CONFIG, _config("Input", "Output", key=None), system=_HIGH),
        waits(ENDPOINT_CONFIG, _config("Input", "Output", on=UNKNOWN), system=_HIGH),
        skips(ENDPOINT_CONFIG, {}),
    ),
)
