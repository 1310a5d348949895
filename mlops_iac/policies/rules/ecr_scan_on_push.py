"""Images are scanned when they arrive.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-1
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
    neighbour,
    passes,
    waits,
)
from mlops_iac.policies.repositories import REGISTRY, REPOSITORY, scans


def check(resource: ResourceView, stack: StackView) -> Result:
    """The repository scans, or a rule of the registry covers it."""
    scanned = scans(resource, stack)
    return PASS if scanned else fail("does not scan its images", "imageScanningConfiguration.scanOnPush")


_RULE = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}


POLICY = Policy(
    id="ecr-scan-on-push",
    title="Images are scanned on push",
    why="A known flaw in a base image is found by a scan or by somebody else.",
    fix="set imageScanningConfiguration.scanOnPush, or a RegistryScanningConfiguration with a rule for the repository",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(REPOSITORY,),
    controls={
        "aws-fsbp": ("ECR.1",),
        "checkov": ("CKV_AWS_163",),
        "cis-eks": ("5.1.1",),
        "eu-ai-act": ("15(5)",),
        "nist-ai-rmf": ("GOVERN-6.1",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-1",
    check=check,
    settings=("images.*.scan",),
    remediate=lambda *_: {"imageScanningConfiguration.scanOnPush": True},
    samples=(
        passes(REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": True}}),
        passes(REPOSITORY, {"name": "training"}, neighbour(REGISTRY, {"scanType": "BASIC", "rules": [_RULE]})),
        fails(REPOSITORY, {}),
        waits(REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": UNKNOWN}}),
        ELSEWHERE,
    ),
)
