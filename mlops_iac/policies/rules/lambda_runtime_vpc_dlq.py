"""Functions run on a supported runtime, lose no event, and read restricted data inside the network.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-2
"""

from __future__ import annotations

from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
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
    SystemView,
    fail,
    fails,
    neighbour,
    passes,
    sample_urn,
    skips,
    waits,
)
from mlops_iac.policies.support import supported

FUNCTION = "aws:lambda/function:Function"
INVOKE = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
PERMISSION = "aws:lambda/permission:Permission"
ASYNCHRONOUS: Final = ("events.amazonaws.com", "s3.amazonaws.com", "scheduler.amazonaws.com", "sns.amazonaws.com")
SENSITIVE: Final = frozenset({"restricted", "personal", "health"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """The runtime has support; events that fail are kept; restricted data is read inside the VPC."""
    runtime = resource.inputs.text("runtime")
    if not supported("lambda", runtime, stack.system.today):
        return fail(f"runs {runtime}, which gets no more fixes", "runtime")
    if data_class(resource) in SENSITIVE and not resource.inputs.has("vpcConfig"):
        return fail("reads restricted data outside the VPC", "vpcConfig")
    triggers = [p.inputs.text("principal") for p in stack.pointing_at(resource, PERMISSION, "function")]
    if any(name in ASYNCHRONOUS for name in triggers) and not _keeps_failures(resource, stack):
        return fail("loses events that it cannot handle", "deadLetterConfig")
    return PASS if runtime or triggers else NOT_APPLICABLE


def _keeps_failures(function: ResourceView, stack: StackView) -> bool:
    configs = stack.pointing_at(function, INVOKE, "functionName")
    return function.inputs.has("deadLetterConfig") or any(
        config.inputs.has("destinationConfig.onFailure") for config in configs
    )


_TODAY = SystemView(today="2026-01-01")
_TRIGGER = neighbour(PERMISSION, {"principal": "sns.amazonaws.com"}, sample_urn(FUNCTION), "function")


POLICY = Policy(
    id="lambda-runtime-vpc-dlq",
    title="Functions are supported, lose no event, and are in the VPC where data is restricted",
    why="An event that a function drops twice is gone; a runtime out of support gets no fixes.",
    fix="raise runtime; add deadLetterConfig or an on-failure destination; add vpcConfig",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(FUNCTION,),
    controls={
        "aws-fsbp": ("Lambda.2",),
        "aws-security-hub": ("Lambda.3",),
        "checkov": ("CKV_AWS_116", "CKV_AWS_117", "CKV_AWS_363"),
        "cdk-nag": ("AwsSolutions-L1",),
        "hipaa": ("164.312(e)(1)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/lambda-controls.html#lambda-2",
    check=check,
    samples=(
        passes(FUNCTION, {"runtime": "python3.13"}, system=_TODAY),
        passes(FUNCTION, {"runtime": "python3.13", "deadLetterConfig": {"targetArn": UNKNOWN}}, _TRIGGER),
        fails(FUNCTION, {"runtime": "python3.13"}, _TRIGGER),
        fails(FUNCTION, {"runtime": "python3.8"}, system=_TODAY),
        fails(FUNCTION, {"runtime": "python3.13", "tags": {"data-class": "restricted"}}),
        waits(FUNCTION, {"runtime": UNKNOWN}),
        skips(FUNCTION, {"packageType": "Image"}),
    ),
)
