"""The steps of a training pipeline as their owner writes them, whichever back end runs them.

What a script finds where: the outputs of every step that it comes after, directly or not, and its own inputs lie
below /opt/ml/processing/input/<name> (/opt/ml/input/data/<name> in training), a trained model below .../model.
Processing writes to /opt/ml/processing/output/<name>; an evaluation writes
/opt/ml/processing/output/evaluation/evaluation.json as
``{"metrics": {"f1": {"value": 0.9}}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from mlops_iac.components.models.image_uris import Framework
from mlops_iac.spec.base import Name, Spec, doc
from mlops_iac.spec.quantities import Duration, Size

Script = Annotated[
    str,
    doc(
        "Python file in the system's folder; its content is part of the pipeline.",
        min_length=1,
        examples=["steps/train.py"],
    ),
]
InstanceType = Annotated[
    str, doc("SageMaker instance type.", pattern="^ml\\.[a-z0-9-]+\\.[a-z0-9]+$", expects="a type such as ml.m5.xlarge")
]
Hyperparameter = str | int | float | bool


class Step(Spec, kw_only=True):
    """What every step has."""

    after: Annotated[list[str], doc("Steps that must have succeeded; their outputs are this step's inputs.")] = []
    when: Annotated[
        str | None,
        doc(
            "Condition over the metrics of the evaluation before this step, such as "
            "`f1 >= 0.85 and beats_production`; the step and all that follow it run only if it holds."
        ),
    ] = None
    otherwise: Annotated[
        Literal["stop", "fail"], doc("What becomes of the execution where the condition does not hold.")
    ] = "stop"


class Job(Step, kw_only=True):
    """What every step that runs a container has."""

    instance_type: Annotated[InstanceType, doc("Instance type of the job.")] = "ml.m5.xlarge"
    instances: Annotated[int, doc("How many instances share the job.", ge=1, le=100)] = 1
    volume: Annotated[Size, doc("Storage of each instance.")] = Size(30 * 2**30)
    max_runtime: Annotated[Duration, doc("Time after which the job is stopped.")] = Duration(4 * 3600)
    cache: Annotated[
        Duration | None, doc("Reuse the result of an earlier run with the same arguments that is not older than this.")
    ] = None
    retries: Annotated[
        int, doc("How often the job is started again after a fault of the service or lack of capacity.", ge=0, le=20)
    ] = 2
    environment: Annotated[dict[str, str], doc("Environment variables of the container.")] = {}


class ScriptJob(Job, kw_only=True):
    """What every step that runs the user's own code has."""

    script: Annotated[Script | None, doc("The step's program; not needed where `image` has one.")] = None
    files: Annotated[list[Script], doc("Further files, which lie beside the script under their own names.")] = []
    framework: Annotated[Framework | None, doc("Framework whose AWS image runs the script.")] = None
    version: Annotated[
        str | None, doc("Version of the framework; unset takes the newest that the table of images has.")
    ] = None
    image: Annotated[str | None, doc("Image repository of your own instead of a framework.", ref="images")] = None
    image_tag: Annotated[str, doc("Tag of the image in `image`.", pattern="^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")] = "v1"
    inputs: Annotated[list[str], doc("Buckets to read; each is an input of its name.", ref="buckets")] = []
    input_prefixes: Annotated[
        dict[Annotated[str, doc("An input bucket.", ref="buckets")], str],
        doc("Folder to read of an input bucket, by bucket; unset reads the whole bucket."),
    ] = {}


class ProcessingStep(ScriptJob, kw_only=True, tag_field="kind", tag="processing"):
    """A script that turns data into data."""

    feature_store: Annotated[
        str | None,
        doc(
            "Feature store that the script reads and writes; the job then reaches the Feature Store API through the "
            "VPC and is not network-isolated.",
            ref="feature_stores",
        ),
    ] = None
    outputs: Annotated[
        tuple[Name, ...], doc("Folders that the script writes; each is an output of its name.", min_length=1)
    ] = ("data",)


class _Training(ScriptJob, kw_only=True):
    """What training and tuning share."""

    hyperparameters: Annotated[dict[str, Hyperparameter], doc("Arguments of the script.")] = {}
    distribution: Annotated[
        Literal["torchrun", "mpi"] | None,
        doc("How several processes share the job: torchrun (pytorch, huggingface) or MPI."),
    ] = None
    processes_per_instance: Annotated[int, doc("MPI processes on each instance.", ge=1)] = 1
    spot: Annotated[
        bool,
        doc(
            "Train on spare capacity; checkpoints below /opt/ml/checkpoints survive an interruption. Ignored where "
            "the environment has `spot: false`."
        ),
    ] = False
    max_wait: Annotated[
        Duration | None, doc("Longest wait for spare capacity and run together; unset is twice `max_runtime`.")
    ] = None
    metrics: Annotated[
        dict[str, str], doc("Metrics to read from the job's log: regular expression with one group, by name.")
    ] = {}


class TrainingStep(_Training, kw_only=True, tag_field="kind", tag="training"):
    """A script that trains a model."""

    keep_warm: Annotated[
        Duration | None, doc("Keep the instances for the next job (at most 1h), so that it starts in seconds.")
    ] = None


class Range(Spec, kw_only=True):
    """The values that a hyperparameter may take."""

    min: Annotated[float | None, doc("Smallest value.")] = None
    max: Annotated[float | None, doc("Largest value.")] = None
    type: Annotated[Literal["float", "integer"], doc("Whether values between are all numbers or whole ones.")] = "float"
    scale: Annotated[Literal["auto", "linear", "logarithmic", "reverse_logarithmic"], doc("How values are spread.")] = (
        "auto"
    )
    values: Annotated[list[str | int | float], doc("The values themselves, instead of `min` and `max`.")] = []


class Objective(Spec, kw_only=True):
    """What tuning improves."""

    metric: Annotated[str, doc("One of the step's `metrics`.")]
    goal: Annotated[Literal["maximize", "minimize"], doc("Which way is better.")] = "maximize"


class TuningStep(_Training, kw_only=True, tag_field="kind", tag="tuning"):
    """Many training jobs that search the best hyperparameters; the best model is the step's model."""

    ranges: Annotated[dict[str, Range], doc("Hyperparameters to search, by name.", min_length=1)]
    objective: Annotated[Objective, doc("What tuning improves.")]
    jobs: Annotated[int, doc("How many training jobs there are.", ge=1, le=750)] = 20
    parallel: Annotated[int, doc("How many of them run at a time.", ge=1, le=100)] = 4
    strategy: Annotated[Literal["bayesian", "random", "hyperband"], doc("How values are chosen.")] = "bayesian"
    early_stopping: Annotated[bool, doc("Stop jobs that will not be among the best.")] = True


class EvaluationStep(ScriptJob, kw_only=True, tag_field="kind", tag="evaluation"):
    """A script that measures the model and writes its metrics."""

    metrics: Annotated[
        list[str], doc("Metrics that the script writes; `beats_production` compares the first one.", min_length=1)
    ]
    lower_is_better: Annotated[list[str], doc("Metrics among them that are better when lower, such as an error.")] = []


class BiasStep(Job, kw_only=True, tag_field="kind", tag="bias"):
    """A SageMaker Clarify report on how a label, and predictions where there are any, differ between groups."""

    dataset: Annotated[Name, doc("Output of an earlier step: CSV files with a header line.")] = "data"
    label: Annotated[str, doc("Column with the true outcome.")]
    positive: Annotated[
        tuple[str | int | float, ...], doc("Values of the label that are a favourable outcome.", min_length=1)
    ] = (1,)
    facets: Annotated[list[str], doc("Columns whose groups are compared.", min_length=1)]
    predicted_label: Annotated[str | None, doc("Column with the predicted outcome, for bias of the model as well.")] = (
        None
    )


class RegisterStep(Step, kw_only=True, tag_field="kind", tag="register"):
    """Registers the trained model as a new version."""

    model: Annotated[str, doc("Model that gets the version.", ref="models")]
    inference_version: Annotated[
        str | None, doc("Version of the framework's serving image; unset takes that of the training step.")
    ] = None
    image: Annotated[str | None, doc("Image repository of your own that serves the model.", ref="images")] = None
    image_tag: Annotated[str, doc("Tag of the image in `image`.", pattern="^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")] = "v1"
    instance_types: Annotated[
        tuple[InstanceType, ...],
        doc("Instance types that may serve the model; the first one decides CPU or GPU.", min_length=1),
    ] = ("ml.m5.xlarge",)
    content_types: Annotated[tuple[str, ...], doc("MIME types of requests.", min_length=1)] = (
        "text/csv",
        "application/json",
    )
    response_types: Annotated[tuple[str, ...], doc("MIME types of answers.", min_length=1)] = (
        "text/csv",
        "application/json",
    )
    environment: Annotated[dict[str, str], doc("Environment variables of the serving container.")] = {}


AnyStep = ProcessingStep | TrainingStep | TuningStep | EvaluationStep | BiasStep | RegisterStep


class BaselineSpec(Spec, kw_only=True):
    """The statistics that data-quality monitors compare with."""

    step: Annotated[str, doc("Processing step whose output is the data that the model was trained on.")]
    output: Annotated[Name | None, doc("Which of its outputs: CSV files with a header line; unset is the first.")] = (
        None
    )
    instance_type: Annotated[InstanceType, doc("Instance type of the job.")] = "ml.m5.xlarge"


class PipelineSpec(Spec, kw_only=True):
    """The way from data to a registered model."""

    steps: Annotated[dict[Name, AnyStep], doc("Steps by name.", min_length=1)]
    artifacts: Annotated[
        str | None,
        doc("Bucket for code, intermediate data and models; unset creates one for this pipeline.", ref="buckets"),
    ] = None
    baseline: Annotated[
        BaselineSpec | None,
        doc(
            "Baseline for data-quality monitors; unset: the first processing step's, where a monitor names this "
            "pipeline."
        ),
    ] = None
    parallel: Annotated[int, doc("How many steps run at a time.", ge=1, le=200)] = 10
    description: Annotated[str, doc("What the pipeline trains.", max_length=3000)] | None = None


def ancestors(steps: Mapping[str, AnyStep], name: str) -> tuple[str, ...]:
    """Every step that comes before ``name``, directly or not, in declared order; unknown names are left out."""
    found: set[str] = set()
    waiting = list(steps[name].after)
    while waiting:
        step = waiting.pop()
        if step in steps and step not in found:
            found.add(step)
            waiting.extend(steps[step].after)
    return tuple(step for step in steps if step in found)


def data_inputs(steps: Mapping[str, AnyStep], name: str) -> Iterator[tuple[str, str, str]]:
    """The outputs that a step receives, as (input, step, output): named like the output, where that is clear."""
    offered = [
        (step, output)
        for step in ancestors(steps, name)
        if isinstance(processing := steps[step], ProcessingStep)
        for output in processing.outputs
    ]
    names = [output for _, output in offered]
    for step, output in offered:
        yield (output if names.count(output) == 1 else f"{step}-{output}"), step, output


def model_step(steps: Mapping[str, AnyStep], name: str) -> str | None:
    """The last training or tuning step before ``name``, whose model it gets."""
    trained = [step for step in ancestors(steps, name) if isinstance(steps[step], TrainingStep | TuningStep)]
    return trained[-1] if trained else None


def evaluation_step(steps: Mapping[str, AnyStep], name: str, metric: str | None = None) -> str | None:
    """The last evaluation before ``name``, or the last one there that computes ``metric``."""
    found = [
        step
        for step in ancestors(steps, name)
        if isinstance(evaluation := steps[step], EvaluationStep) and (metric is None or metric in evaluation.metrics)
    ]
    return found[-1] if found else None


def production_model(spec: PipelineSpec, step: AnyStep) -> str | None:
    """The model that a condition compares with: the step's own, or the only one that the pipeline registers."""
    if isinstance(step, RegisterStep):
        return step.model
    models = {other.model for other in spec.steps.values() if isinstance(other, RegisterStep)}
    return models.pop() if len(models) == 1 else None
