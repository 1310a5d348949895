"""The container image that each step of a pipeline runs in, and the ones that its models are served from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.models import gates
from mlops_iac.components.models.image_uris import NoImageError, Scope, image_uri, newest
from mlops_iac.components.models.images import ImageOutputs
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    Job,
    PipelineSpec,
    RegisterStep,
    ScriptJob,
    model_step,
)
from mlops_iac.graph.values import Value, join


def job_scope(step: Job) -> Scope:
    return "processing" if isinstance(step, BiasStep) else "training"


def aws_image(
    steps: Mapping[str, AnyStep],
    name: str,
    instance_type: str,
    scope: Scope,
    region: str,
    version: str | None = None,
) -> str:
    """Address of the AWS image that a step runs in; raises ``NoImageError``.

    A step that names no framework runs in that of the model it is given, and in scikit-learn's where it has none.
    """
    step = steps[name]
    if isinstance(step, BiasStep):
        return image_uri("clarify", region)
    own = isinstance(step, ScriptJob) and step.framework is not None
    source = step if own else steps[model_step(steps, name) or name]
    framework = source.framework if isinstance(source, ScriptJob) else None
    if framework is None:
        if scope == "inference":
            raise NoImageError("the model was trained in an image of your own", ())
        framework = "sklearn"
    wanted = version or (source.version if isinstance(source, ScriptJob) else None)
    wanted = wanted or newest(framework, scope, instance_type)
    return image_uri(framework, region, scope=scope, version=wanted, instance_type=instance_type)


def serving_image(spec: PipelineSpec, name: str, step: RegisterStep, ctx: BuildContext) -> Value:
    if step.image is not None:
        return join(ctx.get("images", step.image, ImageOutputs).repository_url, ":", step.image_tag)
    return aws_image(
        spec.steps, name, step.instance_types[0], "inference", ctx.core.cloud.region, step.inference_version
    )


def images(spec: PipelineSpec, ctx: BuildContext) -> Iterator[tuple[str, Value]]:
    for name, step in spec.steps.items():
        if isinstance(step, ScriptJob) and step.image is not None:
            yield name, join(ctx.get("images", step.image, ImageOutputs).repository_url, ":", step.image_tag)
        elif isinstance(step, Job):
            yield name, aws_image(spec.steps, name, step.instance_type, job_scope(step), ctx.core.cloud.region)


def aws_images(spec: PipelineSpec, baseline: BaselineSpec | None, ctx: BuildContext) -> Iterator[str]:
    region = ctx.core.cloud.region
    for _, uri in images(spec, ctx):
        if isinstance(uri, str):
            yield uri
    for name, step in spec.steps.items():
        if isinstance(step, RegisterStep) and step.image is None:
            yield aws_image(spec.steps, name, step.instance_types[0], "inference", region, step.inference_version)
        if step.when is not None and gates.compares_with_production(gates.parse(step.when)):
            yield image_uri("sklearn", region, scope="training")
    if baseline is not None:
        yield image_uri("model-monitor", region)
