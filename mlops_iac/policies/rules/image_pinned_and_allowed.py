"""What runs is exactly the image that was reviewed.

Source: https://kubernetes.io/docs/concepts/containers/images/#image-names
"""

from __future__ import annotations

import re
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import Admission, text, texts
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    PASS,
    Enforcement,
    Limits,
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
    waits,
    worst,
)
from mlops_iac.policies.serving import MODEL, model_containers
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, each_container, no_container

DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
OWN: Final = re.compile(r"^(unknown:|[0-9]{12}\.dkr\.ecr\.)")
"""The account's own image repositories, and AWS's for SageMaker."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """Every image has a digest; where registries are limited, it comes from one of them or from ECR."""
    if resource.type == MODEL:
        images = [
            (container.path_of("image"), container)
            for container in model_containers(resource)
            if container.has("image")
        ]
        registries = stack.system.limits.registries
        return worst(images, lambda item: _fixed(item[1].text("image"), item[0], registries, pinned=_by_aws(item[1])))
    return each_container(
        resource,
        lambda container, pod: _fixed(
            container.text("image"), container.path_of("image"), stack.system.limits.registries
        ),
    )


def _fixed(image: str, path: str, registries: tuple[str, ...], pinned: bool = False) -> Result:
    if not pinned and not DIGEST.search(image):
        return fail(f"runs {image or 'an image without a name'}, which can change without notice", path)
    if registries and not OWN.match(image) and not any(_within(image, registry) for registry in registries):
        return fail(f"takes {image.partition('@')[0]} from a registry that is not allowed", path)
    return PASS


def _by_aws(container: Inputs) -> bool:
    """SageMaker's own framework images have release tags that AWS does not move; their account is not ours to pin."""
    return bool(
        re.match(
            r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/(sagemaker|pytorch|tensorflow|huggingface)",
            container.text("image"),
        )
    )


def _within(image: str, registry: str) -> bool:
    return image.startswith(registry.rstrip("/") + "/")


def _admission(system: SystemView) -> Admission:
    pinned = no_container(
        f"!c.?image.orValue('').matches({text(DIGEST.pattern)})", "runs an image that can change in container {}"
    )
    registries = texts(f"{registry.rstrip('/')}/" for registry in system.limits.registries)
    allowed = no_container(
        f"!c.?image.orValue('').matches({text(OWN.pattern)})"
        f" && !{registries}.exists(r, c.?image.orValue('').startsWith(r))",
        "takes the image of container {} from a registry that is not allowed",
    )
    return admits_workloads(pinned, *([allowed] if system.limits.registries else []))(system)


_SHA = "sha256:" + "0" * 64
_LIMITED = SystemView(limits=Limits(registries=("docker.io/library",)))


def _pod(image: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "image": image}]}}


POLICY = Policy(
    id="image-pinned-and-allowed",
    title="Images are pinned by digest and come from allowed registries",
    why="A tag can be moved to other contents; a digest cannot. An unknown registry can serve anything.",
    fix="write registry/repository@sha256:<digest>, and add the registry to policies.allowed_registries",
    settings=("tracking.image", "clusters.*.device_plugin_image"),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(*WORKLOADS, MODEL),
    controls={
        "checkov": ("CKV_K8S_14", "CKV_K8S_43"),
        "cis-eks": ("5.1.4",),
        "eu-ai-act": ("11", "15(5)"),
        "nist-ai-rmf": ("GOVERN-6.1",),
    },
    source_url="https://kubernetes.io/docs/concepts/containers/images/#image-names",
    check=check,
    admission=_admission,
    samples=(
        passes(POD, _pod(f"docker.io/library/python@{_SHA}"), system=_LIMITED),
        fails(POD, _pod("python:3.12")),
        fails(POD, _pod(f"quay.io/acme/tool@{_SHA}"), system=_LIMITED),
        waits(POD, _pod(UNKNOWN)),
        fails(MODEL, {"primaryContainer": {"image": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/scorer:latest"}}),
        passes(MODEL, {"primaryContainer": {"image": f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/scorer@{_SHA}"}}),
        skips(
            MODEL,
            {
                "primaryContainer": {
                    "modelPackageName": "arn:aws:sagemaker:eu-west-1:111122223333:model-package/scorer/1"
                }
            },
        ),
    ),
)
