"""Builds the steps of a pipeline definition anew with the SageMaker SDK's own classes, and prints what those make.

Runs in an environment that has sagemaker 3; reads a definition from standard input and writes a list of steps. What the
SDK is not asked to build (training, tuning and registration) is passed on as it is.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys

logging.disable(logging.WARNING)
os.environ |= {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}

import boto3  # noqa: E402
from sagemaker.core.network import NetworkConfig  # noqa: E402
from sagemaker.core.processing import Processor  # noqa: E402
from sagemaker.core.shapes import (  # noqa: E402
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow import conditions  # noqa: E402
from sagemaker.core.workflow.entities import Entity  # noqa: E402
from sagemaker.core.workflow.execution_variables import ExecutionVariable  # noqa: E402
from sagemaker.core.workflow.functions import Join, JsonGet  # noqa: E402
from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: E402
from sagemaker.core.workflow.properties import Properties, PropertyFile  # noqa: E402
from sagemaker.mlops.workflow.condition_step import ConditionStep  # noqa: E402
from sagemaker.mlops.workflow.fail_step import FailStep  # noqa: E402
from sagemaker.mlops.workflow.retry import (  # noqa: E402
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep  # noqa: E402

SESSION = PipelineSession(
    boto_session=boto3.Session(region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none"),
    default_bucket="artifacts",
)
ROLE = "arn:aws:iam::111122223333:role/stands-for-the-reference"
COMPARISONS = {
    "Equals": conditions.ConditionEquals,
    "GreaterThan": conditions.ConditionGreaterThan,
    "GreaterThanOrEqualTo": conditions.ConditionGreaterThanOrEqualTo,
    "LessThan": conditions.ConditionLessThan,
    "LessThanOrEqualTo": conditions.ConditionLessThanOrEqualTo,
}


class AsWritten(Entity):
    """A step that the SDK is not asked to build."""

    def __init__(self, step):
        self.step = step

    def to_request(self):
        return self.step


def variable(value):
    """The SDK's object for a function of the pipeline language; other values stay."""
    if not isinstance(value, dict):
        return value
    if "Get" in value:
        head, step, path = re.fullmatch(r"(Execution|Steps)\.([^.]+)(?:\.(.+))?", value["Get"]).groups()
        return ExecutionVariable(step) if head == "Execution" else Properties(step_name=step, path=path)
    if "Std:Join" in value:
        join = value["Std:Join"]
        return Join(on=join["On"], values=[variable(item) for item in join["Values"]])
    get = value["Std:JsonGet"]
    step, file = re.fullmatch(r"Steps\.([^.]+)\.PropertyFiles\.(.+)", get["PropertyFile"]["Get"]).groups()
    return JsonGet(step_name=step, property_file=file, json_path=get["Path"])


def condition(item):
    if item["Type"] == "Or":
        return conditions.ConditionOr([condition(each) for each in item["Conditions"]])
    if item["Type"] == "Not":
        return conditions.ConditionNot(condition(item["Condition"]))
    return COMPARISONS[item["Type"]](left=variable(item["LeftValue"]), right=variable(item["RightValue"]))


def retry(item):
    kinds = item["ExceptionType"]
    values = {
        "interval_seconds": item["IntervalSeconds"],
        "backoff_rate": item["BackoffRate"],
        "max_attempts": item["MaxAttempts"],
    }
    if kinds[0].startswith("Step."):
        return StepRetryPolicy(exception_types=members(StepExceptionTypeEnum, kinds), **values)
    return SageMakerJobStepRetryPolicy(exception_types=members(SageMakerJobExceptionTypeEnum, kinds), **values)


def members(enum, values):
    """By value; calling these enums with a value gives their default."""
    return [member for value in values for member in enum if member.value == value]


def processing(step):
    arguments = step["Arguments"]
    cluster = arguments["ProcessingResources"]["ClusterConfig"]
    network = arguments["NetworkConfig"]
    processor = Processor(
        role=ROLE,
        image_uri=arguments["AppSpecification"]["ImageUri"],
        entrypoint=arguments["AppSpecification"].get("ContainerEntrypoint"),
        instance_count=cluster["InstanceCount"],
        instance_type=cluster["InstanceType"],
        volume_size_in_gb=cluster["VolumeSizeInGB"],
        volume_kms_key=cluster.get("VolumeKmsKeyId"),
        output_kms_key=arguments["ProcessingOutputConfig"]["KmsKeyId"],
        max_runtime_in_seconds=arguments["StoppingCondition"]["MaxRuntimeInSeconds"],
        env=arguments.get("Environment"),
        tags=arguments["Tags"],
        network_config=NetworkConfig(
            enable_network_isolation=network["EnableNetworkIsolation"],
            encrypt_inter_container_traffic=network["EnableInterContainerTrafficEncryption"],
            security_group_ids=network["VpcConfig"]["SecurityGroupIds"],
            subnets=network["VpcConfig"]["Subnets"],
        ),
        sagemaker_session=SESSION,
    )
    cache = step.get("CacheConfig")
    return ProcessingStep(
        name=step["Name"],
        step_args=processor.run(
            inputs=[processing_input(item) for item in arguments["ProcessingInputs"]],
            outputs=[processing_output(item) for item in arguments["ProcessingOutputConfig"]["Outputs"]],
        ),
        depends_on=step.get("DependsOn"),
        retry_policies=[retry(item) for item in step.get("RetryPolicies", [])],
        cache_config=CacheConfig(enable_caching=cache["Enabled"], expire_after=cache["ExpireAfter"]) if cache else None,
        property_files=[
            PropertyFile(name=item["PropertyFileName"], output_name=item["OutputName"], path=item["FilePath"])
            for item in step.get("PropertyFiles", [])
        ],
    )


def processing_input(item):
    source = item["S3Input"]
    return ProcessingInput(
        input_name=item["InputName"],
        s3_input=ProcessingS3Input(
            s3_uri=variable(source["S3Uri"]),
            local_path=source["LocalPath"],
            s3_data_type=source["S3DataType"],
            s3_input_mode=source["S3InputMode"],
        ),
    )


def processing_output(item):
    target = item["S3Output"]
    return ProcessingOutput(
        output_name=item["OutputName"],
        s3_output=ProcessingS3Output(
            s3_uri=variable(target["S3Uri"]), local_path=target["LocalPath"], s3_upload_mode=target["S3UploadMode"]
        ),
    )


def rebuilt(step):
    if step["Type"] == "Processing":
        return processing(step)
    if step["Type"] == "Fail":
        return FailStep(name=step["Name"], error_message=step["Arguments"]["ErrorMessage"])
    if step["Type"] == "Condition":
        arguments = step["Arguments"]
        return ConditionStep(
            name=step["Name"],
            depends_on=step.get("DependsOn"),
            conditions=[condition(item) for item in arguments["Conditions"]],
            if_steps=[rebuilt(item) for item in arguments["IfSteps"]],
            else_steps=[rebuilt(item) for item in arguments["ElseSteps"]],
        )
    return AsWritten(step)


def written(value):
    """What the SDK writes: its pipeline variables as their expressions."""
    if hasattr(value, "expr"):
        return written(value.expr)
    if isinstance(value, dict):
        return {key: written(item) for key, item in value.items()}
    return [written(item) for item in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    text = json.dumps(written([rebuilt(step).to_request() for step in json.load(sys.stdin)["Steps"]]))
    print(text.replace(ROLE, "p.role.arn"))
