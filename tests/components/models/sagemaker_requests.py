"""Checks the arguments of pipeline steps against the API model that boto3 ships."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

REQUESTS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "Tuning": ("CreateHyperParameterTuningJob", {"HyperParameterTuningJobName": "job"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
FUNCTIONS = {"Get", "Std:Join", "Std:JsonGet"}


@cache
def api():
    """The SageMaker API model."""
    return botocore.session.get_session().get_service_model("sagemaker")


def every_step(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All steps, those inside conditions included."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from every_step(step["Arguments"]["IfSteps"])
            yield from every_step(step["Arguments"]["ElseSteps"])


def resolved(value: Any) -> Any:
    """Arguments with an address in place of every function of the pipeline language and every reference."""
    if isinstance(value, dict):
        return (
            "s3://bucket/key"
            if len(value) == 1 and set(value) <= FUNCTIONS
            else {k: resolved(v) for k, v in value.items()}
        )
    return [resolved(item) for item in value] if isinstance(value, list) else value


def problems(step: dict[str, Any]) -> list[str]:
    """What the API would refuse about a step's arguments."""
    if step["Type"] not in REQUESTS:
        return []
    operation, name = REQUESTS[step["Type"]]
    shape = api().operation_model(operation).input_shape
    arguments = {**resolved(step["Arguments"]), **name}
    for holder in (arguments, arguments.get("TrainingJobDefinition", {})):
        if "RoleArn" in holder:
            holder["RoleArn"] = "arn:aws:iam::111122223333:role/pipeline"
    report = ParamValidator().validate(arguments, shape)
    found = [report.generate_report()] if report.has_errors() else []
    return found + list(_patterns(shape, arguments, step["Name"]))


def _patterns(shape, value, path: str) -> Iterator[str]:
    """botocore checks types, ranges and required members; texts also have to be of the model's form."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, item in value.items():
            if key in shape.members:
                yield from _patterns(shape.members[key], item, f"{path}.{key}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from _patterns(shape.member, item, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _patterns(shape.key, key, f"{path}.{key}")
            yield from _patterns(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "string" and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is not one of {shape.enum[:5]}..."
        pattern = shape.metadata.get("pattern", "").replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace(r"\p{L}\p{N}", r"\w")
        stands_for_reference = "." in value and re.fullmatch(r"[a-z0-9-]+[.:][\w.:/-]+", value)
        if pattern and not stands_for_reference and re.fullmatch(pattern, value, re.S) is None:
            yield f"{path}: {value!r} does not match {pattern}"
