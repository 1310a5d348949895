"""Images of models are pulled over the VPC.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html
"""

from __future__ import annotations

import re
from typing import Any, Final

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
from mlops_iac.policies.serving import MODEL, model_containers

ECR: Final = re.compile(r"^(unknown:|[0-9]{12}\.dkr\.ecr\.)")


def check(resource: ResourceView, stack: StackView) -> Result:
    """An image from outside ECR is pulled in Vpc mode; ECR has its own private endpoint and takes no such setting."""
    images = [container for container in model_containers(resource) if container.has("image")]
    return worst(images, _private)


def _private(container: Inputs) -> Result:
    if ECR.match(container.text("image")) or container.at("imageConfig.repositoryAccessMode") == "Vpc":
        return PASS
    return fail("pulls an image from outside the VPC", container.path_of("imageConfig.repositoryAccessMode"))


def _model(image: Any, mode: str) -> dict[str, Any]:
    return {"primaryContainer": {"image": image, "imageConfig": {"repositoryAccessMode": mode}}}


POLICY = Policy(
    id="sagemaker-model-private-registry",
    title="Model images outside ECR are pulled through the VPC",
    why="An image from a public registry can change, vanish, or be something else than its name says.",
    fix="use ECR, or set imageConfig.repositoryAccessMode: Vpc for a private registry",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(MODEL,),
    controls={"aws-fsbp": ("SageMaker.16", "SageMaker.19"), "eu-ai-act": ("15(5)",), "nist-ai-rmf": ("GOVERN-6.1",)},
    source_url="https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-containers-inference-private.html",
    check=check,
    samples=(
        passes(MODEL, _model("111122223333.dkr.ecr.eu-west-1.amazonaws.com/scorer:1", "Platform")),
        passes(MODEL, _model("registry.example.com/scorer:1", "Vpc")),
        fails(MODEL, _model("docker.io/acme/scorer:1", "Platform")),
        waits(MODEL, _model(UNKNOWN, "Platform")),
        skips(MODEL, {"primaryContainer": {"modelPackageName": "scorer"}}),
    ),
)
