"""The definition of a SageMaker pipeline: typed steps to the service's JSON, with references in it as values.

Source: https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/ for the outer
form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from mlops_iac.components.models.pipeline_conditions import conditions
from mlops_iac.components.models.pipeline_jobs import (
    EVALUATION,
    INPUTS,
    OUTPUTS,
    PRODUCTION,
    Document,
    Production,
    Surroundings,
    job_request,
    model_uri,
    optional,
    output_uri,
    processing_input,
    processing_request,
)
from mlops_iac.components.models.pipeline_steps import (
    AnyStep,
    BaselineSpec,
    BiasStep,
    EvaluationStep,
    Job,
    ProcessingStep,
    RegisterStep,
    Step,
    ancestors,
    evaluation_step,
    model_step,
)
from mlops_iac.graph.values import Value
from mlops_iac.spec.quantities import Duration

VERSION = "2020-12-01"
BASELINE_STEP = "data-quality-baseline"


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
        **optional("DependsOn", list[Value](waits)),
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


def _step(around: Surroundings, name: str, step: AnyStep) -> Document:
    waits = optional("DependsOn", _depends_on(around, name))
    if isinstance(step, RegisterStep):
        return {
            "Name": name,
            "Type": "RegisterModel",
            **waits,
            "RetryPolicies": _service_retries(2),
            "Arguments": _register(around, name, step),
        }
    type_, arguments = job_request(around, name, step)
    body: Document = {"Name": name, "Type": type_, **waits, "Arguments": arguments}
    if step.retries:
        body["RetryPolicies"] = [*_service_retries(step.retries), *_job_retries(step.retries)]
    if step.cache is not None:
        body["CacheConfig"] = {"Enabled": True, "ExpireAfter": _iso(step.cache)}
    if isinstance(step, EvaluationStep):
        body["PropertyFiles"] = [_property_file(EVALUATION)]
    return body


def _register(around: Surroundings, name: str, step: RegisterStep) -> Document:
    registration = around.registrations[name]
    container: Document = {
        "Image": registration.image,
        "ModelDataUrl": model_uri(around, model_step(around.steps, name) or ""),
        **optional("Environment", dict(step.environment)),
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
        **optional("ModelMetrics", _model_metrics(around, name)),
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
        "S3Uri": {"Std:Join": {"On": "/", "Values": [output_uri(step, output), file]}},
    }


def _production_step(around: Surroundings, name: str, production: Production, waits: Sequence[str]) -> Document:
    """Fetches the report of the version in production; it calls the SageMaker API, so it is not isolated."""
    job = Job(instance_type="ml.t3.medium", volume=Job().volume, max_runtime=Duration(900))
    application: Document = {
        "ImageUri": production.image,
        "ContainerEntrypoint": ["python3", f"{INPUTS}/code/{production.code.entry}"],
    }
    arguments = processing_request(
        around,
        job,
        application,
        [processing_input("code", production.code.uri)],
        {PRODUCTION: around.run_uri(name, PRODUCTION)},
        {"PRODUCTION_MODEL_PACKAGE": production.package_arn},
        isolated=False,
    )
    return {
        "Name": f"{name}-{PRODUCTION}",
        "Type": "Processing",
        **optional("DependsOn", list[Value](waits)),
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
    arguments = processing_request(
        around,
        Job(instance_type=baseline.instance_type, max_runtime=Duration(3600)),
        {"ImageUri": around.baseline_image},
        [processing_input("baseline_dataset_input", output_uri(baseline.step, output))],
        {"monitoring_output": uri},
        {
            "dataset_format": json.dumps({"csv": {"header": True}}),
            "dataset_source": f"{INPUTS}/baseline_dataset_input",
            "output_path": f"{OUTPUTS}/monitoring_output",
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
