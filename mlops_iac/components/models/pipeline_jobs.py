"""The requests that start the jobs of a pipeline's steps, with references as values.

Source: the Create*Job requests of the SageMaker API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    EvaluationStep,
    Job,
    ProcessingStep,
    Range,
    ScriptJob,
    TrainingStep,
    TuningStep,
    data_inputs,
    model_step,
)
from mlops_iac.graph.values import Value, join
from mlops_iac.spec.quantities import Duration

EVALUATION = "evaluation"
"""Name of an evaluation's output, property file and report."""
PRODUCTION = "production"
"""The same for the report of the version that production runs."""
INPUTS = "/opt/ml/processing/input"
"""Where a processing job finds its inputs, each in a folder."""
OUTPUTS = "/opt/ml/processing/output"
"""Where it leaves its outputs."""
_CHANNELS = "/opt/ml/input/data"
_SCALES = {
    "auto": "Auto",
    "linear": "Linear",
    "logarithmic": "Logarithmic",
    "reverse_logarithmic": "ReverseLogarithmic",
}

Document = dict[str, Value]
"""A JSON object with references in it."""


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


def job_request(around: Surroundings, name: str, step: Job) -> tuple[str, Document]:
    """The type of a step and the request that starts its job; raises ``TypeError`` for a step without one."""
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
    inputs = [processing_input(*each) for each in _data(around, name, step)]
    environment: Document = dict(step.environment)
    store = step.feature_store if isinstance(step, ProcessingStep) else None
    if store is not None:
        environment["FEATURE_GROUP_NAME"] = around.feature_groups[store]
    if isinstance(step, EvaluationStep):
        environment |= around.tracking
    application: Document = {"ImageUri": around.images[name]}
    if code is not None:
        inputs.append(processing_input("code", code.uri))
        application["ContainerEntrypoint"] = ["python3", f"{INPUTS}/code/{code.entry}"]
    isolated = around.isolation and store is None and not (isinstance(step, EvaluationStep) and around.tracking)
    return processing_request(around, step, application, inputs, outputs, environment, isolated=isolated)


def processing_request(
    around: Surroundings,
    job: Job,
    application: Document,
    inputs: Sequence[Value],
    outputs: Mapping[str, Value],
    environment: Document,
    *,
    isolated: bool,
) -> Document:
    """A processing job with the system's key, network and tags."""
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
                    "S3Output": {"S3Uri": uri, "LocalPath": f"{OUTPUTS}/{output}", "S3UploadMode": "EndOfJob"},
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
        **optional("Environment", environment),
        "Tags": _tags(around),
    }


def _data(around: Surroundings, name: str, step: ScriptJob) -> Iterator[tuple[str, Value]]:
    """Name and address of what a step reads: buckets, outputs of earlier steps, and the model that one trained."""
    for bucket in step.inputs:
        yield bucket, around.buckets[bucket].uri(step.input_prefixes.get(bucket, ""))
    for input_name, source, output in data_inputs(around.steps, name):
        yield input_name, output_uri(source, output)
    trained = model_step(around.steps, name)
    if trained is not None:
        yield "model", model_uri(around, trained)


def processing_input(name: str, uri: Value) -> Document:
    """A folder in S3 that is copied to the job before it starts."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{INPUTS}/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def output_uri(step: str, output: str) -> Document:
    """Where an earlier step's job left its output."""
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"}


def model_uri(around: Surroundings, step: str) -> Document:
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
        **optional("Environment", {**step.environment, **around.tracking}),
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
            **optional(
                "MetricDefinitions",
                [{"Name": metric, "Regex": pattern} for metric, pattern in step.metrics.items()],
            ),
        },
        "RoleArn": around.role_arn,
        "InputDataConfig": _channels(around, name, step),
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


def _channels(around: Surroundings, name: str, step: ScriptJob) -> list[Value]:
    code = [("code", around.code[name].uri)] if name in around.code else []
    return [_channel(*each) for each in (*_data(around, name, step), *code)]


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
            **optional("Environment", {**step.environment, **around.tracking}),
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
        processing_input("dataset", output_uri(source[1], source[2])),
        processing_input("analysis_config", around.code[name].uri),
    ]
    application: Document = {"ImageUri": around.images[name]}
    outputs = {"analysis_result": around.run_uri(name, "analysis_result")}
    return processing_request(
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


def _vpc(around: Surroundings) -> Document:
    return {"SecurityGroupIds": list(around.security_groups), "Subnets": list(around.subnets)}


def _tags(around: Surroundings) -> list[Value]:
    return [{"Key": key, "Value": value} for key, value in around.tags.items()]


def optional(key: str, value: Document | list[Value]) -> Document:
    """The entry, or nothing where it would be empty."""
    return {key: value} if value else {}
