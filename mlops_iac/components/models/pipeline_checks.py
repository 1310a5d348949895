"""What is checked of a pipeline before it is built: order, conditions, images, scripts and limits."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from mlops_iac.components.component import Problem
from mlops_iac.components.models import gates
from mlops_iac.components.models.image_uris import NoImageError
from mlops_iac.components.models.pipeline_conditions import TooManyClausesError, clauses
from mlops_iac.components.models.pipeline_definition import BASELINE_STEP
from mlops_iac.components.models.pipeline_images import aws_image, job_scope
from mlops_iac.components.models.pipeline_jobs import PRODUCTION, longest_wait
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BiasStep,
    EvaluationStep,
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
    production_model,
)
from mlops_iac.diagnostics import ConfigPath
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import System

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

_MOST_CHANNELS = 20


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
    if gates.compares_with_production(condition) and production_model(spec, step) is None:
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
            aws_image(spec.steps, name, step.instance_type, job_scope(step), region)
    except NoImageError as error:
        known = f"there are: {', '.join(error.known[-8:])}" if error.known else "name an `image`"
        field = "version" if isinstance(step, ScriptJob) and step.version else "inference_version"
        where = (*path, field) if isinstance(step, RegisterStep) or field == "version" else path
        yield Problem(NO_IMAGE, where, str(error), known)
