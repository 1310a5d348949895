"""What a monitor's jobs compute: SageMaker's job definition for each kind of monitor.

Model-quality and bias definitions exist only in the Cloud Control provider (pulumi-aws-native).
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.data.buckets import BucketOutputs
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.components.models.image_uris import image_uri
from mlops_iac.components.models.pipelines import PipelineOutputs
from mlops_iac.components.sagemaker_access import security_groups, subnets
from mlops_iac.components.serving.endpoints import EndpointOutputs
from mlops_iac.graph.evaluate import compact_json
from mlops_iac.graph.naming import content_hash
from mlops_iac.graph.values import Value, join

if TYPE_CHECKING:
    from mlops_iac.components.operations.monitors import LabelsSpec, MonitorSpec

_LOCAL = "/opt/ml/processing"


def image_of(spec: MonitorSpec, region: str) -> str:
    """Address of the image that the jobs run; raises ``NoImageError``."""
    return image_uri("clarify" if spec.kind == "bias" else "model-monitor", region)


def add_definition(
    name: str,
    spec: MonitorSpec,
    endpoint: EndpointOutputs,
    bucket: BucketOutputs,
    labels: LabelsSpec | None,
    role: Handle,
    ctx: BuildContext,
) -> Value:
    """The job definition's name; it is replaced on every change, so its name follows its content."""
    ready = (*ctx.role_ready(role),)
    common = _common(spec, bucket, role, ctx)
    region = ctx.core.cloud.region
    if spec.kind == "data_quality":
        definition = ctx.add(
            "definition",
            "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
            {
                "name": _definition_name(name, spec, ctx),
                "dataQualityAppSpecification": {
                    "imageUri": image_of(spec, region),
                    "environment": {"publish_cloudwatch_metrics": "Enabled"},
                },
                "dataQualityBaselineConfig": _baseline(spec, ctx),
                "dataQualityJobInput": {"endpointInput": _endpoint_input(endpoint)},
                "dataQualityJobOutputConfig": {
                    "kmsKeyId": bucket.key_arn,
                    "monitoringOutputs": {"s3Output": _s3_output(name, bucket)},
                },
                **common,
            },
            depends_on=ready,
        )
        return definition["name"]
    cloud = ctx.core.cloud
    provider = ctx.provider(
        "pulumi:providers:aws-native",
        "aws-native",
        {**cloud.provider_inputs(), "assumeRole": cloud.role_to_assume()},
        path=("cloud",),
    )
    prefix = "modelQuality" if spec.kind == "model_quality" else "modelBias"
    definition = ctx.add(
        "definition",
        f"aws-native:sagemaker:{prefix[0].upper()}{prefix[1:]}JobDefinition",
        {
            "jobDefinitionName": _definition_name(name, spec, ctx),
            f"{prefix}AppSpecification": _application(name, spec, bucket, ctx),
            f"{prefix}JobInput": {
                "endpointInput": {
                    **_endpoint_input(endpoint),
                    "probabilityAttribute": spec.probability_attribute,
                    "probabilityThresholdAttribute": spec.probability_threshold,
                },
                "groundTruthS3Input": {"s3Uri": _labels_uri(labels, ctx)},
            },
            f"{prefix}JobOutputConfig": {
                "kmsKeyId": bucket.key_arn,
                "monitoringOutputs": [{"s3Output": _s3_output(name, bucket)}],
            },
            "tags": [{"key": key, "value": value} for key, value in ctx.tags().items()],
            **common,
        },
        provider=provider,
        depends_on=ready,
    )
    return definition["jobDefinitionName"]


def _definition_name(name: str, spec: MonitorSpec, ctx: BuildContext) -> str:
    return ctx.namer.cloud(name, content_hash(repr(spec)))


def _common(spec: MonitorSpec, bucket: BucketOutputs, role: Handle, ctx: BuildContext) -> dict[str, Value]:
    network = ctx.get("network", "network", NetworkOutputs)
    return {
        "roleArn": role["arn"],
        "jobResources": {
            "clusterConfig": {
                "instanceCount": 1,
                "instanceType": spec.instance_type,
                "volumeSizeInGb": 30,
                "volumeKmsKeyId": bucket.key_arn,
            }
        },
        "stoppingCondition": {"maxRuntimeInSeconds": spec.max_runtime.seconds},
        "networkConfig": {
            "enableInterContainerTrafficEncryption": True,
            "enableNetworkIsolation": True,
            "vpcConfig": {
                "securityGroupIds": security_groups(network),
                "subnets": subnets(network),
            },
        },
    }


def _endpoint_input(endpoint: EndpointOutputs) -> dict[str, Value]:
    return {
        "endpointName": endpoint.name,
        "localPath": f"{_LOCAL}/input/endpoint",
        "s3DataDistributionType": "FullyReplicated",
        "s3InputMode": "File",
    }


def _s3_output(name: str, bucket: BucketOutputs) -> dict[str, Value]:
    return {
        "localPath": f"{_LOCAL}/output",
        "s3UploadMode": "EndOfJob",
        "s3Uri": bucket.uri(f"monitoring/{name}/"),
    }


def _baseline(spec: MonitorSpec, ctx: BuildContext) -> Value:
    if spec.baseline is None:
        return None
    pipeline = ctx.get("pipelines", spec.baseline, PipelineOutputs)
    return {
        "constraintsResource": {"s3Uri": pipeline.constraints(spec.kind)},
        "statisticsResource": {"s3Uri": pipeline.statistics(spec.kind)},
    }


def _application(name: str, spec: MonitorSpec, bucket: BucketOutputs, ctx: BuildContext) -> dict[str, Value]:
    environment: Value = {"publish_cloudwatch_metrics": "Enabled"}
    region = ctx.core.cloud.region
    if spec.kind == "model_quality":
        problems = {
            "binary": "BinaryClassification",
            "multiclass": "MulticlassClassification",
            "regression": "Regression",
        }
        return {
            "imageUri": image_of(spec, region),
            "problemType": problems[spec.problem],
            "environment": environment,
        }
    analysis = compact_json(analysis_config(spec))
    config = ctx.add(
        "analysis",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        {
            "bucket": bucket.name,
            "key": f"monitoring/{name}/config/analysis-{content_hash(analysis)}.json",
            "content": analysis,
            "contentType": "application/json",
            "serverSideEncryption": "aws:kms",
            "kmsKeyId": bucket.key_arn,
        },
        depends_on=bucket.ready,
    )
    return {
        "imageUri": image_of(spec, region),
        "configUri": join("s3://", config["bucket"], "/", config["key"]),
        "environment": environment,
    }


def analysis_config(spec: MonitorSpec) -> dict[str, object]:
    """SageMaker Clarify's analysis configuration for a bias monitor.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-configure-analysis.html
    """
    return {
        "label_values_or_threshold": [spec.positive_label],
        "facet": [{"name_or_index": spec.facet}],
        "methods": {"post_training_bias": {"methods": ["DPPL", "DI", "DCA", "DCR"]}},
    }


def _labels_uri(labels: LabelsSpec | None, ctx: BuildContext) -> Value:
    if labels is None:
        return None
    return ctx.get("buckets", labels.bucket, BucketOutputs).uri(labels.prefix)
