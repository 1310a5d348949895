"""Resources that cost nothing by themselves, by the reason why.

Sources: https://aws.amazon.com/iam/faqs/ (IAM), https://aws.amazon.com/vpc/pricing/,
https://aws.amazon.com/sagemaker/ai/pricing/, https://aws.amazon.com/glue/pricing/, https://aws.amazon.com/s3/pricing/,
https://aws.amazon.com/aws-cost-management/aws-budgets/pricing/, https://aws.amazon.com/eventbridge/pricing/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mlops_iac.cost.model import Entry, Free
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView

_REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "IAM is free": (
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    ),
    "part of the VPC, which is free": (
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/placementGroup:PlacementGroup",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ),
    "a setting of a bucket, billed with what the bucket stores": (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
    ),
    "a setting of another resource": (
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/target:Target",
        "aws:cfg/deliveryChannel:DeliveryChannel",
        "aws:cfg/recorderStatus:RecorderStatus",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings",
        "aws:glue/securityConfiguration:SecurityConfiguration",
        "aws:lambda/permission:Permission",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
    ),
    "aliases and grants of KMS keys are free": ("aws:kms/alias:Alias", "aws:kms/grant:Grant"),
    "AWS charges for the cluster and its nodes only": (
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    ),
    "billed with the node groups that use it": ("aws:ec2/launchTemplate:LaunchTemplate",),
    "AWS does not charge for events of its own services; what a rule starts is billed there": (
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
    ),
    "within the million objects of a catalog that are free": (
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/catalogTable:CatalogTable",
    ),
    "model registry and model cards are free; images and artifacts are billed where they are stored": (
        "aws:sagemaker/model:Model",
        "aws:sagemaker/modelCard:ModelCard",
        "aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
    ),
    "billed with the endpoint that uses it": ("aws:sagemaker/endpointConfiguration:EndpointConfiguration",),
    "billed with the schedule that runs it": (
        "aws-native:sagemaker:ModelBiasJobDefinition",
        "aws-native:sagemaker:ModelExplainabilityJobDefinition",
        "aws-native:sagemaker:ModelQualityJobDefinition",
        "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition",
    ),
    "budgets without actions are free": ("aws:budgets/budget:Budget",),
    "records are free; queries are billed with their zone": ("aws:route53/record:Record",),
    "billed with the messages of its topic": ("aws:sns/topicSubscription:TopicSubscription",),
}


def _rule(reason: str, types: tuple[str, ...]) -> Rule:
    def price(resource: ResourceView, context: Context) -> Iterable[Entry]:
        return (Free(reason),)

    return Rule(types, "https://aws.amazon.com/pricing/", price)


RULES = tuple(_rule(reason, types) for reason, types in _REASONS.items())
