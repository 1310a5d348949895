"""Notebooks give no root, guard their credentials and run a supported platform.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-3
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
    SystemView,
    fail,
    fails,
    passes,
    waits,
)
from mlops_iac.policies.support import supported

NOTEBOOK = "aws:sagemaker/notebookInstance:NotebookInstance"
METADATA = "instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion"
OLDEST = "notebook-al1-v1"
"""What SageMaker takes where nothing is set."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No root, metadata service version 2, and a platform that still gets fixes."""
    if resource.inputs.at("rootAccess") != "Disabled":
        return fail("gives its users root", "rootAccess")
    if str(resource.inputs.at(METADATA, "")) not in ("2", "2.0"):
        return fail("allows version 1 of the metadata service", METADATA)
    platform = resource.inputs.text("platformIdentifier", OLDEST)
    if not supported("notebook", platform, stack.system.today):
        return fail(f"runs {platform}, which gets no more fixes", "platformIdentifier")
    return PASS


_HARD = {
    "rootAccess": "Disabled",
    "instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "2"},
    "platformIdentifier": "notebook-al2023-v1",
}


POLICY = Policy(
    id="sagemaker-notebook-hardened",
    title="Notebooks are hardened",
    why="Root undoes every other guard, and version 1 of the metadata service gives credentials to any request.",
    fix='set rootAccess: Disabled, minimumInstanceMetadataServiceVersion: "2" and a supported platformIdentifier',
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NOTEBOOK,),
    controls={
        "aws-fsbp": ("SageMaker.3", "SageMaker.8"),
        "checkov": ("CKV_AWS_307", "CKV_AWS_371"),
        "hipaa": ("164.312(a)(1)",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#sagemaker-3",
    check=check,
    remediate=lambda *_: {"rootAccess": "Disabled", METADATA: "2"},
    samples=(
        passes(NOTEBOOK, _HARD),
        fails(NOTEBOOK, {**_HARD, "rootAccess": "Enabled"}),
        fails(NOTEBOOK, {"rootAccess": "Disabled"}),
        fails(NOTEBOOK, {**_HARD, "platformIdentifier": "notebook-al2-v1"}, system=SystemView(today="2026-08-01")),
        waits(NOTEBOOK, {**_HARD, "rootAccess": UNKNOWN}),
        ELSEWHERE,
    ),
)
