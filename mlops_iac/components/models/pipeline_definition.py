"""The definition of a SageMaker pipeline: typed steps to the service's JSON, with references in it as values.

Source: https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/ for the outer
form, and the Create*Job requests of the SageMaker API for the arguments of each step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.models import gates
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    EvaluationStep,
    Job,
    ProcessingStep,
    Range,
    RegisterStep,
    ScriptJob,
    Step,
    TrainingStep,
    TuningStep,
    ancestors,
    data_inputs,
    evaluation_step,
    model_step,
)
from mlops_iac.graph.values import Value, join
from mlops_iac.spec.quantities import Duration

VERSION = "2020-12-01"
EVALUATION = "evaluation"
"""Name of an evaluation's output, property file and report."""
PRODUCTION = "production"
"""The same for the report of the version that production runs."""
BASELINE_STEP = "data-quality-baseline"
_INPUTS = "/opt/ml/processing/input"
_OUTPUTS = "/opt/ml/processing/output"
_CHANNELS = "/opt/ml/input/data"
_INVERTED: dict[gates.Operator, gates.Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_COMPARISONS: dict[gates.Operator, str] = {
    "<": "LessThan",
    "<=": "LessThanOrEqualTo",
    ">": "GreaterThan",
    ">=": "GreaterThanOrEqualTo",
    "==": "Equals",
}
_SCALES = {
    "auto": "Auto",
    "linear": "Linear",
    "logarithmic": "Logarithmic",
    "reverse_logarithmic": "ReverseLogarithmic",
}
_MOST_CLAUSES = 32

Document = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Code:
    """Uploaded files of a step: their folder and the one that is started."""

    uri: Value
    entry: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a register step needs of its model: the group, the status of new versions and the serving image."""

    group_name: Value
    approval_status: str
    image: Value


@dataclass(frozen=True, slots=True)
class Production:
    """The released version that conditions compare with, and the code and image that fetch its report."""

    package_arn: Value
    code: Code
    image: Value


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything outside the steps that the definition names."""

    pipeline: str
    steps: Mapping[str, AnyStep]
    role_arn: Value
    artifacts: BucketOutputs
    buckets: Mapping[str, BucketOutputs]
    feature_groups: Mapping[str, Value]
    images: Mapping[str, Value]
    code: Mapping[str, Code]
    registrations: Mapping[str, Registration]
    production: Mapping[str, Production]
    """By gated step; no entry where production runs no version yet."""
    tracking: Mapping[str, Value]
    subnets: Sequence[Value]
    security_groups: Sequence[Value]
    isolation: bool
    spot: bool
    tags: Mapping[str, Value]
    baseline: BaselineSpec | None
    baseline_image: Value
    baseline_prefix: str

    def run_uri(self, *parts: str) -> Document:
        """A folder for this execution only."""
        return {
            "Std:Join": {
                "On": "/",
                "Values": [
                    join("s3://", self.artifacts.name, f"/pipelines/{self.pipeline}/runs"),
                    {"Get": "Execution.PipelineExecutionId"},
                    *parts,
                ],
            }
        }


def definition(around: Surroundings) -> Document:
    """The whole definition."""
    return {"Version": VERSION, "Metadata": {}, "Parameters": [], "Steps": _block(around, None)}


def gated_by(steps: Mapping[str, AnyStep], name: str) -> str | None:
    """The step whose condition decides whether ``name`` runs: itself, or the last one before it with a condition."""
    if steps[name].when is not None:
        return name
    before = [step for step in ancestors(steps, name) if steps[step].when is not None]
    return max(before, key=lambda step: len(ancestors(steps, step)), default=None)


def _outer_gate(steps: Mapping[str, AnyStep], name: str) -> str | None:
    """The condition inside which the condition of ``name`` stands."""
    before = [step for step in ancestors(steps, name) if steps[step].when is not None]
    return max(before, key=lambda step: len(ancestors(steps, step)), default=None)


def _block(around: Surroundings, gate: str | None) -> list[Value]:
    """The steps that stand directly inside a condition, or at the top; conditions stand in for what they hold."""
    steps = around.steps
    found: list[Value] = []
    for name, step in steps.items():
        if step.when is not None and _outer_gate(steps, name) == gate:
            found += _condition_step(around, name, step)
        if gated_by(steps, name) == gate:
            found.append(_step(around, name, step))
    if around.baseline is not None and _baseline_gate(around) == gate:
        found.append(_baseline_step(around, around.baseline))
    return found


def _baseline_gate(around: Surroundings) -> str | None:
    """The baseline is renewed together with the first registration, so that it belongs to an accepted model."""
    registers = [name for name, step in around.steps.items() if isinstance(step, RegisterStep)]
    return gated_by(around.steps, registers[0]) if registers else None


def _depends_on(around: Surroundings, name: str) -> list[Value]:
    """Steps to wait for; where the step has a condition, that waits in its place."""
    step = around.steps[name]
    return [] if step.when is not None else list(step.after)


def _condition_step(around: Surroundings, name: str, step: Step) -> Iterator[Document]:
    """A condition, after the step that fetches production's report where it needs that."""
    waits = list(step.after)
    production = around.production.get(name)
    if production is not None:
        yield _production_step(around, name, production, waits)
        waits = [*waits, f"{name}-{PRODUCTION}"]
    yield {
        "Name": f"{name}-condition",
        "Type": "Condition",
        **_optional("DependsOn", list[Value](waits)),
        "Arguments": {
            "Conditions": conditions(around, name),
            "IfSteps": _block(around, name),
            "ElseSteps": _otherwise(name, step),
        },
    }


def _otherwise(name: str, step: Step) -> list[Value]:
    if step.otherwise == "stop":
        return []
    message = f"The condition of step {name} does not hold: {step.when}"
    return [{"Name": f"{name}-refused", "Type": "Fail", "Arguments": {"ErrorMessage": message}}]


def conditions(around: Surroundings, name: str) -> list[Value]:
    """The condition of a step as the service's list, of which all must hold; each may be one of several."""
    text = around.steps[name].when
    found: list[Value] = []
    for clause in clauses(gates.parse(text or ""), beaten=name not in around.production):
        terms = [_comparison(around, name, term) for term in clause]
        found.append(terms[0] if len(terms) == 1 else {"Type": "Or", "Conditions": terms})
    return found or [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A comparison, or its opposite where that is no other comparison."""

    term: gates.Compare | gates.BeatsProduction
    opposite: bool = False


Clause = tuple[Leaf, ...]


class TooManyClausesError(ValueError):
    """The condition would need more alternatives than a pipeline should have."""


def clauses(condition: gates.Condition, *, beaten: bool = False) -> list[Clause]:
    """The condition as clauses that must all hold, each holding if one of its leaves does.

    ``beaten``: production runs nothing, so that every model beats it. The service has no "and" inside "or".
    """
    return _clauses(condition, False, beaten)


_NEVER = Leaf(gates.Compare("", "==", 0))


def _clauses(condition: gates.Condition, opposite: bool, beaten: bool) -> list[Clause]:
    match condition:
        case gates.Not(term=term):
            return _clauses(term, not opposite, beaten)
        case gates.BeatsProduction() if beaten:
            return [(_NEVER,)] if opposite else []
        case gates.Compare() | gates.BeatsProduction():
            return [(_leaf(condition, opposite),)]
        case gates.All(terms=terms) | gates.AnyOf(terms=terms):
            parts = [_clauses(term, opposite, beaten) for term in terms]
            if isinstance(condition, gates.All) is not opposite:
                return _bounded([clause for part in parts for clause in part])
            product: list[Clause] = [()]
            for part in parts:
                product = _bounded([(*left, *right) for left in product for right in part])
            return product


def _bounded(found: list[Clause]) -> list[Clause]:
    if len(found) > _MOST_CLAUSES:
        raise TooManyClausesError(f"the condition unfolds to more than {_MOST_CLAUSES} alternatives")
    return found


def _leaf(term: gates.Compare | gates.BeatsProduction, opposite: bool) -> Leaf:
    if opposite and isinstance(term, gates.Compare) and term.operator in _INVERTED:
        return Leaf(gates.Compare(term.metric, _INVERTED[term.operator], term.number))
    return Leaf(term, opposite)


def _comparison(around: Surroundings, name: str, leaf: Leaf) -> Value:
    if leaf is _NEVER:
        return {"Type": "Equals", "LeftValue": 0, "RightValue": 1}
    term = leaf.term
    if isinstance(term, gates.Compare):
        plain: Document = {
            "Type": _COMPARISONS[term.operator],
            "LeftValue": _metric(around, name, term.metric),
            "RightValue": term.number,
        }
        return {"Type": "Not", "Condition": plain} if leaf.opposite else plain
    source = evaluation_step(around.steps, name, term.metric)
    evaluation = around.steps[source or ""]
    metric = term.metric or (evaluation.metrics[0] if isinstance(evaluation, EvaluationStep) else "")
    lower = isinstance(evaluation, EvaluationStep) and metric in evaluation.lower_is_better
    better: gates.Operator = "<" if lower else ">"
    return {
        "Type": _COMPARISONS[_INVERTED[better] if leaf.opposite else better],
        "LeftValue": _metric(around, name, metric),
        "RightValue": _json_get(f"{name}-{PRODUCTION}", PRODUCTION, metric),
    }


def _metric(around: Surroundings, name: str, metric: str) -> Document:
    return _json_get(evaluation_step(around.steps, name, metric) or "", EVALUATION, metric)


def _json_get(step: str, file: str, metric: str) -> Document:
    return {
        "Std:JsonGet": {
            "PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{file}"},
            "Path": f"metrics.{metric}.value",
        }
    }


def _step(around: Surroundings, name: str, step: AnyStep) -> Document:
    waits = _optional("DependsOn", _depends_on(around, name))
    if isinstance(step, RegisterStep):
        return {
            "Name": name,
            "Type": "RegisterModel",
            **waits,
            "RetryPolicies": _service_retries(2),
            "Arguments": _register(around, name, step),
        }
    type_, arguments = _job(around, name, step)
    body: Document = {"Name": name, "Type": type_, **waits, "Arguments": arguments}
    if step.retries:
        body["RetryPolicies"] = [*_service_retries(step.retries), *_job_retries(step.retries)]
    if step.cache is not None:
        body["CacheConfig"] = {"Enabled": True, "ExpireAfter": _iso(step.cache)}
    if isinstance(step, EvaluationStep):
        body["PropertyFiles"] = [_property_file(EVALUATION)]
    return body


def _job(around: Surroundings, name: str, step: Job) -> tuple[str, Document]:
    match step:
        case TrainingStep():
            return "Training", _training(around, name, step)
        case TuningStep():
            return "Tuning", _tuning(around, name, step)
        case ProcessingStep():
            outputs = {output: around.run_uri(name, output) for output in step.outputs}
            return "Processing", _processing(around, name, step, outputs)
        case EvaluationStep():
            return "Processing", _processing(around, name, step, {EVALUATION: around.run_uri(name, EVALUATION)})
        case BiasStep():
            return "Processing", _bias(around, name, step)
    raise TypeError(f"no SageMaker step for {type(step).__name__}")


def _processing(around: Surroundings, name: str, step: ScriptJob, outputs: Mapping[str, Document]) -> Document:
    code = around.code.get(name)
    inputs = list(_processing_inputs(around, name, step))
    environment: Document = dict(step.environment)
    store = step.feature_store if isinstance(step, ProcessingStep) else None
    if store is not None:
        environment["FEATURE_GROUP_NAME"] = around.feature_groups[store]
    if isinstance(step, EvaluationStep):
        environment |= around.tracking
    application: Document = {"ImageUri": around.images[name]}
    if code is not None:
        inputs.append(_processing_input("code", code.uri))
        application["ContainerEntrypoint"] = ["python3", f"{_INPUTS}/code/{code.entry}"]
    isolated = around.isolation and store is None and not (isinstance(step, EvaluationStep) and around.tracking)
    return _processing_job(around, step, application, inputs, outputs, environment, isolated=isolated)


def _processing_job(
    around: Surroundings,
    job: Job,
    application: Document,
    inputs: Sequence[Value],
    outputs: Mapping[str, Value],
    environment: Document,
    *,
    isolated: bool,
) -> Document:
    key = around.artifacts.key_arn
    return {
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": job.instance_type,
                "InstanceCount": job.instances,
                "VolumeSizeInGB": job.volume.gibibytes,
                **({} if has_local_disks(job.instance_type) else {"VolumeKmsKeyId": key}),
            }
        },
        "AppSpecification": application,
        "RoleArn": around.role_arn,
        "ProcessingInputs": list(inputs),
        "ProcessingOutputConfig": {
            "KmsKeyId": key,
            "Outputs": [
                {
                    "OutputName": output,
                    "S3Output": {"S3Uri": uri, "LocalPath": f"{_OUTPUTS}/{output}", "S3UploadMode": "EndOfJob"},
                }
                for output, uri in outputs.items()
            ],
        },
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": isolated,
            "VpcConfig": _vpc(around),
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime.seconds},
        **_optional("Environment", environment),
        "Tags": _tags(around),
    }


def _processing_inputs(around: Surroundings, name: str, step: ScriptJob) -> Iterator[Document]:
    for bucket in step.inputs:
        yield _processing_input(bucket, around.buckets[bucket].uri(step.input_prefixes.get(bucket, "")))
    for input_name, source, output in data_inputs(around.steps, name):
        yield _processing_input(input_name, _output_uri(source, output))
    trained = model_step(around.steps, name)
    if trained is not None:
        yield _processing_input("model", _model_uri(around, trained))


def _processing_input(name: str, uri: Value) -> Document:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_INPUTS}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def _output_uri(step: str, output: str) -> Document:
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"}


def _model_uri(around: Surroundings, step: str) -> Document:
    """Address of the model that a step trained; a tuning step's best job writes below the step's own folder."""
    if isinstance(around.steps[step], TrainingStep):
        return {"Get": f"Steps.{step}.ModelArtifacts.S3ModelArtifacts"}
    return {
        "Std:Join": {
            "On": "/",
            "Values": [
                join("s3://", around.artifacts.name, f"/pipelines/{around.pipeline}/runs"),
                {"Get": "Execution.PipelineExecutionId"},
                step,
                {"Get": f"Steps.{step}.TrainingJobSummaries[0].TrainingJobName"},
                "output/model.tar.gz",
            ],
        }
    }


def _training(around: Surroundings, name: str, step: TrainingStep) -> Document:
    resources = _resources(around, step)
    if step.keep_warm is not None:
        resources["KeepAlivePeriodInSeconds"] = step.keep_warm.seconds
    return {
        **_training_job(around, name, step),
        "ResourceConfig": resources,
        "HyperParameters": {**_hyperparameters(step), **_toolkit_settings(around, name, step)},
        **_optional("Environment", {**step.environment, **around.tracking}),
        "Tags": _tags(around),
    }


def _training_job(around: Surroundings, name: str, step: TrainingStep | TuningStep) -> Document:
    """What a training job and a tuning job's training jobs have in common."""
    spot = step.spot and around.spot
    stopping: Document = {"MaxRuntimeInSeconds": step.max_runtime.seconds}
    job: Document = {
        "AlgorithmSpecification": {
            "TrainingImage": around.images[name],
            "TrainingInputMode": "File",
            **_optional(
                "MetricDefinitions",
                [{"Name": metric, "Regex": pattern} for metric, pattern in step.metrics.items()],
            ),
        },
        "RoleArn": around.role_arn,
        "InputDataConfig": list(_channels(around, name, step)),
        "OutputDataConfig": {"S3OutputPath": around.run_uri(name), "KmsKeyId": around.artifacts.key_arn},
        "VpcConfig": _vpc(around),
        "EnableNetworkIsolation": around.isolation and not around.tracking,
        "EnableInterContainerTrafficEncryption": True,
        "StoppingCondition": stopping,
    }
    if spot:
        stopping["MaxWaitTimeInSeconds"] = longest_wait(step).seconds
        job["EnableManagedSpotTraining"] = True
        job["CheckpointConfig"] = {"S3Uri": around.run_uri(name, "checkpoints"), "LocalPath": "/opt/ml/checkpoints"}
    return job


def longest_wait(step: TrainingStep | TuningStep) -> Duration:
    """How long a spot job may wait and run."""
    return step.max_wait or Duration(2 * step.max_runtime.seconds)


def _resources(around: Surroundings, step: Job) -> Document:
    return {
        "InstanceType": step.instance_type,
        "InstanceCount": step.instances,
        "VolumeSizeInGB": step.volume.gibibytes,
        **({} if has_local_disks(step.instance_type) else {"VolumeKmsKeyId": around.artifacts.key_arn}),
    }


def has_local_disks(instance_type: str) -> bool:
    """Whether the instance keeps data on NVMe disks that the hardware encrypts, for which no key can be given.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    family = instance_type.split(".")[1]
    return family.startswith(("g4dn", "g5", "g6", "g7", "p4", "p5", "p6", "trn1", "trn2", "i3")) or (
        family[0] in "cmr" and family.rstrip("n").endswith("d")
    )


def _channels(around: Surroundings, name: str, step: ScriptJob) -> Iterator[Document]:
    for bucket in step.inputs:
        yield _channel(bucket, around.buckets[bucket].uri(step.input_prefixes.get(bucket, "")))
    for input_name, source, output in data_inputs(around.steps, name):
        yield _channel(input_name, _output_uri(source, output))
    trained = model_step(around.steps, name)
    if trained is not None:
        yield _channel("model", _model_uri(around, trained))
    if name in around.code:
        yield _channel("code", around.code[name].uri)


def _channel(name: str, uri: Value) -> Document:
    source: Document = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "CompressionType": "None", "DataSource": {"S3DataSource": source}}


def _hyperparameters(step: TrainingStep | TuningStep) -> Document:
    return {name: json.dumps(value) for name, value in step.hyperparameters.items()}


def _toolkit_settings(around: Surroundings, name: str, step: TrainingStep | TuningStep) -> Document:
    """What tells the training toolkit in the image which program to run, and how.

    The code arrives as a channel, which also works without network.
    Source: https://github.com/aws/sagemaker-training-toolkit
    """
    settings: Document = {}
    if name in around.code:
        settings["sagemaker_program"] = json.dumps(around.code[name].entry)
        settings["sagemaker_submit_directory"] = json.dumps(f"{_CHANNELS}/code")
    if step.distribution == "torchrun":
        settings["sagemaker_torch_distributed_enabled"] = "true"
        settings["sagemaker_instance_type"] = json.dumps(step.instance_type)
    if step.distribution == "mpi":
        settings["sagemaker_mpi_enabled"] = "true"
        settings["sagemaker_mpi_num_of_processes_per_host"] = str(step.processes_per_instance)
        settings["sagemaker_mpi_custom_mpi_options"] = json.dumps("")
    return settings


def _tuning(around: Surroundings, name: str, step: TuningStep) -> Document:
    goal = {"Type": step.objective.goal.capitalize(), "MetricName": step.objective.metric}
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": step.strategy.capitalize(),
            "HyperParameterTuningJobObjective": goal,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": step.jobs, "MaxParallelTrainingJobs": step.parallel},
            "ParameterRanges": _ranges(step.ranges),
            "TrainingJobEarlyStoppingType": "Auto" if _stops_early(step) else "Off",
        },
        "TrainingJobDefinition": {
            **_training_job(around, name, step),
            "ResourceConfig": _resources(around, step),
            "StaticHyperParameters": {**_hyperparameters(step), **_toolkit_settings(around, name, step)},
            **_optional("Environment", {**step.environment, **around.tracking}),
        },
        "Tags": _tags(around),
    }


def _stops_early(step: TuningStep) -> bool:
    """Hyperband stops jobs by itself and takes no early stopping besides."""
    return step.early_stopping and step.strategy != "hyperband"


def _ranges(ranges: Mapping[str, Range]) -> Document:
    found: dict[str, list[Value]] = {
        "CategoricalParameterRanges": [],
        "ContinuousParameterRanges": [],
        "IntegerParameterRanges": [],
    }
    for name, item in ranges.items():
        if item.values:
            choices: list[Value] = [json.dumps(value) for value in item.values]
            found["CategoricalParameterRanges"].append({"Name": name, "Values": choices})
            continue
        kind = "IntegerParameterRanges" if item.type == "integer" else "ContinuousParameterRanges"
        found[kind].append(
            {
                "Name": name,
                "MinValue": _number(item.min, item),
                "MaxValue": _number(item.max, item),
                "ScalingType": _SCALES[item.scale],
            }
        )
    return dict(found)


def _number(value: float | None, item: Range) -> str:
    return str(int(value or 0)) if item.type == "integer" else repr(float(value or 0))


def _bias(around: Surroundings, name: str, step: BiasStep) -> Document:
    source = next(found for found in data_inputs(around.steps, name) if found[0] == step.dataset)
    inputs = [
        _processing_input("dataset", _output_uri(source[1], source[2])),
        _processing_input("analysis_config", around.code[name].uri),
    ]
    application: Document = {"ImageUri": around.images[name]}
    outputs = {"analysis_result": around.run_uri(name, "analysis_result")}
    return _processing_job(
        around, step, application, inputs, outputs, dict(step.environment), isolated=around.isolation
    )


def analysis_config(step: BiasStep) -> Document:
    """The configuration file of a Clarify bias analysis.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-analysis.html
    """
    methods: Document = {
        "report": {"name": "report", "title": "Bias"},
        "pre_training_bias": {"methods": "all"},
    }
    config: Document = {
        "version": "1.0",
        "dataset_type": "text/csv",
        "label": step.label,
        "label_values_or_threshold": list(step.positive),
        "facet": [{"name_or_index": facet} for facet in step.facets],
        "methods": methods,
    }
    if step.predicted_label is not None:
        config["predicted_label"] = step.predicted_label
        methods["post_training_bias"] = {"methods": "all"}
    return config


def _register(around: Surroundings, name: str, step: RegisterStep) -> Document:
    registration = around.registrations[name]
    container: Document = {
        "Image": registration.image,
        "ModelDataUrl": _model_uri(around, model_step(around.steps, name) or ""),
        **_optional("Environment", dict(step.environment)),
    }
    types: list[Value] = list(step.instance_types)
    return {
        "ModelPackageGroupName": registration.group_name,
        "ModelApprovalStatus": registration.approval_status,
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": list(step.content_types),
            "SupportedResponseMIMETypes": list(step.response_types),
            "SupportedRealtimeInferenceInstanceTypes": types,
            "SupportedTransformInstanceTypes": types,
        },
        **_optional("ModelMetrics", _model_metrics(around, name)),
    }


def _model_metrics(around: Surroundings, name: str) -> Document:
    metrics: Document = {}
    evaluation = evaluation_step(around.steps, name)
    if evaluation is not None:
        metrics["ModelQuality"] = {"Statistics": _report(evaluation, EVALUATION, "evaluation.json")}
    reports = [step for step in ancestors(around.steps, name) if isinstance(around.steps[step], BiasStep)]
    if reports:
        metrics["Bias"] = {"Report": _report(reports[-1], "analysis_result", "analysis.json")}
    return metrics


def _report(step: str, output: str, file: str) -> Document:
    return {
        "ContentType": "application/json",
        "S3Uri": {"Std:Join": {"On": "/", "Values": [_output_uri(step, output), file]}},
    }


def _production_step(around: Surroundings, name: str, production: Production, waits: Sequence[str]) -> Document:
    """Fetches the report of the version in production; it calls the SageMaker API, so it is not isolated."""
    job = Job(instance_type="ml.t3.medium", volume=Job().volume, max_runtime=Duration(900))
    application: Document = {
        "ImageUri": production.image,
        "ContainerEntrypoint": ["python3", f"{_INPUTS}/code/{production.code.entry}"],
    }
    arguments = _processing_job(
        around,
        job,
        application,
        [_processing_input("code", production.code.uri)],
        {PRODUCTION: around.run_uri(name, PRODUCTION)},
        {"PRODUCTION_MODEL_PACKAGE": production.package_arn},
        isolated=False,
    )
    return {
        "Name": f"{name}-{PRODUCTION}",
        "Type": "Processing",
        **_optional("DependsOn", list[Value](waits)),
        "Arguments": arguments,
        "RetryPolicies": [*_service_retries(2), *_job_retries(2)],
        "PropertyFiles": [_property_file(PRODUCTION)],
    }


def _baseline_step(around: Surroundings, baseline: BaselineSpec) -> Document:
    """Computes the statistics and constraints that data-quality monitors compare with.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constants.html
    """
    step = around.steps[baseline.step]
    output = baseline.output or (step.outputs[0] if isinstance(step, ProcessingStep) else "")
    uri = around.artifacts.uri(f"{around.baseline_prefix}data_quality")
    arguments = _processing_job(
        around,
        Job(instance_type=baseline.instance_type, max_runtime=Duration(3600)),
        {"ImageUri": around.baseline_image},
        [_processing_input("baseline_dataset_input", _output_uri(baseline.step, output))],
        {"monitoring_output": uri},
        {
            "dataset_format": json.dumps({"csv": {"header": True}}),
            "dataset_source": f"{_INPUTS}/baseline_dataset_input",
            "output_path": f"{_OUTPUTS}/monitoring_output",
            "publish_cloudwatch_metrics": "Disabled",
        },
        isolated=around.isolation,
    )
    return {
        "Name": BASELINE_STEP,
        "Type": "Processing",
        "DependsOn": [baseline.step],
        "Arguments": arguments,
        "RetryPolicies": [*_service_retries(2), *_job_retries(2)],
    }


def _property_file(name: str) -> Document:
    return {"PropertyFileName": name, "OutputName": name, "FilePath": f"{name}.json"}


def _vpc(around: Surroundings) -> Document:
    return {"SecurityGroupIds": list(around.security_groups), "Subnets": list(around.subnets)}


def _tags(around: Surroundings) -> list[Value]:
    return [{"Key": key, "Value": value} for key, value in around.tags.items()]


def _service_retries(attempts: int) -> list[Value]:
    return [_retry(["Step.SERVICE_FAULT", "Step.THROTTLING"], 10, attempts)]


def _job_retries(attempts: int) -> list[Value]:
    return [_retry(["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"], 300, attempts)]


def _retry(kinds: list[Value], interval: int, attempts: int) -> Document:
    return {"ExceptionType": kinds, "IntervalSeconds": interval, "BackoffRate": 2.0, "MaxAttempts": attempts}


def _iso(duration: Duration) -> str:
    """The duration as ISO 8601, in days where it is whole days, else in seconds."""
    days, seconds = divmod(duration.seconds, 86400)
    return f"P{days}D" if not seconds else f"PT{duration.seconds}S"


def _optional(key: str, value: Document | list[Value]) -> Document:
    return {key: value} if value else {}
