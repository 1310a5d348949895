"""An image repository asks of its images a scan or a bill of materials, and gets the scan that it asks for.

AWS scans; a bill of materials lies beside an image as an OCI referrer, and the tag ``image-requires`` is what the build
and whoever admits images go by. Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/images.html
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
    neighbour,
    passes,
    waits,
)
from mlops_iac.policies.repositories import REGISTRY, REPOSITORY, scans

TAG: Final = "image-requires"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A scan that happens, or a bill of materials that is asked for; never a scan that is asked for in vain."""
    asked = str(resource.tags.get(TAG, "")).split("+")
    scanned = scans(resource, stack)
    if "scan" in asked and not scanned:
        return fail("asks for a scan of its images that does not happen", "imageScanningConfiguration.scanOnPush")
    if not scanned and "sbom" not in asked:
        return fail("asks of its images neither a scan nor a bill of materials", "tags")
    return PASS


_SCANS: Final = {"imageScanningConfiguration": {"scanOnPush": True}}
_RULE: Final = {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}

POLICY = Policy(
    id="ecr-image-requirements",
    title="Image repositories ask for a scan or a bill of materials",
    why="What is inside an image that nobody listed or scanned is found out when it is exploited.",
    fix="let the repository scan, or tag it image-requires: sbom and have the build attach one",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(REPOSITORY,),
    controls={"eu-ai-act": ("15(5)",), "nist-ai-rmf": ("GOVERN-6.1",)},
    source_url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/images.html",
    check=check,
    settings=("images.*.scan", "images.*.requires"),
    samples=(
        passes(REPOSITORY, _SCANS),
        passes(REPOSITORY, {**_SCANS, "tags": {TAG: "sbom+scan+signature"}}),
        passes(REPOSITORY, {"tags": {TAG: "sbom"}}),
        passes(REPOSITORY, {"tags": {TAG: "scan"}}, neighbour(REGISTRY, {"scanType": "ENHANCED", "rules": [_RULE]})),
        fails(REPOSITORY, {}),
        fails(REPOSITORY, {"tags": {TAG: "signature"}}),
        fails(REPOSITORY, {"tags": {TAG: "sbom+scan"}}),
        waits(REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": UNKNOWN}}),
        ELSEWHERE,
    ),
)
