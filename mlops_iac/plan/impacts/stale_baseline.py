"""Monitors whose baseline no longer describes what they watch: drift is then found where there is none, or missed.

A baseline is computed by a pipeline from the features that it reads, for the model that it trains. When features,
pipeline or the served model change, its statistics are those of another model until the pipeline has run again.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-create-baseline.html
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.components.models.pipeline_steps import PipelineSpec
from mlops_iac.components.operations.monitors import MonitorSpec
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, listed
from mlops_iac.plan.impacts.data_loss import FEATURE_GROUP
from mlops_iac.plan.model import Op
from mlops_iac.spec.system import Instance

_PIPELINE = "aws:sagemaker/pipeline:Pipeline"
_MODEL = "aws:sagemaker/model:Model"


def _find(scene: Scene) -> Iterator[Impact]:
    for monitor in scene.system.of_kind("monitors"):
        spec = monitor.spec
        if isinstance(spec, MonitorSpec) and spec.baseline is not None and scene.existed(monitor.path):
            yield from _judge(scene, monitor, spec, spec.baseline)


def _judge(scene: Scene, monitor: Instance, spec: MonitorSpec, baseline: str) -> Iterator[Impact]:
    causes = list(_causes(scene, spec, baseline))
    if causes:
        yield Impact(
            ImpactKind.STALE_BASELINE,
            ImpactSeverity.MEDIUM,
            monitor.path,
            tuple(found.name for _, found in causes),
            f"the baseline of monitor {monitor.name} is stale: {listed(cause for cause, _ in causes)}",
            f"run pipeline {baseline} after the apply; until then read this monitor's alarms with care",
            "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-create-baseline.html",
        )


def _causes(scene: Scene, spec: MonitorSpec, baseline: str) -> Iterator[tuple[str, Touched]]:
    for store in _feature_stores(scene, baseline):
        for found in scene.of_component(("feature_stores", store), FEATURE_GROUP):
            if _differs(found, "featureDefinitions"):
                yield f"the features of {store} change", found
    for found in scene.of_component(("pipelines", baseline), _PIPELINE):
        if _differs(found, "pipelineDefinition"):
            yield f"pipeline {baseline}, which computes it, changes", found
    for found in scene.of_component(("endpoints", spec.endpoint), _MODEL):
        if _differs(found, "primaryContainer.modelPackageName"):
            yield f"endpoint {spec.endpoint} serves another version", found


def _feature_stores(scene: Scene, pipeline: str) -> list[str]:
    declared = scene.system.find("pipelines", pipeline)
    if declared is None or not isinstance(declared.spec, PipelineSpec):
        return []
    stores = (getattr(step, "feature_store", None) for step in declared.spec.steps.values())
    return sorted({store for store in stores if store})


def _differs(found: Touched, path: str) -> bool:
    """Whether an existing resource changes there, or is another one from now on."""
    if found.op is Op.DELETE or found.change.old is None:
        return False
    return any(item.path == path or item.path.startswith((f"{path}.", f"{path}[")) for item in found.change.diff)


RULE = ImpactRule("stale-baseline", "A monitor's baseline was computed for other features or another model.", _find)
