"""Disks of machines are encrypted.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
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
    passes,
    skips,
    waits,
    worst,
)

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
VOLUME = "aws:ebs/volume:Volume"


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every disk that the resource describes is encrypted."""
    return worst(_disks(resource), _encrypted)


def _disks(resource: ResourceView) -> list[Inputs]:
    if resource.type == VOLUME:
        return [resource.inputs]
    if resource.type == INSTANCE:
        return [disk for path in ("rootBlockDevice", "ebsBlockDevices") for disk in resource.inputs.each(path)]
    return [disk for mapping in resource.inputs.each("blockDeviceMappings") for disk in mapping.each("ebs")]


def _encrypted(disk: Inputs) -> Result:
    return PASS if disk.flag("encrypted") else fail("has a disk that is not encrypted", disk.path_of("encrypted"))


def _remediate(resource: ResourceView, stack: StackView) -> Mapping[str, Any]:
    """Only templates: a volume or a running machine would be replaced, with the data on it."""
    bare = (disk for disk in _disks(resource) if not disk.flag("encrypted"))
    return {disk.path_of("encrypted"): "true" for disk in bare} if resource.type == TEMPLATE else {}


POLICY = Policy(
    id="ec2-volumes-encrypted",
    title="Volumes are encrypted",
    why="A snapshot of a disk can be shared with another account by one wrong click.",
    fix="set encrypted: true and kmsKeyId on every block device",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(TEMPLATE, INSTANCE, VOLUME),
    controls={
        "aws-fsbp": ("EC2.3", "EC2.7", "EC2.181"),
        "checkov": ("CKV_AWS_3", "CKV_AWS_8", "CKV_AWS_189"),
        "cdk-nag": ("AwsSolutions-EC26",),
        "aws-guard": ("encrypted-volumes",),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-3",
    check=check,
    remediate=_remediate,
    samples=(
        passes(VOLUME, {"encrypted": True}),
        fails(VOLUME, {}),
        passes(TEMPLATE, {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}]}),
        fails(TEMPLATE, {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}, {"ebs": {"volumeSize": 100}}]}),
        fails(INSTANCE, {"rootBlockDevice": {"encrypted": False}}),
        waits(VOLUME, {"encrypted": UNKNOWN}),
        skips(INSTANCE, {"instanceType": "m6i.large"}),
    ),
)
