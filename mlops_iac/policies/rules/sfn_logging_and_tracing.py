"""State machines write down what they did.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/stepfunctions-controls.html#stepfunctions-1
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.buckets import data_class
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

MACHINE = "aws:sfn/stateMachine:StateMachine"
SENSITIVE: Final = frozenset({"restricted", "personal", "health"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every event is logged, with execution data only where the data class allows it, and tracing is on."""
    if resource.inputs.at("loggingConfiguration.level") != "ALL":
        return fail("does not log every step", "loggingConfiguration.level")
    if data_class(resource) in SENSITIVE and resource.inputs.flag("loggingConfiguration.includeExecutionData"):
        return fail("writes restricted data into its log", "loggingConfiguration.includeExecutionData")
    traced = resource.inputs.flag("tracingConfiguration.enabled")
    return PASS if traced else fail("is not traced", "tracingConfiguration.enabled")


def _machine(level: Any, data: bool = False, traced: bool = True) -> dict[str, Any]:
    return {
        "loggingConfiguration": {"level": level, "includeExecutionData": data},
        "tracingConfiguration": {"enabled": traced},
    }


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    quiet = data_class(resource) in SENSITIVE and resource.inputs.flag("loggingConfiguration.includeExecutionData")
    return {
        "tracingConfiguration.enabled": True,
        **({"loggingConfiguration.includeExecutionData": False} if quiet else {}),
    }


POLICY = Policy(
    id="sfn-logging-and-tracing",
    title="State machines are logged and traced",
    why="A retraining that nobody can reconstruct cannot be explained to anybody.",
    fix="set loggingConfiguration.level: ALL and tracingConfiguration; leave execution data out for restricted data",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(MACHINE,),
    controls={
        "aws-fsbp": ("StepFunctions.1",),
        "checkov": ("CKV_AWS_284", "CKV_AWS_285"),
        "cdk-nag": ("AwsSolutions-SF1", "AwsSolutions-SF2"),
        "hipaa": ("164.312(b)",),
        "eu-ai-act": ("12",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/stepfunctions-controls.html#stepfunctions-1",
    check=check,
    remediate=_remediate,
    samples=(
        passes(MACHINE, _machine("ALL")),
        fails(MACHINE, _machine("ERROR")),
        fails(MACHINE, _machine("ALL", traced=False)),
        fails(MACHINE, {**_machine("ALL", data=True), "tags": {"data-class": "restricted"}}),
        waits(MACHINE, _machine(UNKNOWN)),
        ELSEWHERE,
    ),
)
