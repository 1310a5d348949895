"""Nobody calls an API without saying who they are.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html#apigateway-8
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
    passes,
    skips,
    waits,
)

PATHS: Final = {
    "aws:apigateway/method:Method": "authorization",
    "aws:apigatewayv2/route:Route": "authorizationType",
    "aws:lambda/functionUrl:FunctionUrl": "authorizationType",
}


def check(resource: ResourceView, stack: StackView) -> Result:
    """The authorization type is set and not NONE; the browser's preflight request carries no identity."""
    if resource.inputs.at("httpMethod") == "OPTIONS":
        return NOT_APPLICABLE
    path = PATHS[resource.type]
    return fail("answers anybody", path) if resource.inputs.text(path, "NONE") == "NONE" else PASS


_METHOD = "aws:apigateway/method:Method"


POLICY = Policy(
    id="api-requires-auth",
    title="APIs require authorization",
    why="An open API in front of a model lets strangers copy the model, and pays for their requests.",
    fix="set IAM, JWT or a custom authorizer",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=tuple(PATHS),
    controls={
        "aws-fsbp": ("APIGateway.8",),
        "checkov": ("CKV_AWS_59", "CKV_AWS_258"),
        "cdk-nag": ("AwsSolutions-APIG4",),
        "hipaa": ("164.312(d)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/apigateway-controls.html#apigateway-8",
    check=check,
    samples=(
        passes(_METHOD, {"httpMethod": "POST", "authorization": "AWS_IAM"}),
        fails(_METHOD, {"httpMethod": "POST", "authorization": "NONE"}),
        fails("aws:apigatewayv2/route:Route", {"routeKey": "POST /score"}),
        fails("aws:lambda/functionUrl:FunctionUrl", {"authorizationType": "NONE"}),
        waits(_METHOD, {"httpMethod": "POST", "authorization": UNKNOWN}),
        skips(_METHOD, {"httpMethod": "OPTIONS", "authorization": "NONE"}),
    ),
)
