"""Studio reaches the network only through the VPC.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
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

DOMAIN = "aws:sagemaker/domain:Domain"


def check(resource: ResourceView, stack: StackView) -> Result:
    """The access type is VpcOnly; unset means public."""
    if resource.inputs.at("appNetworkAccessType") == "VpcOnly":
        return PASS
    return fail("gives its apps an internet connection outside the VPC", "appNetworkAccessType")


POLICY = Policy(
    id="sagemaker-domain-vpc-only",
    title="Studio domains use the VPC only",
    why="With public access, every Studio app has an internet connection that no rule of the VPC sees.",
    fix="set appNetworkAccessType: VpcOnly and add the VPC endpoints that Studio needs",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(DOMAIN,),
    controls={"hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html",
    check=check,
    samples=(
        passes(DOMAIN, {"appNetworkAccessType": "VpcOnly"}),
        fails(DOMAIN, {"appNetworkAccessType": "PublicInternetOnly"}),
        fails(DOMAIN, {}),
        waits(DOMAIN, {"appNetworkAccessType": UNKNOWN}),
        ELSEWHERE,
    ),
)
