"""SageMaker: https://docs.aws.amazon.com/sagemaker/latest/APIReference/

moto's list of endpoint instance types is older than AWS's: a type that it does not know goes to it as
``ml.m5.large``, while inputs and state keep the declared one.
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging, setting

_TAGGING = Tagging({"ResourceArn": "{o.arn}"}, "add_tags", "delete_tags")

MOTO_REFUSES: Final = (
    "ml.c6i.",
    "ml.c6g",
    "ml.c7",
    "ml.g6",
    "ml.m6",
    "ml.m7",
    "ml.p5",
    "ml.r6",
    "ml.r7",
    "ml.inf2",
    "ml.trn",
)
"""Families of endpoint instance types that AWS has and moto 5.2 refuses (moto/sagemaker/validators.py, read
2026-11; AWS's list: botocore's ``ProductionVariantInstanceType``)."""
STAND_IN: Final = "ml.m5.large"


def _known_types(context: dict[str, Any]) -> dict[str, Any]:
    found = dict(context)
    for field in ("productionVariants", "shadowProductionVariants"):
        variants = context.get(field)
        if variants is None:
            continue
        found[field] = [_with_known_type(variant) for variant in variants]
    return found


def _with_known_type(variant: dict[str, Any]) -> dict[str, Any]:
    variant = {"initialVariantWeight": 1.0, **variant}
    if str(variant.get("instanceType", "")).startswith(MOTO_REFUSES):
        return {**variant, "instanceType": STAND_IN}
    return variant


def _tags(arn: str) -> dict[str, tuple[Call, str]]:
    """The further read that tells the tags; ``arn`` is the ARN's name in the first answer."""
    return {"Tags": (Call("list_tags", {"ResourceArn": f"{{r.{arn}}}"}), "Tags")}


def _definition(type: str, noun: str, cased: str) -> Row:
    """A monitoring job definition; ``cased`` is its name in the API."""
    return Row(
        type,
        "sagemaker",
        Call(f"create_{noun}_job_definition", take=ALL),
        id="{name}",
        read=Call(f"describe_{noun}_job_definition", {"JobDefinitionName": "{name}"}),
        outputs={"arn": "{r.JobDefinitionArn}"},
        delete=(Call(f"delete_{noun}_job_definition", {"JobDefinitionName": "{name}"}),),
        tags=_TAGGING,
        names={
            "name": "JobDefinitionName",
            "jobDefinitionName": "JobDefinitionName",
            "s3Uri": "S3Uri",
            f"{cased}JobOutputConfig.monitoringOutputs.s3Output": "S3Output",
        },
        hook=lambda context: {**context, "name": context.get("name") or context.get("jobDefinitionName")},
    )


ROWS = (
    Row(
        "aws:sagemaker/featureGroup:FeatureGroup",
        "sagemaker",
        Call("create_feature_group", take=ALL),
        id="{featureGroupName}",
        read=Call("describe_feature_group", {"FeatureGroupName": "{featureGroupName}"}),
        outputs={"arn": "{r.FeatureGroupArn}"},
        groups=(
            Group(
                ("onlineStoreConfig", "throughputConfig"),
                Call("update_feature_group", {"FeatureGroupName": "{featureGroupName}"}, take=("throughputConfig",)),
            ),
        ),
        delete=(Call("delete_feature_group", {"FeatureGroupName": "{featureGroupName}"}),),
        tags=_TAGGING,
        unseen=("offlineStoreConfig",),
    ),
    Row(
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "sagemaker",
        Call("create_model_package_group", take=ALL),
        id="{modelPackageGroupName}",
        read=Call("describe_model_package_group", {"ModelPackageGroupName": "{modelPackageGroupName}"}),
        outputs={"arn": "{r.ModelPackageGroupArn}"},
        delete=(Call("delete_model_package_group", {"ModelPackageGroupName": "{modelPackageGroupName}"}),),
        more=_tags("ModelPackageGroupArn"),
        tags=_TAGGING,
    ),
    setting(
        "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
        "sagemaker",
        Call("put_model_package_group_policy", take=ALL),
        Call("get_model_package_group_policy", {"ModelPackageGroupName": "{modelPackageGroupName}"}),
        id="{modelPackageGroupName}",
        reset=(Call("delete_model_package_group_policy", {"ModelPackageGroupName": "{modelPackageGroupName}"}),),
    ),
    Row(
        "aws:sagemaker/modelCard:ModelCard",
        "sagemaker",
        Call("create_model_card", take=ALL),
        id="{modelCardName}",
        read=Call("describe_model_card", {"ModelCardName": "{modelCardName}"}),
        outputs={"arn": "{r.ModelCardArn}"},
        groups=(
            Group(
                ("content", "modelCardStatus"),
                Call("update_model_card", take=("modelCardName", "content", "modelCardStatus")),
            ),
        ),
        delete=(Call("delete_model_card", {"ModelCardName": "{modelCardName}"}),),
        tags=_TAGGING,
    ),
    Row(
        "aws:sagemaker/pipeline:Pipeline",
        "sagemaker",
        Call("create_pipeline", {"ClientRequestToken": "{mark|mlops-iac-local-engine-create-pipeline}"}, take=ALL),
        id="{pipelineName}",
        read=Call("describe_pipeline", {"PipelineName": "{pipelineName}"}),
        outputs={"arn": "{r.PipelineArn}"},
        groups=(
            Group(
                ALL,
                Call(
                    "update_pipeline",
                    take=(
                        "pipelineName",
                        "pipelineDisplayName",
                        "pipelineDescription",
                        "roleArn",
                        "pipelineDefinition",
                        "parallelismConfiguration",
                    ),
                ),
            ),
        ),
        delete=(
            Call(
                "delete_pipeline",
                {"PipelineName": "{pipelineName}", "ClientRequestToken": "mlops-iac-local-engine-delete-pipeline"},
            ),
        ),
        tags=_TAGGING,
    ),
    Row(
        "aws:sagemaker/model:Model",
        "sagemaker",
        Call("create_model", take=ALL),
        id="{name}",
        read=Call("describe_model", {"ModelName": "{name}"}),
        outputs={"arn": "{r.ModelArn}"},
        delete=(Call("delete_model", {"ModelName": "{name}"}),),
        more=_tags("ModelArn"),
        tags=_TAGGING,
        names={"name": "ModelName", "subnets": "Subnets"},
        unseen=("enableNetworkIsolation",),
    ),
    Row(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "sagemaker",
        Call("create_endpoint_config", take=ALL),
        id="{name}",
        read=Call("describe_endpoint_config", {"EndpointConfigName": "{name}"}),
        outputs={"arn": "{r.EndpointConfigArn}"},
        delete=(Call("delete_endpoint_config", {"EndpointConfigName": "{name}"}),),
        more=_tags("EndpointConfigArn"),
        tags=_TAGGING,
        names={"name": "EndpointConfigName", "kmsKeyArn": "KmsKeyId", "volumeSizeInGb": "VolumeSizeInGB"},
        hook=_known_types,
        unseen=("productionVariants", "shadowProductionVariants"),
    ),
    Row(
        "aws:sagemaker/endpoint:Endpoint",
        "sagemaker",
        Call("create_endpoint", take=("name", "endpointConfigName", "tags")),
        id="{name}",
        read=Call("describe_endpoint", {"EndpointName": "{name}"}),
        outputs={"arn": "{r.EndpointArn}"},
        groups=(
            Group(
                ("endpointConfigName", "deploymentConfig"),
                Call("update_endpoint", {"EndpointName": "{name}", "EndpointConfigName": "{endpointConfigName}"}),
            ),
        ),
        delete=(Call("delete_endpoint", {"EndpointName": "{name}"}),),
        tags=_TAGGING,
        names={"name": "EndpointName"},
    ),
    Row(
        "aws:sagemaker/monitoringSchedule:MonitoringSchedule",
        "sagemaker",
        Call("create_monitoring_schedule", take=ALL),
        id="{name}",
        read=Call("describe_monitoring_schedule", {"MonitoringScheduleName": "{name}"}),
        outputs={"arn": "{r.MonitoringScheduleArn}"},
        groups=(
            Group(
                ("monitoringScheduleConfig",),
                Call("update_monitoring_schedule", take=("name", "monitoringScheduleConfig")),
            ),
        ),
        delete=(Call("delete_monitoring_schedule", {"MonitoringScheduleName": "{name}"}),),
        tags=_TAGGING,
        names={"name": "MonitoringScheduleName"},
    ),
    _definition("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition", "data_quality", "dataQuality"),
    _definition("aws-native:sagemaker:ModelQualityJobDefinition", "model_quality", "modelQuality"),
    _definition("aws-native:sagemaker:ModelBiasJobDefinition", "model_bias", "modelBias"),
    _definition("aws-native:sagemaker:ModelExplainabilityJobDefinition", "model_explainability", "modelExplainability"),
)
