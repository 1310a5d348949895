"""Machines give their credentials only to whoever asks with a token.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8
"""

from __future__ import annotations

from collections.abc import Mapping
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
    fail,
    fails,
    neighbour,
    passes,
    sample_urn,
    skips,
    waits,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
NODES = "aws:eks/nodeGroup:NodeGroup"
HOPS = "metadataOptions.httpPutResponseHopLimit"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Tokens are required, and answers do not travel beyond the machine (on EKS nodes: its pods' network)."""
    if resource.inputs.at("metadataOptions.httpEndpoint") == "disabled":
        return NOT_APPLICABLE
    if resource.inputs.at("metadataOptions.httpTokens") != "required":
        return fail("answers version 1 of the metadata service", "metadataOptions.httpTokens")
    hops = resource.inputs.number(HOPS) or 1
    return PASS if hops <= _most_hops(resource, stack) else fail(f"lets metadata travel {hops:g} hops", HOPS)


def _most_hops(resource: ResourceView, stack: StackView) -> int:
    return 2 if any(stack.pointing_at(resource, NODES, "launchTemplate")) else 1


def _options(**options: Any) -> dict[str, Any]:
    return {"metadataOptions": options}


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    limit = _most_hops(resource, stack)
    far = (resource.inputs.number(HOPS) or 1) > limit
    return {"metadataOptions.httpTokens": "required", **({HOPS: limit} if far else {})}


POLICY = Policy(
    id="ec2-imdsv2",
    title="Machines require version 2 of the metadata service",
    why="Version 1 hands the machine's credentials to any request that a flawed program can be made to send.",
    fix="set metadataOptions.httpTokens: required and httpPutResponseHopLimit: 1 (2 on EKS nodes)",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TEMPLATE, INSTANCE),
    controls={"aws-fsbp": ("EC2.8", "EC2.170"), "checkov": ("CKV_AWS_79", "CKV_AWS_341"), "hipaa": ("164.312(a)(1)",)},
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8",
    check=check,
    remediate=_remediate,
    samples=(
        passes(INSTANCE, _options(httpTokens="required")),
        fails(TEMPLATE, _options(httpTokens="optional")),
        fails(TEMPLATE, {}),
        fails(TEMPLATE, _options(httpTokens="required", httpPutResponseHopLimit=2)),
        passes(
            TEMPLATE,
            _options(httpTokens="required", httpPutResponseHopLimit=2),
            neighbour(NODES, {}, sample_urn(TEMPLATE), "launchTemplate"),
        ),
        waits(INSTANCE, _options(httpTokens=UNKNOWN)),
        skips(INSTANCE, _options(httpEndpoint="disabled")),
    ),
)
