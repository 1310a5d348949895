"""Training pipelines: SageMaker Pipelines from typed steps, from raw data to a registered version.

Creates the pipeline with its definition, the bucket for its code and artifacts, an object for each script, and one
role with exactly the permissions that its steps' references need. ``pipeline_steps`` says what a script finds where.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.data.feature_stores import FeatureStoreOutputs
from mlops_iac.components.foundation.audit import AuditOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.models import gates
from mlops_iac.components.models.image_uris import NoImageError, Scope, image_uri, newest
from mlops_iac.components.models.images import ImageOutputs
from mlops_iac.components.models.models import ModelOutputs
from mlops_iac.components.models.pipeline_definition import (
    BASELINE_STEP,
    PRODUCTION,
    Code,
    Production,
    Registration,
    Surroundings,
    TooManyClausesError,
    analysis_config,
    clauses,
    definition,
    longest_wait,
)
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    EvaluationStep,
    Job,
    PipelineSpec,
    ProcessingStep,
    RegisterStep,
    ScriptJob,
    TrainingStep,
    TuningStep,
    ancestors,
    data_inputs,
    evaluation_step,
    model_step,
)
from mlops_iac.components.models.tracking import TrackingOutputs
from mlops_iac.components.sagemaker_access import (
    image_access,
    log_and_metric_access,
    network_access,
    security_groups,
    subnets,
    volume_access,
)
from mlops_iac.components.secure_bucket import secure_bucket
from mlops_iac.diagnostics import ConfigPath
from mlops_iac.graph.evaluate import compact_json
from mlops_iac.graph.iam import Statement, policy_document
from mlops_iac.graph.naming import content_hash
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, TextAsset, ToJson, Value, join
from mlops_iac.spec.card import CardEntry, CardStage, facts, paths
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import Classification, Instance, System

UNKNOWN_STEP = "MI3430"
"""`after` or `baseline` names a step that the pipeline does not have."""
STEP_CYCLE = "MI3431"
"""Steps wait for each other."""
BAD_CONDITION = "MI3432"
"""`when` is not a condition, or one that is too large."""
UNKNOWN_METRIC = "MI3433"
"""`when` names a metric that no evaluation before the step computes."""
NO_EVALUATION = "MI3434"
"""A step has a condition and no evaluation comes before it."""
NO_IMAGE = "MI3435"
"""There is no container image for the framework, version and instance type, or two are named."""
NOTHING_TO_REGISTER = "MI3436"
"""A register step comes after no training or tuning step."""
WAIT_TOO_SHORT = "MI3437"
"""The longest wait for spot capacity is shorter than the longest run."""
BAD_DISTRIBUTION = "MI3438"
"""The way of distributing a training job does not fit its framework."""
BAD_RANGE = "MI3439"
"""A tuning range is empty, or fixes a hyperparameter that is also given."""
BAD_TUNING_LIMITS = "MI3440"
"""More jobs run at a time than there are, or the objective's metric is not captured."""
TOO_MANY_CHANNELS = "MI3441"
"""A training step has more inputs than SageMaker takes."""
RESERVED_NAME = "MI3442"
"""A hyperparameter or environment variable is one that SageMaker or the project sets."""
NO_DATASET = "MI3443"
"""The baseline names a step or output that holds no data set."""
UNKNOWN_INPUT = "MI3444"
"""A prefix is given for a bucket that is not an input."""
NO_PRODUCTION = "MI3445"
"""A condition compares with production, and it is not clear which model that is."""
NO_SCRIPT = "MI3446"
"""A step has neither a script nor an image of its own, or its script has no name of a file."""
TWO_CONDITIONS = "MI3447"
"""A step follows two conditions of which neither stands inside the other."""
STEP_NAME_TAKEN = "MI3448"
"""A step is called like one that the pipeline adds by itself."""

_SENSITIVITY: tuple[Classification, ...] = ("public", "internal", "confidential", "restricted")
_MOST_CHANNELS = 20
PRODUCTION_REPORT = '''"""Copies the evaluation report of the version that production runs."""

import json
import os
import pathlib
import urllib.parse

import boto3

package = boto3.client("sagemaker").describe_model_package(ModelPackageName=os.environ["PRODUCTION_MODEL_PACKAGE"])
source = urllib.parse.urlparse(package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"])
report = json.load(boto3.client("s3").get_object(Bucket=source.netloc, Key=source.path.lstrip("/"))["Body"])
target = pathlib.Path("/opt/ml/processing/output/production/production.json")
target.write_text(json.dumps(report))
'''
"""Runs in the step that a condition with `beats_production` adds; boto3 comes with the scikit-learn image."""


@dataclass(frozen=True, slots=True)
class PipelineOutputs(Outputs):
    """A pipeline that others start, and the baselines that it computes.

    ``baseline_uri`` is the folder (with a slash at its end) that holds ``<kind>/statistics.json`` and
    ``<kind>/constraints.json`` for each kind in ``baselines``; ``registers`` names the models that get versions.
    """

    name: Ref
    arn: Ref
    role_arn: Ref
    baseline_uri: Value
    baselines: tuple[str, ...]
    registers: tuple[str, ...]
    key_arn: Ref | str
    baseline_read: tuple[Statement, ...]
    serving: tuple[Statement, ...]

    def statistics(self, kind: str) -> Value:
        """Address of the baseline statistics of a monitor kind, such as ``data_quality``."""
        return join(self.baseline_uri, kind, "/statistics.json")

    def constraints(self, kind: str) -> Value:
        """Address of the baseline constraints of a monitor kind."""
        return join(self.baseline_uri, kind, "/constraints.json")

    def read_baselines(self) -> tuple[Statement, ...]:
        """Permissions to read the baselines."""
        return self.baseline_read

    def serve_models(self) -> tuple[Statement, ...]:
        """Permissions to serve what the pipeline registers: its model files and serving images."""
        return self.serving

    def start(self) -> Statement:
        """Permission to start the pipeline."""
        return Statement(("sagemaker:StartPipelineExecution",), (self.arn,))


def build(name: str, spec: PipelineSpec, ctx: BuildContext) -> PipelineOutputs:
    """The bucket, the code, the role and the pipeline."""
    artifacts = _artifacts(name, spec, ctx)
    baseline = _baseline(name, spec, ctx.system)
    uploads = _Uploads(name, artifacts, ctx)
    code = dict(_code(spec, uploads))
    role = ctx.role("role", _statements(spec, artifacts, baseline, ctx), service="sagemaker.amazonaws.com")
    _may_pass_itself(role, ctx)
    around = Surroundings(
        pipeline=name,
        steps=spec.steps,
        role_arn=role["arn"],
        artifacts=artifacts,
        buckets={bucket: ctx.get("buckets", bucket, BucketOutputs) for bucket in _input_buckets(spec)},
        feature_groups={
            store: ctx.get("feature_stores", store, FeatureStoreOutputs).group_name for store in _feature_stores(spec)
        },
        images=dict(_images(spec, ctx)),
        code=code,
        registrations=dict(_registrations(spec, ctx)),
        production=dict(_production(spec, uploads, ctx)),
        tracking=_tracking_environment(ctx),
        subnets=subnets(ctx.get("network", "network", NetworkOutputs)),
        security_groups=security_groups(ctx.get("network", "network", NetworkOutputs)),
        isolation=ctx.core.security.network_isolation,
        spot=ctx.core.env.spot,
        tags=ctx.tags(),
        baseline=baseline,
        baseline_image=image_uri("model-monitor", ctx.core.cloud.region) if baseline else None,
        baseline_prefix=_baseline_prefix(name),
    )
    pipeline = ctx.add(
        "pipeline",
        "aws:sagemaker/pipeline:Pipeline",
        {
            "pipelineName": ctx.namer.cloud(name),
            "pipelineDisplayName": ctx.namer.cloud(name),
            "pipelineDescription": spec.description,
            "roleArn": role["arn"],
            "pipelineDefinition": ToJson(definition(around)),
            "parallelismConfiguration": {"maxParallelExecutionSteps": spec.parallel},
            "tags": {"data-class": artifacts.classification},
        },
        depends_on=(*ctx.role_ready(role), *uploads.objects, *artifacts.ready),
    )
    return PipelineOutputs(
        pipeline["pipelineName"],
        pipeline["arn"],
        role["arn"],
        artifacts.uri(_baseline_prefix(name)),
        ("data_quality",) if baseline else (),
        tuple(sorted({step.model for step in spec.steps.values() if isinstance(step, RegisterStep)})),
        artifacts.key_arn,
        artifacts.read(_baseline_prefix(name)),
        (*artifacts.read(f"pipelines/{name}/runs/"), *_serving_statements(spec, ctx)),
    )


def _baseline_prefix(name: str) -> str:
    return f"pipelines/{name}/baseline/"


def _artifacts(name: str, spec: PipelineSpec, ctx: BuildContext) -> BucketOutputs:
    """The bucket that was named, or one of the pipeline's own: as sensitive as the most sensitive input."""
    if spec.artifacts is not None:
        return ctx.get("buckets", spec.artifacts, BucketOutputs)
    classification = _classification(spec, ctx)
    key = ctx.get("keys", "keys", KeysOutputs).arn(classification)
    bucket = ctx.add(
        "artifacts",
        "aws:s3/bucket:Bucket",
        {
            "bucket": ctx.namer.unique("pipeline", name),
            "forceDestroy": ctx.core.env.force_destroy,
            "tags": {"data-class": classification, "role": "artifacts"},
        },
        stateful=True,
    )
    settings = secure_bucket(ctx, bucket, key_arn=key)
    ctx.add(
        "access-log",
        "aws:s3/bucketLogging:BucketLogging",
        {
            "bucket": bucket["bucket"],
            "targetBucket": ctx.get("audit", "audit", AuditOutputs).log_bucket,
            "targetPrefix": f"s3/pipeline-{name}/",
        },
    )
    ctx.add(
        "lifecycle",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "bucket": bucket["bucket"],
            "rules": [
                {
                    "id": "clean-up",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                    "noncurrentVersionExpiration": {"noncurrentDays": 90},
                }
            ],
        },
        depends_on=(settings["versioning"],),
    )
    return BucketOutputs(bucket["bucket"], bucket["arn"], key, classification, tuple(settings.values()))


def _classification(spec: PipelineSpec, ctx: BuildContext) -> Classification:
    found = {ctx.get("buckets", bucket, BucketOutputs).classification for bucket in _input_buckets(spec)}
    found |= {ctx.get("feature_stores", store, FeatureStoreOutputs).classification for store in _feature_stores(spec)}
    return max((level for level in _SENSITIVITY if level in found), key=_SENSITIVITY.index, default="internal")


def _input_buckets(spec: PipelineSpec) -> list[str]:
    scripts = [step for step in spec.steps.values() if isinstance(step, ScriptJob)]
    return sorted({bucket for step in scripts for bucket in step.inputs})


def _feature_stores(spec: PipelineSpec) -> list[str]:
    processing = [step for step in spec.steps.values() if isinstance(step, ProcessingStep)]
    return sorted({step.feature_store for step in processing if step.feature_store})


class _Uploads:
    """Puts the files of the steps into the artifact bucket, each set below a folder named by its content."""

    def __init__(self, pipeline: str, artifacts: BucketOutputs, ctx: BuildContext) -> None:
        self._pipeline = pipeline
        self._artifacts = artifacts
        self._ctx = ctx
        self.objects: list[Handle] = []

    def scripts(self, step: str, script: str, files: list[str]) -> Code:
        """Upload files of the system's folder."""
        paths: list[tuple[str, ConfigPath]] = [(script, ("steps", step, "script"))]
        paths += [(file, ("steps", step, "files", index)) for index, file in enumerate(files)]
        texts = {posixpath.basename(file): self._ctx.read_text(file, path) for file, path in paths}
        return self.texts(step, texts)

    def texts(self, step: str, texts: Mapping[str, str]) -> Code:
        """Upload files by name; the first one is the entry."""
        folder = f"pipelines/{self._pipeline}/code/{step}/{content_hash(compact_json(dict(texts)))}/"
        for number, (file, text) in enumerate(texts.items()):
            self.objects.append(
                self._ctx.add(
                    f"code-{step}" + (f"-{number}" if number else ""),
                    "aws:s3/bucketObjectv2:BucketObjectv2",
                    {
                        "bucket": self._artifacts.name,
                        "key": folder + file,
                        "source": TextAsset(text),
                        "contentType": "text/x-python" if file.endswith(".py") else "text/plain",
                        "serverSideEncryption": "aws:kms",
                        "kmsKeyId": self._artifacts.key_arn,
                        "bucketKeyEnabled": True,
                    },
                    depends_on=self._artifacts.ready,
                )
            )
        return Code(self._artifacts.uri(folder), next(iter(texts)))


def _code(spec: PipelineSpec, uploads: _Uploads) -> Iterator[tuple[str, Code]]:
    for name, step in spec.steps.items():
        if isinstance(step, ScriptJob) and step.script is not None:
            yield name, uploads.scripts(name, step.script, step.files)
        elif isinstance(step, BiasStep):
            yield name, uploads.texts(name, {"analysis_config.json": compact_json(analysis_config(step))})


def _registrations(spec: PipelineSpec, ctx: BuildContext) -> Iterator[tuple[str, Registration]]:
    for name, step in spec.steps.items():
        if isinstance(step, RegisterStep):
            model = ctx.get("models", step.model, ModelOutputs)
            yield name, Registration(model.group_name, model.approval_status, _serving_image(spec, name, step, ctx))


def _serving_image(spec: PipelineSpec, name: str, step: RegisterStep, ctx: BuildContext) -> Value:
    if step.image is not None:
        return join(ctx.get("images", step.image, ImageOutputs).repository_url, ":", step.image_tag)
    return aws_image(
        spec.steps, name, step.instance_types[0], "inference", ctx.core.cloud.region, step.inference_version
    )


def _serving_statements(spec: PipelineSpec, ctx: BuildContext) -> Iterator[Statement]:
    addresses = []
    for name, step in spec.steps.items():
        if isinstance(step, RegisterStep):
            if step.image is not None:
                yield from ctx.get("images", step.image, ImageOutputs).pull()
            else:
                addresses.append(str(_serving_image(spec, name, step, ctx)))
    yield from image_access(ctx, addresses)


def _production(spec: PipelineSpec, uploads: _Uploads, ctx: BuildContext) -> Iterator[tuple[str, Production]]:
    region = ctx.core.cloud.region
    for name, step in spec.steps.items():
        if step.when is None or not gates.compares_with_production(gates.parse(step.when)):
            continue
        model = ctx.get("models", _production_model(spec, step) or "", ModelOutputs)
        released = model.released.get(model.production)
        if released is not None:
            code = uploads.texts(f"{name}-{PRODUCTION}", {"production_report.py": PRODUCTION_REPORT})
            yield name, Production(released, code, image_uri("sklearn", region, scope="training"))


def _production_model(spec: PipelineSpec, step: AnyStep) -> str | None:
    """The model that a condition compares with: the step's own, or the only one that the pipeline registers."""
    if isinstance(step, RegisterStep):
        return step.model
    models = {other.model for other in spec.steps.values() if isinstance(other, RegisterStep)}
    return models.pop() if len(models) == 1 else None


def _images(spec: PipelineSpec, ctx: BuildContext) -> Iterator[tuple[str, Value]]:
    for name, step in spec.steps.items():
        if isinstance(step, ScriptJob) and step.image is not None:
            yield name, join(ctx.get("images", step.image, ImageOutputs).repository_url, ":", step.image_tag)
        elif isinstance(step, Job):
            yield name, aws_image(spec.steps, name, step.instance_type, _scope(step), ctx.core.cloud.region)


def _scope(step: Job) -> Scope:
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


def _tracking_environment(ctx: BuildContext) -> Mapping[str, Value]:
    tracking = ctx.single("tracking", TrackingOutputs)
    return dict(tracking.environment) if tracking is not None and tracking.exposed else {}


def _baseline(name: str, spec: PipelineSpec, system: System) -> BaselineSpec | None:
    """The declared baseline, or that of the first processing step where a data-quality monitor wants one."""
    if spec.baseline is not None:
        return spec.baseline
    watched = [system.find("pipelines", each.spec.baseline) for each in _quality_monitors(system)]
    wanted = any(pipeline is not None and pipeline.physical_name == name for pipeline in watched)
    processing = [step for step, body in spec.steps.items() if isinstance(body, ProcessingStep)]
    return BaselineSpec(step=processing[0]) if wanted and processing else None


def _quality_monitors(system: System) -> Iterator[Instance]:
    return (each for each in system.of_kind("monitors") if each.spec.kind == "data_quality" and each.spec.baseline)


def _statements(
    spec: PipelineSpec, artifacts: BucketOutputs, baseline: BaselineSpec | None, ctx: BuildContext
) -> Iterator[Statement]:
    """What the steps may do: start each other's jobs, read inputs, write artifacts, and reach what they name."""
    yield from _job_statements(spec, baseline, ctx)
    yield from artifacts.write(f"pipelines/{ctx.instance.name}/")
    for name in _input_buckets(spec):
        prefixes = {
            step.input_prefixes.get(name, "")
            for step in spec.steps.values()
            if isinstance(step, ScriptJob) and name in step.inputs
        }
        for prefix in sorted(prefixes):
            yield from ctx.get("buckets", name, BucketOutputs).read(prefix)
    for store in _feature_stores(spec):
        outputs = ctx.get("feature_stores", store, FeatureStoreOutputs)
        yield from outputs.read()
        yield from outputs.ingest()
    for step in spec.steps.values():
        if isinstance(step, RegisterStep):
            yield from ctx.get("models", step.model, ModelOutputs).register()
        if isinstance(step, ScriptJob | RegisterStep) and step.image is not None:
            yield from ctx.get("images", step.image, ImageOutputs).pull()
    tracking = ctx.single("tracking", TrackingOutputs)
    if tracking is not None and tracking.exposed:
        yield from tracking.access()
    yield from volume_access(artifacts.key_arn)
    yield from image_access(ctx, _aws_images(spec, baseline, ctx))
    yield from log_and_metric_access(ctx)
    yield from network_access(ctx)


def _job_statements(spec: PipelineSpec, baseline: BaselineSpec | None, ctx: BuildContext) -> Iterator[Statement]:
    """Jobs that a pipeline starts are called ``pipelines-...``; a tuning job's name is too short for that."""
    kinds = {type(step) for step in spec.steps.values()}
    if kinds & {ProcessingStep, EvaluationStep, BiasStep} or baseline:
        yield _jobs("ProcessingJob", "processing-job/pipelines-*", ctx)
    if TrainingStep in kinds:
        yield _jobs("TrainingJob", "training-job/pipelines-*", ctx)
    if TuningStep in kinds:
        yield _jobs("HyperParameterTuningJob", "hyper-parameter-tuning-job/*", ctx)
        yield Statement(
            ("sagemaker:DescribeTrainingJob", "sagemaker:ListTrainingJobsForHyperParameterTuningJob"),
            (ctx.arn("sagemaker", "hyper-parameter-tuning-job/*"), ctx.arn("sagemaker", "training-job/*")),
        )


def _jobs(kind: str, resource: str, ctx: BuildContext) -> Statement:
    actions = (f"sagemaker:Create{kind}", f"sagemaker:Describe{kind}", f"sagemaker:Stop{kind}", "sagemaker:AddTags")
    return Statement(actions, (ctx.arn("sagemaker", resource),))


def _aws_images(spec: PipelineSpec, baseline: BaselineSpec | None, ctx: BuildContext) -> Iterator[str]:
    region = ctx.core.cloud.region
    for _, uri in _images(spec, ctx):
        if isinstance(uri, str):
            yield uri
    for name, step in spec.steps.items():
        if isinstance(step, RegisterStep) and step.image is None:
            yield aws_image(spec.steps, name, step.instance_types[0], "inference", region, step.inference_version)
        if step.when is not None and gates.compares_with_production(gates.parse(step.when)):
            yield image_uri("sklearn", region, scope="training")
    if baseline is not None:
        yield image_uri("model-monitor", region)


def _may_pass_itself(role: Handle, ctx: BuildContext) -> None:
    """The pipeline starts jobs that run with its own role, and with no other."""
    allowed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    ctx.add(
        "role-pass",
        "aws:iam/rolePolicy:RolePolicy",
        {
            "role": role["name"],
            "name": "pass",
            "policy": policy_document([Statement(("iam:PassRole",), (role["arn"],), allowed)]),
        },
    )


def check(name: str, spec: PipelineSpec, system: System) -> Iterator[Problem]:
    """Order, conditions, images and limits."""
    broken = [*_check_order(spec)]
    yield from broken
    yield from _check_taken(spec)
    if broken:
        return
    yield from _check_baseline(name, spec)
    for step_name, step in spec.steps.items():
        path: ConfigPath = ("steps", step_name)
        yield from _check_condition(spec, step_name, step, path)
        if isinstance(step, ScriptJob):
            yield from _check_script(step, path)
            yield from _check_inputs(spec, step_name, step, path)
        if isinstance(step, TrainingStep | TuningStep):
            yield from _check_training(step, path)
        if isinstance(step, TuningStep):
            yield from _check_tuning(step, path)
        if isinstance(step, RegisterStep) and model_step(spec.steps, step_name) is None:
            yield Problem(
                NOTHING_TO_REGISTER,
                (*path, "after"),
                f"step {step_name!r} registers a model that no step before it trains",
                "name a training or tuning step in `after`",
            )
            continue
        if isinstance(step, BiasStep):
            yield from _check_bias(spec, step_name, step, path)
        yield from _check_image(spec, step_name, step, path, system.core.cloud.region)


def _check_order(spec: PipelineSpec) -> Iterator[Problem]:
    for name, step in spec.steps.items():
        for index, other in enumerate(step.after):
            if other not in spec.steps:
                hint = did_you_mean(other, spec.steps) or f"steps: {', '.join(spec.steps)}"
                yield Problem(
                    UNKNOWN_STEP,
                    ("steps", name, "after", index),
                    f"step {name!r} comes after {other!r}, which is no step",
                    hint,
                )
    try:
        TopologicalSorter({name: step.after for name, step in spec.steps.items()}).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        yield Problem(
            STEP_CYCLE,
            ("steps", circle[0], "after"),
            f"steps wait for each other: {' after '.join(circle)}",
            "remove one of these from `after`",
        )


def _check_taken(spec: PipelineSpec) -> Iterator[Problem]:
    added = {BASELINE_STEP}
    for name, step in spec.steps.items():
        if step.when is not None:
            added |= {f"{name}-condition", f"{name}-refused", f"{name}-{PRODUCTION}"}
    for name in spec.steps:
        if name in added:
            yield Problem(
                STEP_NAME_TAKEN,
                ("steps", name),
                f"the pipeline adds a step called {name!r} by itself",
                "rename this one",
            )


def _check_condition(spec: PipelineSpec, name: str, step: AnyStep, path: ConfigPath) -> Iterator[Problem]:
    gated = [other for other in ancestors(spec.steps, name) if spec.steps[other].when is not None]
    for left, right in pairwise(gated):
        if left not in ancestors(spec.steps, right) and right not in ancestors(spec.steps, left):
            yield Problem(
                TWO_CONDITIONS,
                (*path, "after"),
                f"step {name!r} follows the conditions of {left!r} and {right!r}",
                f"let {right!r} come after {left!r}, or put both conditions into one `when`",
            )
    if step.when is None:
        return
    where = (*path, "when")
    try:
        condition = gates.parse(step.when)
        clauses(condition)
    except (gates.GateSyntaxError, TooManyClausesError) as error:
        yield Problem(
            BAD_CONDITION,
            where,
            f"{step.when!r} is no condition: {error}",
            "write it like: f1 >= 0.85 and beats_production",
        )
        return
    if evaluation_step(spec.steps, name) is None:
        yield Problem(
            NO_EVALUATION,
            where,
            f"step {name!r} has a condition, and no evaluation comes before it",
            "name a step of kind evaluation in `after`",
        )
        return
    for metric in gates.metrics(condition):
        if evaluation_step(spec.steps, name, metric) is None:
            known = _known_metrics(spec, name)
            hint = did_you_mean(metric, known) or f"metrics: {', '.join(known)}"
            yield Problem(UNKNOWN_METRIC, where, f"no evaluation before step {name!r} computes {metric!r}", hint)
    if gates.compares_with_production(condition) and _production_model(spec, step) is None:
        yield Problem(
            NO_PRODUCTION,
            where,
            f"it is not clear which model step {name!r} compares with",
            "put the condition on the register step, or register one model only",
        )


def _known_metrics(spec: PipelineSpec, name: str) -> list[str]:
    evaluations = (spec.steps[step] for step in ancestors(spec.steps, name))
    return [metric for step in evaluations if isinstance(step, EvaluationStep) for metric in step.metrics]


def _check_script(step: ScriptJob, path: ConfigPath) -> Iterator[Problem]:
    if step.script is None and step.image is None:
        yield Problem(NO_SCRIPT, path, "the step has neither a script nor an image of its own", "name a `script`")
    if step.image is not None and step.framework is not None:
        yield Problem(
            NO_IMAGE,
            (*path, "framework"),
            "the step names both an image of its own and a framework",
            "keep one of them",
        )
    names = [posixpath.basename(file) for file in (step.script or "", *step.files)]
    for index, file in enumerate(step.files):
        if names[index + 1] in names[: index + 1]:
            yield Problem(
                NO_SCRIPT,
                (*path, "files", index),
                f"another file of the step is also called {posixpath.basename(file)!r}",
                "rename one of them: they lie in one folder",
            )
    for variable in step.environment:
        if variable in ("FEATURE_GROUP_NAME", "PRODUCTION_MODEL_PACKAGE"):
            yield Problem(
                RESERVED_NAME,
                (*path, "environment", variable),
                f"{variable} is set by the pipeline",
                "use another name",
            )


def _check_inputs(spec: PipelineSpec, name: str, step: ScriptJob, path: ConfigPath) -> Iterator[Problem]:
    for bucket in step.input_prefixes:
        if bucket not in step.inputs:
            yield Problem(
                UNKNOWN_INPUT,
                (*path, "input_prefixes", bucket),
                f"bucket {bucket!r} is not among the step's inputs",
                did_you_mean(bucket, step.inputs) or "add it to `inputs`",
            )
    names = [*step.inputs, *(found[0] for found in data_inputs(spec.steps, name))]
    names += ["model"] if model_step(spec.steps, name) else []
    names += ["code"] if step.script else []
    doubled = sorted({found for found in names if names.count(found) > 1})
    if doubled:
        yield Problem(
            TOO_MANY_CHANNELS,
            path,
            f"step {name!r} has two inputs called {', '.join(doubled)}",
            "rename the output or the step",
        )
    if isinstance(step, TrainingStep | TuningStep) and len(names) > _MOST_CHANNELS:
        yield Problem(
            TOO_MANY_CHANNELS,
            path,
            f"step {name!r} has {len(names)} inputs; SageMaker takes {_MOST_CHANNELS}",
            "write what belongs together into one output",
        )


def _check_training(step: TrainingStep | TuningStep, path: ConfigPath) -> Iterator[Problem]:
    if longest_wait(step) < step.max_runtime:
        yield Problem(
            WAIT_TOO_SHORT,
            (*path, "max_wait"),
            f"`max_wait` {step.max_wait} is shorter than `max_runtime` {step.max_runtime}",
            "it counts waiting and running together: make it longer",
        )
    if step.distribution == "torchrun" and step.framework not in ("pytorch", "huggingface"):
        yield Problem(
            BAD_DISTRIBUTION,
            (*path, "distribution"),
            f"torchrun starts PyTorch programs, not {step.framework or 'this image'}",
            "use framework pytorch or huggingface, or distribution mpi",
        )
    if step.distribution == "mpi" and step.framework in ("sklearn", "xgboost"):
        yield Problem(
            BAD_DISTRIBUTION, (*path, "distribution"), f"the {step.framework} image has no MPI", "remove `distribution`"
        )
    for parameter in step.hyperparameters:
        if parameter.startswith("sagemaker_"):
            yield Problem(
                RESERVED_NAME,
                (*path, "hyperparameters", parameter),
                "names that begin with sagemaker_ are SageMaker's own",
                "rename it",
            )


def _check_tuning(step: TuningStep, path: ConfigPath) -> Iterator[Problem]:
    if step.parallel > step.jobs:
        yield Problem(
            BAD_TUNING_LIMITS,
            (*path, "parallel"),
            f"{step.parallel} jobs at a time, and only {step.jobs} in all",
            "lower `parallel`",
        )
    if step.objective.metric not in step.metrics:
        yield Problem(
            BAD_TUNING_LIMITS,
            (*path, "objective", "metric"),
            f"no metric {step.objective.metric!r} is read from the log",
            did_you_mean(step.objective.metric, step.metrics) or "add its regular expression to `metrics`",
        )
    for name, item in step.ranges.items():
        where = (*path, "ranges", name)
        if name in step.hyperparameters:
            yield Problem(BAD_RANGE, where, f"{name!r} is also a fixed hyperparameter", "remove one of them")
        bounds = item.min is not None and item.max is not None
        if bool(item.values) == bounds or (item.values and (item.min is not None or item.max is not None)):
            yield Problem(
                BAD_RANGE, where, f"range {name!r} needs either `values` or both `min` and `max`", "give one of the two"
            )
        elif item.min is not None and item.max is not None and item.min >= item.max:
            yield Problem(
                BAD_RANGE, where, f"range {name!r} is empty: {item.min} to {item.max}", "make `min` less than `max`"
            )


def _check_bias(spec: PipelineSpec, name: str, step: BiasStep, path: ConfigPath) -> Iterator[Problem]:
    offered = [found[0] for found in data_inputs(spec.steps, name)]
    if step.dataset not in offered:
        yield Problem(
            NO_DATASET,
            (*path, "dataset"),
            f"no step before {name!r} has an output {step.dataset!r}",
            did_you_mean(step.dataset, offered) or f"outputs: {', '.join(offered) or 'none'}",
        )


def _check_baseline(name: str, spec: PipelineSpec) -> Iterator[Problem]:
    if spec.baseline is None:
        return
    step = spec.steps.get(spec.baseline.step)
    processing = [other for other, body in spec.steps.items() if isinstance(body, ProcessingStep)]
    if not isinstance(step, ProcessingStep):
        hint = did_you_mean(spec.baseline.step, processing) or f"processing steps: {', '.join(processing) or 'none'}"
        yield Problem(
            UNKNOWN_STEP, ("baseline", "step"), f"pipeline {name!r} has no processing step {spec.baseline.step!r}", hint
        )
    elif spec.baseline.output is not None and spec.baseline.output not in step.outputs:
        hint = did_you_mean(spec.baseline.output, step.outputs) or f"outputs: {', '.join(step.outputs)}"
        yield Problem(
            NO_DATASET,
            ("baseline", "output"),
            f"step {spec.baseline.step!r} has no output {spec.baseline.output!r}",
            hint,
        )


def _check_image(spec: PipelineSpec, name: str, step: AnyStep, path: ConfigPath, region: str) -> Iterator[Problem]:
    if isinstance(step, ScriptJob | RegisterStep) and step.image is not None:
        return
    try:
        if isinstance(step, RegisterStep):
            aws_image(spec.steps, name, step.instance_types[0], "inference", region, step.inference_version)
        else:
            aws_image(spec.steps, name, step.instance_type, _scope(step), region)
    except NoImageError as error:
        known = f"there are: {', '.join(error.known[-8:])}" if error.known else "name an `image`"
        field = "version" if isinstance(step, ScriptJob) and step.version else "inference_version"
        where = (*path, field) if isinstance(step, RegisterStep) or field == "version" else path
        yield Problem(NO_IMAGE, where, str(error), known)


__all__ = ["COMPONENT", "PipelineOutputs", "PipelineSpec", "build", "check"]

_TRAIN = {
    "kind": "training",
    "image": "trainer",
    "image_tag": "2027-01-31",
    "instance_type": "ml.g5.2xlarge",
    "inputs": ["raw"],
    "spot": True,
}


def card(name: str, spec: PipelineSpec, system: System) -> CardEntry:
    steps = spec.steps.values()
    stores = paths("feature_stores", (step.feature_store for step in steps if isinstance(step, ProcessingStep)))
    return CardEntry(
        CardStage.TRAINING,
        facts(
            ("trains", spec.description),
            *((f"step {step}", _card_line(found)) for step, found in spec.steps.items()),
        ),
        receives=(
            *paths("buckets", (bucket for step in steps if isinstance(step, ScriptJob) for bucket in step.inputs)),
            *stores,
        ),
        feeds=(*stores, *paths("models", (step.model for step in steps if isinstance(step, RegisterStep)))),
    )


def _card_line(step: AnyStep) -> str:
    """A step in a few words: its kind, what it runs, what it measures, and what must hold before it."""
    said = [str(step.__struct_config__.tag)]
    if isinstance(step, ScriptJob) and step.script:
        said.append(str(step.script))
    if isinstance(step, EvaluationStep):
        said.append(f"measures {', '.join(step.metrics)}")
    if isinstance(step, BiasStep):
        said.append(f"compares groups of {', '.join(step.facets)}")
    if isinstance(step, RegisterStep):
        said.append(f"as {step.model}")
    if step.when:
        said.append(f"only if {step.when}")
    return "; ".join(said)


COMPONENT = Component(
    kind="pipelines",
    label="pipeline",
    layer=Layer.MODELS,
    token="mlops:models:Pipeline",
    spec=PipelineSpec,
    build=build,
    card=card,
    check=check,
    uses=("keys", "audit", "network", "tracking"),
    backend="sagemaker",
    examples=(
        Example(
            "One training job in an image of your own",
            {"nightly": {"steps": {"train": _TRAIN}}},
            {"buckets": {"raw": {"classification": "confidential"}}, "images": {"trainer": {}}},
        ),
        Example(
            "From raw data to a registered version that beats production",
            {
                "train-fraud": {
                    "steps": {
                        "prepare": {
                            "kind": "processing",
                            "script": "steps/prepare.py",
                            "instance_type": "ml.m5.2xlarge",
                            "inputs": ["raw"],
                            "input_prefixes": {"raw": "transactions/"},
                            "feature_store": "transactions",
                            "cache": "30d",
                        },
                        "train": {
                            "kind": "training",
                            "framework": "pytorch",
                            "version": "2.5",
                            "script": "steps/train.py",
                            "instance_type": "ml.g5.2xlarge",
                            "instances": 2,
                            "distribution": "torchrun",
                            "spot": True,
                            "max_runtime": "6h",
                            "hyperparameters": {"lr": 0.001, "epochs": 20},
                            "after": ["prepare"],
                        },
                        "evaluate": {
                            "kind": "evaluation",
                            "script": "steps/evaluate.py",
                            "after": ["train"],
                            "metrics": ["f1", "precision", "recall", "bias"],
                        },
                        "fairness": {
                            "kind": "bias",
                            "after": ["prepare"],
                            "label": "is_fraud",
                            "facets": ["country"],
                        },
                        "register": {
                            "kind": "register",
                            "model": "fraud-scorer",
                            "when": "f1 >= 0.85 and beats_production",
                            "otherwise": "fail",
                            "after": ["evaluate", "fairness"],
                        },
                    },
                    "baseline": {"step": "prepare"},
                }
            },
            {
                "buckets": {"raw": {"classification": "confidential"}, "features": {"classification": "confidential"}},
                "feature_stores": {
                    "transactions": {
                        "record_id": "transaction_id",
                        "event_time": "event_time",
                        "offline": {"bucket": "features"},
                        "features": {"amount": "float"},
                    }
                },
                "models": {"fraud-scorer": {"released": {"prod": 3}}},
            },
            files={
                "steps/prepare.py": "print('prepare')\n",
                "steps/train.py": "print('train')\n",
                "steps/evaluate.py": "print('evaluate')\n",
            },
        ),
    ),
)
