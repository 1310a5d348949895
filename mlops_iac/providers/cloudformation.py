"""What AWS itself says may not change after creation: CloudFormation's resource schemas, bundled by cfn-lint.

``createOnlyProperties`` name the properties whose change replaces a resource, ``primaryIdentifier`` the ones
that name it. CloudFormation spells types and properties differently from Pulumi, so this module also guesses
which is which; a wrong or missing guess is put right in ``corrections.csv``.

Sources: https://github.com/aws-cloudformation/cfn-lint (``data/schemas``),
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REGION = "us-east-1"

SERVICES: dict[str, tuple[str, ...]] = {
    "accessanalyzer": ("AccessAnalyzer",),
    "acm": ("CertificateManager",),
    "amp": ("APS",),
    "apigateway": ("ApiGateway",),
    "apigatewayv2": ("ApiGatewayV2",),
    "appautoscaling": ("ApplicationAutoScaling",),
    "athena": ("Athena",),
    "autoscaling": ("AutoScaling",),
    "backup": ("Backup",),
    "batch": ("Batch",),
    "budgets": ("Budgets",),
    "cfg": ("Config",),
    "chatbot": ("Chatbot",),
    "cloudtrail": ("CloudTrail",),
    "cloudwatch": ("CloudWatch", "Logs", "Events", "EventSchemas"),
    "codebuild": ("CodeBuild",),
    "cognito": ("Cognito",),
    "costexplorer": ("CE",),
    "dynamodb": ("DynamoDB",),
    "ebs": ("EC2",),
    "ec2": ("EC2",),
    "ecr": ("ECR",),
    "ecs": ("ECS",),
    "efs": ("EFS",),
    "eks": ("EKS",),
    "elasticache": ("ElastiCache",),
    "fsx": ("FSx",),
    "glue": ("Glue",),
    "grafana": ("Grafana",),
    "guardduty": ("GuardDuty",),
    "iam": ("IAM",),
    "kinesis": ("Kinesis", "KinesisFirehose", "KinesisAnalytics"),
    "kms": ("KMS",),
    "lakeformation": ("LakeFormation",),
    "lambda": ("Lambda",),
    "lb": ("ElasticLoadBalancingV2",),
    "msk": ("MSK",),
    "mwaa": ("MWAA",),
    "opensearch": ("OpenSearchService", "OpenSearchServerless"),
    "pipes": ("Pipes",),
    "ram": ("RAM",),
    "rds": ("RDS",),
    "route53": ("Route53", "Route53Resolver"),
    "s3": ("S3", "S3Express", "S3Vectors"),
    "s3tables": ("S3Tables",),
    "sagemaker": ("SageMaker",),
    "scheduler": ("Scheduler",),
    "secretsmanager": ("SecretsManager",),
    "securityhub": ("SecurityHub",),
    "sfn": ("StepFunctions",),
    "sns": ("SNS",),
    "sqs": ("SQS",),
    "ssm": ("SSM",),
    "vpc": ("EC2",),
    "wafv2": ("WAFv2",),
}
"""Pulumi module -> services in CloudFormation's spelling."""

TYPES: dict[str, str] = {
    "aws:apigatewayv2/api:Api": "AWS::ApiGatewayV2::Api",
    "aws:appautoscaling/policy:Policy": "AWS::ApplicationAutoScaling::ScalingPolicy",
    "aws:appautoscaling/target:Target": "AWS::ApplicationAutoScaling::ScalableTarget",
    "aws:autoscaling/group:Group": "AWS::AutoScaling::AutoScalingGroup",
    "aws:autoscaling/policy:Policy": "AWS::AutoScaling::ScalingPolicy",
    "aws:cfg/rule:Rule": "AWS::Config::ConfigRule",
    "aws:cfg/recorder:Recorder": "AWS::Config::ConfigurationRecorder",
    "aws:cloudwatch/eventBus:EventBus": "AWS::Events::EventBus",
    "aws:cloudwatch/eventRule:EventRule": "AWS::Events::Rule",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "AWS::Logs::MetricFilter",
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "AWS::Logs::SubscriptionFilter",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "aws:ec2/eip:Eip": "AWS::EC2::EIP",
    "aws:ec2/eipAssociation:EipAssociation": "AWS::EC2::EIPAssociation",
    "aws:ec2/flowLog:FlowLog": "AWS::EC2::FlowLog",
    "aws:ec2/networkAclRule:NetworkAclRule": "AWS::EC2::NetworkAclEntry",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "AWS::EC2::SubnetRouteTableAssociation",
    "aws:eks/nodeGroup:NodeGroup": "AWS::EKS::Nodegroup",
    "aws:elasticache/cluster:Cluster": "AWS::ElastiCache::CacheCluster",
    "aws:fsx/lustreFileSystem:LustreFileSystem": "AWS::FSx::FileSystem",
    "aws:glue/catalogDatabase:CatalogDatabase": "AWS::Glue::Database",
    "aws:glue/catalogTable:CatalogTable": "AWS::Glue::Table",
    "aws:iam/instanceProfile:InstanceProfile": "AWS::IAM::InstanceProfile",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "AWS::IAM::OIDCProvider",
    "aws:iam/policy:Policy": "AWS::IAM::ManagedPolicy",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "AWS::KinesisFirehose::DeliveryStream",
    "aws:lambda/function:Function": "AWS::Lambda::Function",
    "aws:rds/cluster:Cluster": "AWS::RDS::DBCluster",
    "aws:rds/clusterInstance:ClusterInstance": "AWS::RDS::DBInstance",
    "aws:rds/instance:Instance": "AWS::RDS::DBInstance",
    "aws:rds/parameterGroup:ParameterGroup": "AWS::RDS::DBParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup": "AWS::RDS::DBSubnetGroup",
    "aws:s3/bucketPolicy:BucketPolicy": "AWS::S3::BucketPolicy",
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": "AWS::SageMaker::EndpointConfig",
    "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration": (
        "AWS::SageMaker::NotebookInstanceLifecycleConfig"
    ),
    "aws:ssm/parameter:Parameter": "AWS::SSM::Parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "AWS::EC2::SecurityGroupEgress",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "AWS::EC2::SecurityGroupIngress",
}
"""Types whose names differ by more than capitals."""


@dataclass(frozen=True)
class Schemas:
    """The resource schemas of one region."""

    folder: Path
    by_name: Mapping[str, str]
    _read: dict[str, dict[str, Any]] = field(default_factory=dict)

    def for_token(self, token: str) -> dict[str, Any] | None:
        """The schema of the type that is probably meant by a Pulumi type token."""
        module = token.split(":")[1].partition("/")[0]
        kind = token.rpartition(":")[2]
        guesses = [f"AWS::{service}::{kind}" for service in SERVICES.get(module, ())]
        if token in TYPES:
            guesses = [TYPES[token]]
        for guess in guesses:
            name = guess.lower()
            if name in self.by_name:
                if name not in self._read:
                    file = self.folder / "resources" / f"{self.by_name[name]}.json"
                    self._read[name] = json.loads(file.read_text(encoding="utf-8"))
                return self._read[name]
        return None


def installed() -> Schemas | None:
    """The schemas of the installed cfn-lint, or ``None`` without one."""
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "data" / "schemas"
    names: dict[str, str] = json.loads((folder / "providers" / f"{REGION}.json").read_text(encoding="utf-8"))
    return Schemas(folder, {name.lower(): digest for name, digest in names.items()})


def create_only(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Paths of the properties that cannot change after creation."""
    yield from _paths(schema.get("createOnlyProperties", ()))


def conditional_create_only(schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Paths of the properties that cannot change under some condition."""
    yield from _paths(schema.get("conditionalCreateOnlyProperties", ()))


def primary_name(schema: Mapping[str, Any]) -> str | None:
    """The property that names the resource, where exactly one does and the caller chooses it."""
    own = [path[0] for path in _paths(schema.get("primaryIdentifier", ()))]
    given = {path[0] for path in _paths(schema.get("readOnlyProperties", ())) if len(path) == 1}
    return own[0] if len(own) == 1 and own[0] not in given else None


def same_name(name: str, kind: str, candidates: Iterable[str]) -> str | None:
    """The Pulumi name among ``candidates`` for a CloudFormation property of the resource class ``kind``."""
    theirs = _letters(name)
    noun = re.sub(r"^(aws|db)", "", _letters(kind))
    forms = [theirs, f"{theirs}s", theirs.removesuffix("s"), f"{theirs}arn", f"{theirs}id"]
    forms += [f"{theirs.removesuffix('s')}ids", f"{theirs.removesuffix('s')}arns"]
    for prefix in (noun, f"db{noun}", f"cache{noun}"):
        if theirs.startswith(prefix) and len(theirs) > len(prefix):
            forms.append(theirs.removeprefix(prefix))
    ours = {_letters(candidate): candidate for candidate in candidates}
    return next((ours[form] for form in forms if form in ours), None)


def _paths(pointers: Iterable[str]) -> Iterator[tuple[str, ...]]:
    for pointer in pointers:
        parts = pointer.removeprefix("/properties/").split("/")
        yield tuple(part for part in parts if part not in ("*", "properties", "items"))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
