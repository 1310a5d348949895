"""Training runs in the VPC without a way to the internet.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
"""

from __future__ import annotations

import json
from typing import Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.networks import GROUP, closed
from mlops_iac.policies.policy import (
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
    skips,
    waits,
    worst,
)
from mlops_iac.policies.serving import TRAINING_JOB
from mlops_iac.policies.training import PIPELINE, TRAININGS, trainings

NETWORKS: Final = {TRAINING_JOB: "vpcConfig", PIPELINE: "pipelineDefinition"}
"""The input that names the security groups."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every training is in a VPC and isolated; or its security groups lead to no address outside.

    A training that reports to a tracking server cannot be isolated by SageMaker, but its security group can be closed.
    """
    return worst(trainings(resource), lambda job: _isolated(job, _fenced(job, resource, stack)))


def _fenced(job: Inputs, resource: ResourceView, stack: StackView) -> bool:
    named = job.list("vpcConfig.securityGroupIds") if resource.type == PIPELINE and job.has("vpcConfig") else ()
    return closed(resource, NETWORKS[resource.type], stack, [str(name) for name in named])


def _isolated(job: Inputs, fenced: bool) -> Result:
    if not job.has("vpcConfig"):
        return fail("trains outside the VPC", job.path_of("vpcConfig"))
    if fenced or job.flag("enableNetworkIsolation"):
        return PASS
    return fail("can reach the internet while it trains", job.path_of("enableNetworkIsolation"))


_CLOSED = neighbour(GROUP, {"name": "jobs"})
_OPEN = neighbour(GROUP, {"egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}]})
_VPC = {"vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}}


POLICY = Policy(
    id="sagemaker-training-isolated",
    title="Training has no way to the internet",
    why="Training code pulls in hundreds of packages and sees all the data.",
    fix="set vpcConfig and enableNetworkIsolation, or security groups without a way out",
    settings=("security.network_isolation",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=TRAININGS,
    spans=True,
    controls={"hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",), "eu-ai-act": ("15(5)",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    check=check,
    samples=(
        passes(TRAINING_JOB, {**_VPC, "enableNetworkIsolation": True}),
        fails(TRAINING_JOB, _VPC),
        passes(TRAINING_JOB, _VPC, _CLOSED, sources={"vpcConfig": _CLOSED.urn}),
        fails(TRAINING_JOB, _VPC, _OPEN, sources={"vpcConfig": _OPEN.urn}),
        fails(TRAINING_JOB, {"enableNetworkIsolation": True}),
        waits(TRAINING_JOB, {**_VPC, "enableNetworkIsolation": UNKNOWN}),
        fails(
            PIPELINE,
            {"pipelineDefinition": json.dumps({"Steps": [{"Type": "Training", "Name": "t", "Arguments": {}}]})},
        ),
        skips(PIPELINE, {"pipelineDefinition": json.dumps({"Steps": [{"Type": "Processing", "Name": "p"}]})}),
    ),
)
