"""Training pipelines: SageMaker Pipelines from typed steps, from raw data to a registered version.

Creates the pipeline with its definition, the bucket for its code and artifacts, an object for each script, and one
role with exactly the permissions that its steps' references need. ``pipeline_steps`` says what a script finds where.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.data.feature_stores import FeatureStoreOutputs
from mlops_iac.components.foundation.audit import AuditOutputs
from mlops_iac.components.foundation.keys import KeysOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.models import gates
from mlops_iac.components.models.image_uris import image_uri
from mlops_iac.components.models.images import ImageOutputs
from mlops_iac.components.models.models import ModelOutputs
from mlops_iac.components.models.pipeline_checks import check
from mlops_iac.components.models.pipeline_definition import definition
from mlops_iac.components.models.pipeline_images import aws_images, images, serving_image
from mlops_iac.components.models.pipeline_jobs import (
    PRODUCTION,
    Code,
    Production,
    Registration,
    Surroundings,
    analysis_config,
)
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    EvaluationStep,
    PipelineSpec,
    ProcessingStep,
    RegisterStep,
    ScriptJob,
    TrainingStep,
    TuningStep,
    production_model,
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
from mlops_iac.spec.system import Classification, Instance, System

_SENSITIVITY: tuple[Classification, ...] = ("public", "internal", "confidential", "restricted")


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
        images=dict(images(spec, ctx)),
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
            yield name, Registration(model.group_name, model.approval_status, serving_image(spec, name, step, ctx))


def _serving_statements(spec: PipelineSpec, ctx: BuildContext) -> Iterator[Statement]:
    addresses = []
    for name, step in spec.steps.items():
        if isinstance(step, RegisterStep):
            if step.image is not None:
                yield from ctx.get("images", step.image, ImageOutputs).pull()
            else:
                addresses.append(str(serving_image(spec, name, step, ctx)))
    yield from image_access(ctx, addresses)


def _production(spec: PipelineSpec, uploads: _Uploads, ctx: BuildContext) -> Iterator[tuple[str, Production]]:
    region = ctx.core.cloud.region
    for name, step in spec.steps.items():
        if step.when is None or not gates.compares_with_production(gates.parse(step.when)):
            continue
        model = ctx.get("models", production_model(spec, step) or "", ModelOutputs)
        released = model.released.get(model.production)
        if released is not None:
            code = uploads.texts(f"{name}-{PRODUCTION}", {"production_report.py": _production_report()})
            yield name, Production(released, code, image_uri("sklearn", region, scope="training"))


@cache
def _production_report() -> str:
    """What runs in the step that a condition with `beats_production` adds; the scikit-learn image has boto3."""
    return Path(__file__).with_name("production_report_source.py").read_text(encoding="utf-8")


def _tracking_environment(ctx: BuildContext) -> Mapping[str, Value]:
    tracking = ctx.single("tracking", TrackingOutputs)
    return dict(tracking.environment) if tracking is not None and tracking.exposed else {}


def _baseline(name: str, spec: PipelineSpec, system: System) -> BaselineSpec | None:
    """The declared baseline, or that of the first processing step where a data-quality monitor wants one."""
    if spec.baseline is not None:
        return spec.baseline
    watched = [system.find("pipelines", each.spec.baseline) for each in _quality_monitors(system)]
    wanted = any(pipeline is not None and pipeline.name == name for pipeline in watched)
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
    yield from image_access(ctx, aws_images(spec, baseline, ctx))
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
