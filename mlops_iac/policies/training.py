"""Finds training jobs: as resources of their own, and as steps inside the definition of a SageMaker pipeline.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html, and for the definition's form
https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView
from mlops_iac.policies.serving import TRAINING_JOB

PIPELINE: Final = "aws:sagemaker/pipeline:Pipeline"
TRAININGS: Final = (TRAINING_JOB, PIPELINE)
"""Types that train."""


def trainings(resource: ResourceView) -> tuple[Inputs, ...]:
    """The training jobs of a resource, all written with a training job's property names."""
    if resource.type != PIPELINE:
        return (resource.inputs,)
    return _steps(resource.inputs.text("pipelineDefinition"))


@lru_cache(maxsize=512)
def _steps(definition: str) -> tuple[Inputs, ...]:
    try:
        data = json.loads(definition)
    except ValueError:
        return ()
    steps = data.get("Steps", ()) if isinstance(data, Mapping) else ()
    return tuple(
        Inputs(_as_property(step.get("Arguments", {})), f"pipelineDefinition.{step.get('Name')}")
        for step in _every(steps)
        if step.get("Type") == "Training"
    )


def _every(steps: Any) -> Iterator[Mapping[str, Any]]:
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, Mapping):
            yield step
            arguments: Any = step.get("Arguments")
            for branch in ("IfSteps", "ElseSteps") if isinstance(arguments, Mapping) else ():
                yield from _every(arguments.get(branch))


def _as_property(value: Any) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in ("Get", "Std:Join"):
            return UNKNOWN
        return {key[:1].lower() + key[1:]: _as_property(item) for key, item in value.items()}
    return [_as_property(item) for item in value] if isinstance(value, list) else value
