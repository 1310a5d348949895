"""Production serves only versions that somebody approved.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html
"""

from __future__ import annotations

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
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
    passes,
    skips,
    worst,
)
from mlops_iac.policies.serving import MODEL, model_containers


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod every container of a model names a registered version instead of a file."""
    if not stack.system.production:
        return NOT_APPLICABLE
    return worst(model_containers(resource), _registered)


def _registered(container: Inputs) -> Result:
    if container.has("modelPackageName"):
        return PASS
    if container.has("modelDataUrl") or container.has("modelDataSource"):
        return fail("serves a file that no registry knows", container.path_of("modelDataUrl"))
    return fail("serves whatever is in its image", container.path_of("modelPackageName"))


_PROD = SystemView(environment="prod")


POLICY = Policy(
    id="gov-registry-approval-gate",
    title="Production models come from the registry",
    why="A model file that was put there by hand was tested by nobody, and its training cannot be found.",
    fix="deploy a version of the registry (modelPackageName), which is refused before its approval",
    settings=("endpoints.*.model",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(MODEL,),
    controls={"eu-ai-act": ("14", "17"), "nist-ai-rmf": ("MANAGE-1.1",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html",
    check=check,
    samples=(
        passes(MODEL, {"primaryContainer": {"modelPackageName": UNKNOWN}}, system=_PROD),
        fails(MODEL, {"primaryContainer": {"image": "i", "modelDataUrl": "s3://models/m.tar.gz"}}, system=_PROD),
        fails(MODEL, {"containers": [{"modelPackageName": "p"}, {"image": "i"}]}, system=_PROD),
        skips(MODEL, {"primaryContainer": {"modelDataUrl": "s3://models/m.tar.gz"}}),
    ),
)
