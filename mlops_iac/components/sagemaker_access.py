"""What every SageMaker job and model needs: its place in the network and the permissions to be there.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.foundation.network import NetworkOutputs
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.values import Ref, Value

_REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def subnets(network: NetworkOutputs) -> list[Value]:
    """The subnets that jobs and models run in."""
    return list(network.private_subnet_ids)


def security_groups(network: NetworkOutputs) -> list[Value]:
    """The security groups that jobs and models run with."""
    return [network.workload_security_group_id]


def network_access(ctx: BuildContext) -> Iterator[Statement]:
    """Permissions to attach containers to the VPC."""
    yield Statement(
        (
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
        ),
        tuple(ctx.arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")),
    )
    yield Statement(
        (
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        ("*",),
        unscoped=f"EC2 describe actions take no resource: {_REFERENCE}list_amazonec2.html",
    )


def log_and_metric_access(ctx: BuildContext) -> Iterator[Statement]:
    """Permissions to write SageMaker's logs and metrics."""
    yield Statement(
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        (ctx.arn("logs", "log-group:/aws/sagemaker/*"),),
    )
    yield Statement(
        ("cloudwatch:PutMetricData",),
        ("*",),
        {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        unscoped=f"metrics take no resource, so the namespace limits it: {_REFERENCE}list_amazoncloudwatch.html",
    )


def image_access(ctx: BuildContext, uris: Iterable[str]) -> Iterator[Statement]:
    """Permissions to pull AWS's own images, named by address."""
    repositories = sorted({_repository_arn(ctx, uri) for uri in uris})
    if repositories:
        yield Statement(_PULL, tuple(repositories))
        yield Statement(
            ("ecr:GetAuthorizationToken",),
            ("*",),
            unscoped=f"the token is for every registry: {_REFERENCE}list_amazonelasticcontainerregistry.html",
        )


def volume_access(key: Ref | str) -> Iterator[Statement]:
    """Permissions that let SageMaker attach volumes encrypted with ``key``."""
    yield Statement(("kms:CreateGrant",), (key,), {"Bool": {"kms:GrantIsForAWSResource": "true"}})
    yield Statement(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"), (key,))


def _repository_arn(ctx: BuildContext, uri: str) -> str:
    registry, _, image = uri.partition("/")
    account, _, _, region = registry.split(".")[:4]
    repository = image.partition(":")[0].partition("@")[0]
    return f"arn:{ctx.partition}:ecr:{region}:{account}:repository/{repository}"
