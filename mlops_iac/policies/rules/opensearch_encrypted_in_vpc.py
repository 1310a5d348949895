"""Search and vector stores are encrypted and inside the network.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/opensearch-controls.html#opensearch-1
"""

from __future__ import annotations

from typing import Final

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

DOMAIN = "aws:opensearch/domain:Domain"
FLAGS: Final = ("encryptAtRest.enabled", "nodeToNodeEncryption.enabled", "domainEndpointOptions.enforceHttps")


def check(resource: ResourceView, stack: StackView) -> Result:
    """Encrypted at rest, between nodes and to clients, and placed in subnets."""
    for flag in FLAGS:
        if not resource.inputs.flag(flag):
            return fail(f"does not set {flag}", flag)
    in_network = resource.inputs.has("vpcOptions.subnetIds")
    return PASS if in_network else fail("has a public endpoint", "vpcOptions")


_SAFE = {
    "encryptAtRest": {"enabled": True},
    "nodeToNodeEncryption": {"enabled": True},
    "domainEndpointOptions": {"enforceHttps": True},
    "vpcOptions": {"subnetIds": [UNKNOWN]},
}


POLICY = Policy(
    id="opensearch-encrypted-in-vpc",
    title="OpenSearch domains are encrypted and in the VPC",
    why="A vector store holds the documents it was made from, nearly word for word.",
    fix="set encryptAtRest, nodeToNodeEncryption, vpcOptions and domainEndpointOptions.enforceHttps",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(DOMAIN,),
    controls={
        "aws-fsbp": ("Opensearch.1", "Opensearch.2", "Opensearch.3"),
        "checkov": ("CKV_AWS_5", "CKV_AWS_6", "CKV_AWS_137"),
        "cdk-nag": ("AwsSolutions-OS1", "AwsSolutions-OS8"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/opensearch-controls.html#opensearch-1",
    check=check,
    samples=(
        passes(DOMAIN, _SAFE),
        fails(DOMAIN, {**_SAFE, "vpcOptions": {}}),
        fails(DOMAIN, {**_SAFE, "encryptAtRest": {"enabled": False}}),
        waits(DOMAIN, {**_SAFE, "encryptAtRest": UNKNOWN}),
        ELSEWHERE,
    ),
)
