"""Versions that move to a stage: who has to approve them there, which stages they skip, and approvals that loosen.

SageMaker refuses to create a model from a version that is not ``Approved``, so an apply stops there.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.components.models.models import ModelSpec, approvals
from mlops_iac.components.serving.endpoints import EndpointSpec
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, each
from mlops_iac.plan.model import Op

_MODEL = "aws:sagemaker/model:Model"
_GROUP = "aws:sagemaker/modelPackageGroup:ModelPackageGroup"
_PACKAGE = "primaryContainer.modelPackageName"
_STRICTNESS: Final = ("automatic", "one_person", "two_person")
_SOURCE = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-approve.html"


def _find(scene: Scene) -> Iterator[Impact]:
    for instance in scene.system.of_kind("endpoints"):
        if isinstance(instance.spec, EndpointSpec):
            model = scene.system.find("models", instance.spec.model.registry)
            if model is not None and isinstance(model.spec, ModelSpec):
                for found in scene.of_component(instance.path, _MODEL):
                    yield from _moved(found, instance.spec, model.spec)
    yield from each((found for found in scene.of_type(_GROUP) if found.op is Op.UPDATE), _loosened)


def _moved(found: Touched, endpoint: EndpointSpec, model: ModelSpec) -> Iterator[Impact]:
    stage = endpoint.model.stage or model.stages[-1]
    version = model.released.get(stage)
    if version is None or found.op is Op.DELETE:
        return
    if found.change.old is not None and all(item.path != _PACKAGE for item in found.change.diff):
        return
    registry = endpoint.model.registry
    approver = approvals(model)[stage]
    if approver != "automatic":
        people = "one person approves" if approver == "one_person" else "two people approve"
        yield Impact(
            ImpactKind.MODEL_APPROVAL,
            ImpactSeverity.MEDIUM,
            found.component,
            (found.name,),
            f"version {version} of {registry} goes to stage {stage}{_instead(found)}, where {people}: "
            "without that SageMaker refuses it, and the apply stops",
            f"have version {version} approved in the registry before the apply",
            _SOURCE,
        )
    skipped = [
        earlier
        for earlier in model.stages[: model.stages.index(stage)]
        if model.released.get(earlier) is not None and model.released[earlier] < version
    ]
    if skipped:
        yield Impact(
            ImpactKind.MODEL_APPROVAL,
            ImpactSeverity.HIGH,
            found.component,
            (found.name,),
            f"version {version} of {registry} goes to stage {stage}, and stage {skipped[-1]} never ran it "
            f"(it runs version {model.released[skipped[-1]]})",
            f"release version {version} to {skipped[-1]} first",
            _SOURCE,
        )


def _instead(found: Touched) -> str:
    before = found.old.text(_PACKAGE).rpartition("/")[2] if found.old.is_known(_PACKAGE) else ""
    return f" in place of version {before}" if before.isdigit() else ""


def _loosened(found: Touched) -> Iterator[Impact]:
    for item in found.change.diff:
        stage = item.path.partition('tags["approval:')[2].removesuffix('"]')
        if stage and item.old in _STRICTNESS and item.new in (None, *_STRICTNESS):
            now = item.new or "automatic"
            if _STRICTNESS.index(now) < _STRICTNESS.index(item.old):
                yield Impact(
                    ImpactKind.MODEL_APPROVAL,
                    ImpactSeverity.HIGH,
                    found.component,
                    (found.name,),
                    f"stage {stage} of {found.component[-1]} asks for less approval: {item.old} becomes {now}",
                    "have those who answer for the model agree to it",
                    _SOURCE,
                )


RULE = ImpactRule("model-approval", "A version goes to a stage that has to approve it, or approval is loosened.", _find)
