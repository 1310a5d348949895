"""Pipelines and workflows that change while a run may be under way.

A run keeps the definition with which it started, but finds the pipeline's role and the files of its steps as they are
when a step starts: a step whose script was replaced meanwhile fails.
Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdatePipeline.html,
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribePipelineDefinitionForExecution.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeletePipeline.html (refused while a run is under way)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, listed
from mlops_iac.plan.model import Op

_PIPELINE = "aws:sagemaker/pipeline:Pipeline"
_OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"


def _find(scene: Scene) -> Iterator[Impact]:
    for found in scene.of_type(_PIPELINE):
        if found.goes:
            yield _ended(found)
        elif found.op is Op.UPDATE and any(item.path.startswith("pipelineDefinition") for item in found.change.diff):
            yield _changed(scene, found)


def _ended(found: Touched) -> Impact:
    return Impact(
        ImpactKind.RUNS_IN_FLIGHT,
        ImpactSeverity.HIGH,
        found.component,
        (found.name,),
        f"pipeline {found.component[-1]} {found.how}: SageMaker refuses while a run is under way, its history of runs "
        "is lost",
        "wait for runs to end, or stop them (`aws sagemaker list-pipeline-executions`)",
        f"{_API}/API_DeletePipeline.html",
    )


def _changed(scene: Scene, found: Touched) -> Impact:
    scripts = [each for each in scene.of_component(found.component, _OBJECT) if each.goes]
    steps = listed(each.name.partition(".code-")[2] or each.name for each in scripts)
    after = f"; one that has not reached {steps} yet fails there, because the old script goes" if scripts else ""
    return Impact(
        ImpactKind.RUNS_IN_FLIGHT,
        ImpactSeverity.MEDIUM if scripts else ImpactSeverity.LOW,
        found.component,
        (found.name, *(each.name for each in scripts)),
        f"pipeline {found.component[-1]} changes: a run under way finishes with the old definition{after}",
        "apply between two runs, or start the pipeline again afterwards",
        f"{_API}/API_UpdatePipeline.html",
    )


RULE = ImpactRule("runs-in-flight", "A pipeline changes while a run may be under way.", _find)
