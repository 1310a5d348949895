"""Reads SageMaker endpoints: their variants, containers and the resources that belong to them.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView, StackView

ENDPOINT: Final = "aws:sagemaker/endpoint:Endpoint"
ENDPOINT_CONFIG: Final = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
MODEL: Final = "aws:sagemaker/model:Model"
TRAINING_JOB: Final = "aws:sagemaker/trainingJob:TrainingJob"
SCHEDULE: Final = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
DATA_QUALITY: Final = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
MODEL_CARD: Final = "aws:sagemaker/modelCard:ModelCard"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"


def variants(config: ResourceView) -> Iterator[Inputs]:
    """Production variants that run on instances; serverless ones have none to choose or count."""
    for variant in config.inputs.each("productionVariants"):
        if not variant.has("serverlessConfig"):
            yield variant


def model_containers(model: ResourceView) -> Iterator[Inputs]:
    """Every container of a model."""
    yield from model.inputs.each("primaryContainer")
    yield from model.inputs.each("containers")


def config_of(endpoint: ResourceView, stack: StackView) -> ResourceView | None:
    """The configuration that an endpoint runs."""
    return next(iter(stack.targets_of(endpoint, "endpointConfigName", ENDPOINT_CONFIG)), None)


def endpoint_names(stack: StackView) -> Iterator[tuple[ResourceView, str]]:
    """Every endpoint with its name, where that is known."""
    for endpoint in stack.of_type(ENDPOINT):
        if endpoint.inputs.is_known("name"):
            yield endpoint, endpoint.inputs.text("name")
