"""High-risk systems keep what their endpoints were asked and what they answered.

Source: https://eur-lex.europa.eu/eli/reg/2024/1689/oj
"""

from __future__ import annotations

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
    Verdict,
    fail,
    sample,
)

TOKEN = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Capture is on for input and output, with a key, where the system's risk class is high."""
    if stack.system.risk_class != "high":
        return NOT_APPLICABLE
    capture = resource.inputs.get("dataCaptureConfig") or {}
    if capture.get("enableCapture") is not True:
        return fail("keeps no requests, though the system is high-risk", "dataCaptureConfig")
    modes = {option.get("captureMode") for option in capture.get("captureOptions") or ()}
    if not {"Input", "Output"} <= modes and "InputAndOutput" not in modes:
        return fail("does not keep both requests and answers", "dataCaptureConfig.captureOptions")
    if not capture.get("kmsKeyId"):
        return fail("keeps requests without a key of its own", "dataCaptureConfig.kmsKeyId")
    return PASS


POLICY = Policy(
    id="sagemaker-endpoint-data-capture",
    title="High-risk endpoints keep requests and answers",
    why="Without a record no decision can be explained, and drift cannot be seen.",
    fix="add capture: {bucket, prefix, sample} to the endpoint",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TOKEN,),
    controls={
        "eu-ai-act": ("12", "19", "26(6)", "72"),
        "gdpr": ("32(1)(a)",),
        "nist-ai-rmf": ("MEASURE-2.4",),
        "ml-governance": ("capture",),
    },
    source_url="https://eur-lex.europa.eu/eli/reg/2024/1689/oj",
    check=check,
    samples=(
        sample(Verdict.NOT_APPLICABLE, TOKEN, {}),
        sample(Verdict.FAIL, TOKEN, {}, system=SystemView(risk_class="high")),
        sample(
            Verdict.FAIL,
            TOKEN,
            {"dataCaptureConfig": {"enableCapture": True, "captureOptions": [{"captureMode": "Input"}]}},
            system=SystemView(risk_class="high"),
        ),
        sample(
            Verdict.PASS,
            TOKEN,
            {
                "dataCaptureConfig": {
                    "enableCapture": True,
                    "kmsKeyId": "arn:key",
                    "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
                }
            },
            system=SystemView(risk_class="high"),
        ),
    ),
)
