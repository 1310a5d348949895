"""Network: a private VPC over several availability zones, or an existing one.

Creates the VPC with a private and a public subnet per zone, NAT, route tables, a gateway endpoint for S3,
interface endpoints for the AWS services that jobs call, security groups for endpoints and workloads, a
default security group without rules and a flow log. In an existing VPC only the endpoints and the security
groups are created.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-best-practices.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.logs import log_group
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.cidr import MAX_ZONES, ZoneSubnets, parse_network, zone_subnets
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value, join
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.system import System

BAD_RANGE = "MI3100"
"""The address range cannot be cut into subnets."""
MISSING_IDS = "MI3101"
"""An existing VPC is named without the ids that the other components need."""
USELESS_IDS = "MI3102"
"""Ids of an existing VPC are given, but a new one is created."""
TOO_FEW_ZONES = "MI3103"
"""Something in the system needs subnets in two zones."""
NO_SUCH_ZONES = "MI3104"
"""The region has fewer zones than asked for."""
NO_WAY_OUT = "MI3105"
"""Without NAT, a service that a component calls has no endpoint."""
EGRESS_WITHOUT_NAT = "MI3106"
"""Workloads may reach the internet, but there is no NAT to carry them."""

Endpoint = Literal[
    "athena",
    "autoscaling",
    "dynamodb",
    "ec2",
    "ecr",
    "eks",
    "elasticloadbalancing",
    "events",
    "glue",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "sagemaker",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
]
"""Short names of the services that a private endpoint can reach."""

VpcId = Annotated[str, doc("Id of a VPC.", pattern="^vpc-[0-9a-f]+$", expects="an id such as vpc-0a1b2c3d")]

_GATEWAYS = ("s3", "dynamodb")
_INTERFACES: dict[str, tuple[str, ...]] = {
    "ecr": ("ecr.api", "ecr.dkr"),
    "eks": ("eks", "eks-auth"),
    "kinesis": ("kinesis-streams",),
    "sagemaker": ("sagemaker.api", "sagemaker.runtime", "sagemaker.featurestore-runtime"),
}
"""Services whose endpoint is not called like the service, or that need several."""
_ZONE_LETTERS = {
    "ap-northeast-1": "acd",
    "ca-central-1": "abd",
    "cn-north-1": "ab",
    "us-east-1": "abcdf",
    "us-west-1": "ac",
    "us-west-2": "abcd",
    "ap-northeast-2": "abcd",
}
"""Zones of regions that do not offer exactly a, b and c to every account; us-east-1e lacks current instance
types.
"""
_CLUSTER_CALLS = ("autoscaling", "ec2", "ecr", "eks", "s3", "sts")
"""What nodes of a private EKS cluster call:
https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html
"""


class NetworkSpec(Spec, kw_only=True):
    """The network that everything with a network interface lives in; every system has one."""

    vpc: Annotated[
        Literal["new", "existing"], doc("Create a VPC, or use one that somebody else owns.", replaces=True)
    ] = "new"
    cidr: Annotated[
        str,
        doc(
            "IPv4 range of the VPC, from /16 to /22. A change replaces every subnet and what runs in it.",
            replaces=True,
            expects="an IPv4 network such as 10.20.0.0/16",
            pattern="^[0-9.]+/[0-9]{1,2}$",
            examples=["10.20.0.0/16"],
        ),
    ] = "10.0.0.0/16"
    availability_zones: Annotated[
        int, doc("Zones to spread over. A further zone changes no existing subnet.", ge=1, le=MAX_ZONES)
    ] = 3
    zones: Annotated[
        list[str], doc("Names of the zones, where the first letters of the region are not the right ones.")
    ] = []
    nat: Annotated[
        Literal["none", "single", "per_zone"],
        doc("How private subnets reach the internet: not at all, through one NAT gateway, or one in each zone."),
    ] = "single"
    private_endpoints: Annotated[tuple[Endpoint, ...], doc("AWS services that are reached from inside.")] = (
        "s3",
        "ecr",
        "sagemaker",
        "sts",
        "logs",
    )
    internet_egress: Annotated[
        bool, doc("Let workloads open HTTPS connections to the internet, for example to a hosted tracker.")
    ] = False
    vpc_id: Annotated[VpcId | None, doc("Id of the existing VPC.")] = None
    private_subnet_ids: Annotated[list[str], doc("Private subnets of the existing VPC, one a zone.")] = []
    public_subnet_ids: Annotated[list[str], doc("Public subnets of the existing VPC, for load balancers.")] = []
    private_route_table_ids: Annotated[
        list[str], doc("Route tables of the existing private subnets, for the endpoint of S3.")
    ] = []


@dataclass(frozen=True, slots=True)
class NetworkOutputs(Outputs):
    """The VPC, its subnets and the security group for workloads.

    ``endpoints`` holds the short names of the services with a private endpoint.
    """

    vpc_id: Ref | str
    vpc_cidr: str
    private_subnet_ids: tuple[Ref | str, ...]
    public_subnet_ids: tuple[Ref | str, ...]
    workload_security_group_id: Ref
    endpoint_security_group_id: Ref
    endpoints: tuple[str, ...]
    ready: tuple[Handle, ...] = ()


@dataclass(frozen=True, slots=True)
class _Vpc:
    id: Ref | str
    private: tuple[Ref | str, ...]
    public: tuple[Ref | str, ...]
    private_route_tables: tuple[Ref | str, ...]
    routes: tuple[Handle, ...] = ()


def build(name: str, spec: NetworkSpec, ctx: BuildContext) -> NetworkOutputs:
    """The VPC, then endpoints and security groups in it."""
    vpc = _existing_vpc(spec) if spec.vpc == "existing" else _new_vpc(spec, ctx)
    endpoint_group = _endpoint_security_group(spec, ctx, vpc)
    endpoints, prefix_lists = _endpoints(spec, ctx, vpc, endpoint_group)
    workload_group = _workload_security_group(spec, ctx, vpc, prefix_lists)
    return NetworkOutputs(
        vpc_id=vpc.id,
        vpc_cidr=spec.cidr,
        private_subnet_ids=vpc.private,
        public_subnet_ids=vpc.public,
        workload_security_group_id=workload_group.id,
        endpoint_security_group_id=endpoint_group.id,
        endpoints=spec.private_endpoints,
        ready=(*vpc.routes, *endpoints),
    )


def zone_names(spec: NetworkSpec, region: str) -> tuple[str, ...]:
    """The availability zones to use, fewer than asked for where the region has no more."""
    if spec.zones:
        return tuple(spec.zones)
    letters = _ZONE_LETTERS.get(region, "abc")
    return tuple(f"{region}{letter}" for letter in letters[: spec.availability_zones])


def _existing_vpc(spec: NetworkSpec) -> _Vpc:
    return _Vpc(
        spec.vpc_id or "",
        tuple(spec.private_subnet_ids),
        tuple(spec.public_subnet_ids),
        tuple(spec.private_route_table_ids),
    )


def _new_vpc(spec: NetworkSpec, ctx: BuildContext) -> _Vpc:
    vpc = ctx.add(
        "vpc",
        "aws:ec2/vpc:Vpc",
        {
            "cidrBlock": spec.cidr,
            "enableDnsSupport": True,
            "enableDnsHostnames": True,
            "tags": {"Name": ctx.namer.prefix},
        },
    )
    ctx.add(
        "default-closed",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        {"vpcId": vpc.id, "ingress": [], "egress": []},
    )
    _flow_log(ctx, vpc)
    zones = zone_names(spec, ctx.core.cloud.region)
    ranges = zone_subnets(spec.cidr, len(zones))
    public = _public_subnets(ctx, vpc, zones, ranges)
    nats = _nat_gateways(spec, ctx, public)
    private, tables, routes = _private_subnets(ctx, vpc, zones, ranges, nats)
    return _Vpc(
        vpc.id,
        tuple(subnet.id for subnet in private),
        tuple(subnet.id for subnet in public),
        tuple(table.id for table in tables),
        routes,
    )


def _flow_log(ctx: BuildContext, vpc: Handle) -> None:
    group = log_group(ctx, "flow-logs", f"/aws/vpc/{ctx.namer.path('flow-logs')}")
    role = ctx.role(
        "flow-log-role",
        (
            Statement(
                (
                    "logs:CreateLogStream",
                    "logs:PutLogEvents",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                ),
                (group["arn"], join(group["arn"], ":*")),
            ),
        ),
        service="vpc-flow-logs.amazonaws.com",
        source_arn=ctx.arn("ec2", "vpc-flow-log/*"),
    )
    ctx.add(
        "flow-log",
        "aws:ec2/flowLog:FlowLog",
        {
            "vpcId": vpc.id,
            "trafficType": "ALL",
            "logDestinationType": "cloud-watch-logs",
            "logDestination": group["arn"],
            "iamRoleArn": role["arn"],
            "maxAggregationInterval": 600,
        },
        depends_on=ctx.role_ready(role),
    )


def _public_subnets(
    ctx: BuildContext, vpc: Handle, zones: tuple[str, ...], ranges: tuple[ZoneSubnets, ...]
) -> list[Handle]:
    gateway = ctx.add("internet", "aws:ec2/internetGateway:InternetGateway", {"vpcId": vpc.id})
    table = ctx.add("public-routes", "aws:ec2/routeTable:RouteTable", {"vpcId": vpc.id, "tags": _named(ctx, "public")})
    ctx.add(
        "public-default",
        "aws:ec2/route:Route",
        {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id},
    )
    subnets = []
    for number, (zone, cidrs) in enumerate(zip(zones, ranges, strict=True), start=1):
        subnet = _subnet(ctx, vpc, f"public-{number}", zone, cidrs.public, {"kubernetes.io/role/elb": "1"})
        _associate(ctx, f"public-{number}", subnet, table)
        subnets.append(subnet)
    return subnets


def _nat_gateways(spec: NetworkSpec, ctx: BuildContext, public: list[Handle]) -> list[Handle]:
    count = {"none": 0, "single": 1, "per_zone": len(public)}[spec.nat]
    gateways = []
    for number, subnet in enumerate(public[:count], start=1):
        address = ctx.add(
            f"nat-{number}-address",
            "aws:ec2/eip:Eip",
            {"domain": "vpc", "tags": _named(ctx, f"nat-{number}")},
        )
        gateways.append(
            ctx.add(
                f"nat-{number}",
                "aws:ec2/natGateway:NatGateway",
                {"subnetId": subnet.id, "allocationId": address.id, "tags": _named(ctx, f"nat-{number}")},
            )
        )
    return gateways


def _private_subnets(
    ctx: BuildContext,
    vpc: Handle,
    zones: tuple[str, ...],
    ranges: tuple[ZoneSubnets, ...],
    nats: list[Handle],
) -> tuple[list[Handle], list[Handle], tuple[Handle, ...]]:
    subnets, tables, routes = [], [], []
    for number, (zone, cidrs) in enumerate(zip(zones, ranges, strict=True), start=1):
        subnet = _subnet(ctx, vpc, f"private-{number}", zone, cidrs.private, {"kubernetes.io/role/internal-elb": "1"})
        table = ctx.add(
            f"private-{number}-routes",
            "aws:ec2/routeTable:RouteTable",
            {"vpcId": vpc.id, "tags": _named(ctx, f"private-{number}")},
        )
        routes.append(_associate(ctx, f"private-{number}", subnet, table))
        if nats:
            nat = nats[(number - 1) % len(nats)]
            routes.append(
                ctx.add(
                    f"private-{number}-default",
                    "aws:ec2/route:Route",
                    {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.id},
                )
            )
        subnets.append(subnet)
        tables.append(table)
    return subnets, tables, tuple(routes)


def _subnet(
    ctx: BuildContext, vpc: Handle, suffix: str, zone: str, cidr: str, cluster_tags: dict[str, Value]
) -> Handle:
    """``cluster_tags`` tell load balancer controllers which subnets to use, where the system has a cluster."""
    tags = cluster_tags if any(ctx.system.of_kind("clusters")) else {}
    return ctx.add(
        suffix,
        "aws:ec2/subnet:Subnet",
        {
            "vpcId": vpc.id,
            "cidrBlock": cidr,
            "availabilityZone": zone,
            "mapPublicIpOnLaunch": False,
            "tags": {**_named(ctx, suffix), **tags},
        },
    )


def _associate(ctx: BuildContext, suffix: str, subnet: Handle, table: Handle) -> Handle:
    return ctx.add(
        f"{suffix}-association",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        {"subnetId": subnet.id, "routeTableId": table.id},
    )


def _endpoint_security_group(spec: NetworkSpec, ctx: BuildContext, vpc: _Vpc) -> Handle:
    group = _security_group(ctx, "endpoints", vpc, "private endpoints of AWS services")
    ctx.add(
        "endpoints-https",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {
            "securityGroupId": group.id,
            "description": "HTTPS from the VPC",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": spec.cidr,
        },
    )
    return group


def _endpoints(
    spec: NetworkSpec, ctx: BuildContext, vpc: _Vpc, group: Handle
) -> tuple[list[Handle], list[tuple[str, Ref]]]:
    """Every endpoint, and the prefix list of each gateway endpoint by service."""
    added: list[Handle] = []
    prefix_lists: list[tuple[str, Ref]] = []
    for service in sorted(set(spec.private_endpoints)):
        if service in _GATEWAYS:
            gateway = _endpoint(
                ctx,
                service,
                vpc,
                {"vpcEndpointType": "Gateway", "routeTableIds": list(vpc.private_route_tables)},
            )
            added.append(gateway)
            prefix_lists.append((service, gateway["prefixListId"]))
            continue
        for endpoint in _INTERFACES.get(service, (service,)):
            settings: dict[str, Value] = {
                "vpcEndpointType": "Interface",
                "subnetIds": list(vpc.private),
                "securityGroupIds": [group.id],
                "privateDnsEnabled": True,
            }
            added.append(_endpoint(ctx, endpoint, vpc, settings))
    return added, prefix_lists


def _endpoint(ctx: BuildContext, service: str, vpc: _Vpc, settings: dict[str, Value]) -> Handle:
    suffix = f"endpoint-{service.replace('.', '-')}"
    region = ctx.core.cloud.region
    domain = "cn.com.amazonaws" if ctx.partition == "aws-cn" and service not in _GATEWAYS else "com.amazonaws"
    return ctx.add(
        suffix,
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": vpc.id,
            "serviceName": f"{domain}.{region}.{service}",
            "tags": _named(ctx, service.replace(".", "-")),
            **settings,
        },
    )


def _workload_security_group(
    spec: NetworkSpec, ctx: BuildContext, vpc: _Vpc, prefix_lists: list[tuple[str, Ref]]
) -> Handle:
    """For jobs, models and nodes: among themselves everything (distributed training asks for it), else HTTPS.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html
    """
    group = _security_group(ctx, "workloads", vpc, "jobs, models and nodes")
    among: dict[str, Value] = {
        "securityGroupId": group.id,
        "ipProtocol": "-1",
        "referencedSecurityGroupId": group.id,
    }
    ctx.add(
        "workloads-from-each-other",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {**among, "description": "Nodes of one job"},
    )
    ctx.add(
        "workloads-to-each-other",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {**among, "description": "Nodes of one job"},
    )
    _https(ctx, group, "workloads-to-vpc", "HTTPS to endpoints and services in the VPC", {"cidrIpv4": spec.cidr})
    for service, prefix_list in prefix_lists:
        _https(ctx, group, f"workloads-to-{service}", f"HTTPS to {service}", {"prefixListId": prefix_list})
    if spec.internet_egress:
        _https(ctx, group, "workloads-to-internet", "HTTPS to the internet", {"cidrIpv4": "0.0.0.0/0"})
    return group


def _https(ctx: BuildContext, group: Handle, suffix: str, description: str, target: dict[str, Value]) -> None:
    ctx.add(
        suffix,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {
            "securityGroupId": group.id,
            "description": description,
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            **target,
        },
    )


def _security_group(ctx: BuildContext, suffix: str, vpc: _Vpc, purpose: str) -> Handle:
    return ctx.add(
        suffix,
        "aws:ec2/securityGroup:SecurityGroup",
        {
            "name": ctx.namer.cloud(suffix),
            "description": f"{ctx.namer.prefix}: {purpose}",
            "vpcId": vpc.id,
            "tags": _named(ctx, suffix),
        },
    )


def _named(ctx: BuildContext, *parts: str) -> dict[str, Value]:
    return {"Name": ctx.namer.cloud(*parts)}


def check(name: str, spec: NetworkSpec, system: System) -> Iterator[Problem]:
    """Ranges that cannot be cut, ids that are missing or useless, and calls that would go nowhere."""
    try:
        parse_network(spec.cidr)
    except ValueError as error:
        if spec.vpc == "new":
            yield Problem(BAD_RANGE, ("cidr",), str(error), "choose a private network such as 10.20.0.0/16")
    yield from _check_ids(spec)
    yield from _check_zones(spec, system)
    if spec.nat == "none" and spec.vpc == "new":
        yield from _check_reach(spec, system)


def _check_ids(spec: NetworkSpec) -> Iterator[Problem]:
    if spec.vpc == "existing":
        for field in ("vpc_id", "private_subnet_ids"):
            if not getattr(spec, field):
                yield Problem(MISSING_IDS, ("vpc",), f"an existing VPC needs `{field}`", f"add `{field}` to network")
        if set(_GATEWAYS) & set(spec.private_endpoints) and not spec.private_route_table_ids:
            yield Problem(
                MISSING_IDS,
                ("private_endpoints",),
                "the endpoints of s3 and dynamodb are routes and need `private_route_table_ids`",
                "add the route tables of the private subnets, or leave these endpoints to the owner of the VPC",
            )
        return
    for field in ("vpc_id", "private_subnet_ids", "public_subnet_ids", "private_route_table_ids"):
        if getattr(spec, field):
            yield Problem(USELESS_IDS, (field,), f"`{field}` has no effect on a new VPC", "set `vpc: existing`")


def _check_zones(spec: NetworkSpec, system: System) -> Iterator[Problem]:
    region = system.core.cloud.region
    names = zone_names(spec, region)
    if spec.vpc == "new" and not spec.zones and len(names) < spec.availability_zones:
        yield Problem(
            NO_SUCH_ZONES,
            ("availability_zones",),
            f"{region} offers {len(names)} zones that every account can use, not {spec.availability_zones}",
            f"ask for {len(names)}, or name the zones of your account in `zones`",
        )
    if len(spec.zones) > MAX_ZONES:
        yield Problem(NO_SUCH_ZONES, ("zones",), f"there is room for {MAX_ZONES} zones", "name fewer")
    count = len(spec.private_subnet_ids) if spec.vpc == "existing" else len(names)
    needs_two = [kind for kind in ("clusters", "tracking") if any(system.of_kind(kind))]
    if count == 1 and needs_two:
        yield Problem(
            TOO_FEW_ZONES,
            ("availability_zones",) if spec.vpc == "new" else ("private_subnet_ids",),
            f"{' and '.join(needs_two)} need subnets in at least two zones",
            "use two zones or more",
        )


def _check_reach(spec: NetworkSpec, system: System) -> Iterator[Problem]:
    if spec.internet_egress:
        yield Problem(
            EGRESS_WITHOUT_NAT,
            ("internet_egress",),
            "without NAT nothing reaches the internet",
            "set `nat: single`",
        )
    missing = [service for service in _CLUSTER_CALLS if service not in spec.private_endpoints]
    if missing and any(system.of_kind("clusters")):
        yield Problem(
            NO_WAY_OUT,
            ("private_endpoints",),
            f"nodes of a cluster call {', '.join(missing)}, which nothing in this VPC reaches",
            "add them to `private_endpoints`, or give the VPC NAT",
        )
    if any(system.of_kind("clusters")):
        yield Problem(
            NO_WAY_OUT,
            ("nat",),
            "without NAT, nodes cannot pull images from public registries",
            "copy every image to the system's own registry, or set `nat: single`",
            Severity.WARNING,
        )


COMPONENT = Component(
    kind="network",
    label="network",
    layer=Layer.FOUNDATION,
    token="mlops:foundation:Network",
    spec=NetworkSpec,
    build=build,
    check=check,
    many=False,
    always=True,
    uses=("keys",),
    examples=(
        Example(
            "Two zones that share one way out",
            {"cidr": "10.20.0.0/16", "availability_zones": 2, "nat": "single"},
            {},
        ),
        Example(
            "No way out at all: every service has a private endpoint",
            {
                "cidr": "10.30.0.0/18",
                "nat": "none",
                "private_endpoints": [
                    "s3",
                    "ecr",
                    "sagemaker",
                    "sts",
                    "logs",
                    "kms",
                    "secretsmanager",
                    "monitoring",
                    "states",
                ],
            },
            {},
        ),
        Example(
            "A VPC that the network team owns",
            {
                "vpc": "existing",
                "vpc_id": "vpc-0a1b2c3d4e5f60718",
                "cidr": "10.40.0.0/16",
                "private_subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"],
                "private_route_table_ids": ["rtb-0aaaaaaaaaaaaaaaa"],
            },
            {},
        ),
    ),
)
