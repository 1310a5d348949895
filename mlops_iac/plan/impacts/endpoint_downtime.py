"""Endpoints that stop answering: deleted ones for good, replaced ones until the new one is in service.

An endpoint's name is unique in its account and region, so a replacement under the same name deletes first. AWS's
example notebooks give up to ten minutes for a launch; models that are large to download take longer.
Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Minutes, Scene, Touched
from mlops_iac.plan.model import Op

ENDPOINT: Final = "aws:sagemaker/endpoint:Endpoint"
LAUNCH: Final[Minutes] = (5, 10)
"""Typical time until a new fleet is in service."""
_SOURCE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html"
_WORKLOADS = (
    "kubernetes:apps/v1:Deployment",
    "kubernetes:serving.kserve.io/v1beta1:InferenceService",
    "kubernetes:ray.io/v1:RayService",
)
_START: Final[Minutes] = (1, 5)


def _find(scene: Scene) -> Iterator[Impact]:
    for found in scene.of_type(ENDPOINT):
        yield from _judge(found, "endpoint", LAUNCH, _SOURCE)
    for found in scene.of_type(*_WORKLOADS):
        yield from _judge(
            found,
            found.change.type.rpartition(":")[2],
            _START,
            "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/",
        )


def _judge(found: Touched, noun: str, minutes: Minutes, source_url: str) -> Iterator[Impact]:
    if found.op is Op.DELETE:
        yield Impact(
            ImpactKind.DOWNTIME,
            ImpactSeverity.CRITICAL,
            found.component,
            (found.name,),
            f"{noun} {found.label} is deleted: it answers no more requests",
            "make sure that nobody calls it any more (its Invocations metric), or keep the declaration",
            source_url,
        )
    elif found.op is Op.REPLACE and found.change.delete_before_replace:
        yield Impact(
            ImpactKind.DOWNTIME,
            ImpactSeverity.CRITICAL,
            found.component,
            (found.name,),
            f"{noun} {found.label} {found.how}: the old one is deleted first, and nothing answers until the new one is "
            "in service",
            "apply outside busy hours, or declare a second one and move callers over",
            source_url,
            minutes,
        )


RULE = ImpactRule("endpoint-downtime", "An endpoint is deleted, or replaced without its successor standing by.", _find)
