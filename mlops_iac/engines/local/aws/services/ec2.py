"""VPC networking and launch templates: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/

Resources here have ids that EC2 makes up; each carries our mark as a tag, by which an interrupted create is
found again.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging

_TAGGING = Tagging({"Resources": ["{id}"]}, "create_tags", "delete_tags")
_MARKED = {"Filters": [{"Name": "tag:mlops-iac:urn", "Values": ["{mark}"]}]}


def _permissions(context: dict[str, Any]) -> list[dict[str, Any]]:
    """The rule of a classic security group rule resource, as EC2 takes it."""
    permission: dict[str, Any] = {"IpProtocol": str(context.get("protocol", "-1"))}
    for name, parameter in (("fromPort", "FromPort"), ("toPort", "ToPort")):
        if context.get(name) is not None and permission["IpProtocol"] != "-1":
            permission[parameter] = int(context[name])
    about = {"Description": context["description"]} if context.get("description") else {}
    ranges = [{"CidrIp": cidr, **about} for cidr in context.get("cidrBlocks") or ()]
    ranges6 = [{"CidrIpv6": cidr, **about} for cidr in context.get("ipv6CidrBlocks") or ()]
    lists = [{"PrefixListId": item, **about} for item in context.get("prefixListIds") or ()]
    group = context.get("sourceSecurityGroupId") or (context.get("securityGroupId") if context.get("self") else None)
    if ranges:
        permission["IpRanges"] = ranges
    if ranges6:
        permission["Ipv6Ranges"] = ranges6
    if lists:
        permission["PrefixListIds"] = lists
    if group:
        permission["UserIdGroupPairs"] = [{"GroupId": group, **about}]
    return [permission]


def _classic_rule(context: dict[str, Any]) -> dict[str, Any]:
    ingress = context.get("type") == "ingress"
    return {**context, "permissions": _permissions(context), "in": ingress or None, "out": None if ingress else True}


def _vpc_rule(context: dict[str, Any]) -> dict[str, Any]:
    """A rule resource of the newer kind: one range or group, protocol under another name."""
    rule = {
        "protocol": context.get("ipProtocol", "-1"),
        "fromPort": context.get("fromPort"),
        "toPort": context.get("toPort"),
        "description": context.get("description"),
        "cidrBlocks": [context["cidrIpv4"]] if context.get("cidrIpv4") else [],
        "ipv6CidrBlocks": [context["cidrIpv6"]] if context.get("cidrIpv6") else [],
        "prefixListIds": [context["prefixListId"]] if context.get("prefixListId") else [],
        "sourceSecurityGroupId": context.get("referencedSecurityGroupId"),
    }
    return {**context, "permissions": _permissions(rule)}


def _group(context: dict[str, Any]) -> dict[str, Any]:
    """Inline rules as EC2 takes them; a description is mandatory."""
    found = {**context, "description": context.get("description") or "Managed by Pulumi"}
    for side in ("ingress", "egress"):
        rules = context.get(side) or []
        found[f"{side}Permissions"] = [item for rule in rules for item in _permissions(_inline(rule, context))] or None
    return found


def _inline(rule: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    groups = rule.get("securityGroups") or [None]
    return {**rule, "sourceSecurityGroupId": groups[0], "securityGroupId": context.get("id")}


def _route(table: dict[str, Any], context: Mapping[str, Any]) -> Any:
    """The route of a table by its destination."""
    wanted = context.get("destinationCidrBlock") or context.get("destinationIpv6CidrBlock")
    return next(
        (
            route
            for route in table.get("Routes", ())
            if wanted in (route.get("DestinationCidrBlock"), route.get("DestinationIpv6CidrBlock"))
        ),
        None,
    )


def _rule_of_group(group: dict[str, Any], context: Mapping[str, Any]) -> Any:
    """The group, when it has a rule for the same protocol and ports."""
    wanted = context["permissions"][0]
    rules = group.get("IpPermissions" if context["in"] else "IpPermissionsEgress", ())
    same = ("IpProtocol", "FromPort", "ToPort")
    return group if any(all(rule.get(key) == wanted.get(key) for key in same) for rule in rules) else None


def _template(context: dict[str, Any]) -> dict[str, Any]:
    data = {
        name: value
        for name, value in context.items()
        if name
        in (
            "imageId", "instanceType", "keyName", "userData", "ebsOptimized", "blockDeviceMappings", "metadataOptions",
            "monitoring", "networkInterfaces", "placement", "vpcSecurityGroupIds", "tagSpecifications",
            "iamInstanceProfile", "instanceMarketOptions", "capacityReservationSpecification",
        )
    }  # fmt: skip
    return {**context, "launchTemplateData": data}


def _encoded(context: dict[str, Any]) -> dict[str, Any]:
    text = context.get("userData")
    if isinstance(text, str) and not _is_base64(text):
        context = {**context, "userData": base64.b64encode(text.encode()).decode()}
    return _template(context)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


_TEMPLATE_NAMES = {
    "vpcSecurityGroupIds": "SecurityGroupIds",
    "name": "LaunchTemplateName",
    "description": "VersionDescription",
    "updateDefaultVersion": None,
    "httpTokens": "HttpTokens",
}


def _rule(type: str, authorize: str, revoke: str, direction: str) -> Row:
    return Row(
        type,
        "ec2",
        Call(authorize, {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"}),
        id="{r.SecurityGroupRules.0.SecurityGroupRuleId}",
        read=Call("describe_security_group_rules", {"SecurityGroupRuleIds": ["{id}"]}),
        at="SecurityGroupRules.0",
        outputs={
            "securityGroupRuleId": "{id}",
            "arn": "arn:{partition}:ec2:{region}:{account}:security-group-rule/{id}",
        },
        groups=(
            Group(
                ("description",),
                Call(
                    f"update_security_group_rule_descriptions_{direction}",
                    {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                ),
            ),
        ),
        delete=(Call(revoke, {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"}),),
        tags=Tagging({"Resources": ["{id}"]}, "create_tags", "delete_tags", after=True),
        hook=_vpc_rule,
        find=Call(
            "describe_security_group_rules", {"Filters": [{"Name": "group-id", "Values": ["{securityGroupId}"]}]}
        ),
        found="SecurityGroupRules",
        found_id="{r.SecurityGroupRuleId}",
        alike=True,
    )


ROWS = (
    Row(
        "aws:ec2/vpc:Vpc",
        "ec2",
        Call("create_vpc", {"CidrBlock": "{cidrBlock}"}, take=("instanceTenancy", "tags")),
        id="{r.Vpc.VpcId}",
        read=Call("describe_vpcs", {"VpcIds": ["{id}"]}),
        at="Vpcs.0",
        outputs={
            "arn": "arn:{partition}:ec2:{region}:{account}:vpc/{id}",
            "ownerId": "{account}",
            "dhcpOptionsId": "{r.DhcpOptionsId}",
        },
        groups=(
            Group(
                ("enableDnsSupport",),
                Call("modify_vpc_attribute", {"VpcId": "{id}", "EnableDnsSupport": {"Value": "{enableDnsSupport}"}}),
                after=True,
            ),
            Group(
                ("enableDnsHostnames",),
                Call(
                    "modify_vpc_attribute", {"VpcId": "{id}", "EnableDnsHostnames": {"Value": "{enableDnsHostnames}"}}
                ),
                after=True,
            ),
        ),
        delete=(Call("delete_vpc", {"VpcId": "{id}"}),),
        tags=_TAGGING,
        more={
            name: (
                Call("describe_vpc_attribute", {"VpcId": "{id}", "Attribute": name}),
                f"{name[0].upper()}{name[1:]}.Value",
            )
            for name in ("enableDnsHostnames", "enableDnsSupport")
        },
        mark="vpc",
        find=Call("describe_vpcs", _MARKED),
        found="Vpcs",
        found_id="{r.VpcId}",
    ),
    Row(
        "aws:ec2/subnet:Subnet",
        "ec2",
        Call(
            "create_subnet",
            take=("vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "ipv6CidrBlock", "tags"),
        ),
        id="{r.Subnet.SubnetId}",
        read=Call("describe_subnets", {"SubnetIds": ["{id}"]}),
        at="Subnets.0",
        outputs={
            "arn": "arn:{partition}:ec2:{region}:{account}:subnet/{id}",
            "availabilityZone": "{r.AvailabilityZone}",
            "availabilityZoneId": "{r.AvailabilityZoneId}",
            "ownerId": "{account}",
        },
        groups=(
            Group(
                ("mapPublicIpOnLaunch",),
                Call(
                    "modify_subnet_attribute",
                    {"SubnetId": "{id}", "MapPublicIpOnLaunch": {"Value": "{mapPublicIpOnLaunch}"}},
                ),
                after=True,
            ),
        ),
        delete=(Call("delete_subnet", {"SubnetId": "{id}"}),),
        tags=_TAGGING,
        mark="subnet",
        find=Call("describe_subnets", _MARKED),
        found="Subnets",
        found_id="{r.SubnetId}",
    ),
    Row(
        "aws:ec2/internetGateway:InternetGateway",
        "ec2",
        Call("create_internet_gateway", take=("tags",)),
        id="{r.InternetGateway.InternetGatewayId}",
        read=Call("describe_internet_gateways", {"InternetGatewayIds": ["{id}"]}),
        at="InternetGateways.0",
        outputs={"arn": "arn:{partition}:ec2:{region}:{account}:internet-gateway/{id}", "ownerId": "{account}"},
        groups=(
            Group(
                ("vpcId",),
                Call("attach_internet_gateway", {"InternetGatewayId": "{id}", "VpcId": "{vpcId}"}),
                after=True,
            ),
        ),
        delete=(
            Call("detach_internet_gateway", {"InternetGatewayId": "{id}", "VpcId": "{vpcId}"}),
            Call("delete_internet_gateway", {"InternetGatewayId": "{id}"}),
        ),
        tags=_TAGGING,
        mark="internet-gateway",
        find=Call("describe_internet_gateways", _MARKED),
        found="InternetGateways",
        found_id="{r.InternetGatewayId}",
    ),
    Row(
        "aws:ec2/eip:Eip",
        "ec2",
        Call("allocate_address", {"Domain": "{domain|vpc}"}, take=("tags",)),
        id="{r.AllocationId}",
        read=Call("describe_addresses", {"AllocationIds": ["{id}"]}),
        at="Addresses.0",
        outputs={
            "allocationId": "{id}",
            "publicIp": "{r.PublicIp}",
            "arn": "arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}",
        },
        delete=(Call("release_address", {"AllocationId": "{id}"}),),
        tags=_TAGGING,
        mark="elastic-ip",
        find=Call("describe_addresses", _MARKED),
        found="Addresses",
        found_id="{r.AllocationId}",
    ),
    Row(
        "aws:ec2/natGateway:NatGateway",
        "ec2",
        Call("create_nat_gateway", take=("subnetId", "allocationId", "connectivityType", "tags")),
        id="{r.NatGateway.NatGatewayId}",
        read=Call("describe_nat_gateways", {"NatGatewayIds": ["{id}"]}),
        at="NatGateways.0",
        outputs={
            "publicIp": "{r.NatGatewayAddresses.0.PublicIp}",
            "privateIp": "{r.NatGatewayAddresses.0.PrivateIp}",
            "networkInterfaceId": "{r.NatGatewayAddresses.0.NetworkInterfaceId}",
        },
        delete=(Call("delete_nat_gateway", {"NatGatewayId": "{id}"}),),
        tags=_TAGGING,
        mark="natgateway",
        gone_in={"State": ("deleted", "deleting")},
        find=Call("describe_nat_gateways", {"Filters": [{"Name": "tag:mlops-iac:urn", "Values": ["{mark}"]}]}),
        found="NatGateways",
        found_id="{r.NatGatewayId}",
    ),
    Row(
        "aws:ec2/routeTable:RouteTable",
        "ec2",
        Call("create_route_table", take=("vpcId", "tags")),
        id="{r.RouteTable.RouteTableId}",
        read=Call("describe_route_tables", {"RouteTableIds": ["{id}"]}),
        at="RouteTables.0",
        outputs={"arn": "arn:{partition}:ec2:{region}:{account}:route-table/{id}", "ownerId": "{account}"},
        delete=(Call("delete_route_table", {"RouteTableId": "{id}"}),),
        tags=_TAGGING,
        mark="route-table",
        find=Call("describe_route_tables", _MARKED),
        found="RouteTables",
        found_id="{r.RouteTableId}",
    ),
    Row(
        "aws:ec2/route:Route",
        "ec2",
        Call("create_route", take=ALL),
        id="r-{routeTableId}-{destinationCidrBlock|}{destinationIpv6CidrBlock|}",
        adopt=(
            r"(?P<routeTableId>rtb-[0-9a-f]+)_"
            r"((?P<destinationCidrBlock>[\d.]+/\d+)|(?P<destinationIpv6CidrBlock>[\da-f:]+/\d+))"
        ),
        read=Call("describe_route_tables", {"RouteTableIds": ["{routeTableId}"]}),
        at="RouteTables.0",
        pick=_route,
        outputs={"state": "active", "origin": "CreateRoute"},
        groups=(Group(ALL, Call("replace_route", take=ALL)),),
        delete=(
            Call(
                "delete_route",
                take=("routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock"),
                fixed={
                    "RouteTableId": "{routeTableId}",
                    "DestinationCidrBlock": "{destinationCidrBlock}",
                    "DestinationIpv6CidrBlock": "{destinationIpv6CidrBlock}",
                },
            ),
        ),
    ),
    Row(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "ec2",
        Call("associate_route_table", take=("routeTableId", "subnetId", "gatewayId")),
        id="{r.AssociationId}",
        read=Call(
            "describe_route_tables",
            {"Filters": [{"Name": "association.route-table-association-id", "Values": ["{id}"]}]},
        ),
        at="RouteTables.0",
        delete=(Call("disassociate_route_table", {"AssociationId": "{id}"}),),
        find=Call(
            "describe_route_tables",
            {
                "RouteTableIds": ["{routeTableId}"],
                "Filters": [{"Name": "association.subnet-id", "Values": ["{subnetId}"]}],
            },
        ),
        found="RouteTables.0.Associations",
        found_id="{r.RouteTableAssociationId}",
    ),
    Row(
        "aws:ec2/securityGroup:SecurityGroup",
        "ec2",
        Call(
            "create_security_group",
            {"GroupName": "{name}", "Description": "{description}"},
            take=("vpcId", "tags"),
        ),
        id="{r.GroupId}",
        read=Call("describe_security_groups", {"GroupIds": ["{id}"]}),
        at="SecurityGroups.0",
        outputs={"arn": "arn:{partition}:ec2:{region}:{account}:security-group/{id}", "ownerId": "{account}"},
        groups=(
            Group(
                ("ingress",),
                Call(
                    "authorize_security_group_ingress",
                    {"GroupId": "{id}", "IpPermissions": "{ingressPermissions}"},
                    when="{ingressPermissions}",
                ),
                after=True,
            ),
            Group(
                ("egress",),
                Call(
                    "authorize_security_group_egress",
                    {"GroupId": "{id}", "IpPermissions": "{egressPermissions}"},
                    when="{egressPermissions}",
                ),
                after=True,
            ),
        ),
        delete=(Call("delete_security_group", {"GroupId": "{id}"}),),
        tags=_TAGGING,
        names={"name": "GroupName", "ingress": None, "egress": None},
        skip=("revokeRulesOnDelete",),
        hook=_group,
        mark="security-group",
        find=Call("describe_security_groups", _MARKED),
        found="SecurityGroups",
        found_id="{r.GroupId}",
    ),
    Row(
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "ec2",
        Call("describe_security_groups", {"GroupIds": ["{securityGroupId}"]}),
        id="sgrule-{securityGroupId}-{type}-{protocol}-{fromPort}-{toPort}-{logical}",
        adopt=(
            r"(?P<securityGroupId>sg-[0-9a-f]+)_(?P<type>[a-z]+)_(?P<protocol>[^_]+)_(?P<fromPort>-?\d+)_(?P<toPort>-?\d+)"
            r"(_.+)?"
        ),
        read=Call("describe_security_groups", {"GroupIds": ["{securityGroupId}"]}),
        at="SecurityGroups.0",
        outputs={"securityGroupRuleId": "{id}"},
        groups=(
            Group(
                ("type",),
                Call(
                    "authorize_security_group_ingress",
                    {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                    when="{in}",
                ),
                after=True,
            ),
            Group(
                ("securityGroupId",),
                Call(
                    "authorize_security_group_egress",
                    {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                    when="{out}",
                ),
                after=True,
            ),
            Group(
                ("description",),
                Call(
                    "update_security_group_rule_descriptions_ingress",
                    {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                    when="{in}",
                ),
            ),
        ),
        delete=(
            Call(
                "revoke_security_group_ingress",
                {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                when="{in}",
            ),
            Call(
                "revoke_security_group_egress",
                {"GroupId": "{securityGroupId}", "IpPermissions": "{permissions}"},
                when="{out}",
            ),
        ),
        names={"description": None},
        pick=_rule_of_group,
        unseen=("type", "protocol", "fromPort", "toPort", "cidrBlocks", "description", "self"),
        hook=_classic_rule,
    ),
    _rule(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "authorize_security_group_ingress",
        "revoke_security_group_ingress",
        "ingress",
    ),
    _rule(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "authorize_security_group_egress",
        "revoke_security_group_egress",
        "egress",
    ),
    Row(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "ec2",
        Call("create_vpc_endpoint", take=ALL),
        id="{r.VpcEndpoint.VpcEndpointId}",
        read=Call("describe_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}),
        at="VpcEndpoints.0",
        outputs={
            "arn": "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}",
            "prefixListId": "pl-local",
            "state": "{r.State}",
            "networkInterfaceIds": "{r.NetworkInterfaceIds}",
            "dnsEntries": "{r.DnsEntries}",
            "ownerId": "{account}",
        },
        groups=(
            Group(("policy",), Call("modify_vpc_endpoint", {"VpcEndpointId": "{id}", "PolicyDocument": "{policy}"})),
            Group(
                ("routeTableIds",),
                Call("modify_vpc_endpoint", {"VpcEndpointId": "{id}", "AddRouteTableIds": "{routeTableIds}"}),
            ),
            Group(
                ("subnetIds",),
                Call("modify_vpc_endpoint", {"VpcEndpointId": "{id}", "AddSubnetIds": "{subnetIds}"}),
            ),
        ),
        delete=(Call("delete_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}),),
        tags=_TAGGING,
        names={"policy": "PolicyDocument"},
        skip=("autoAccept",),
        mark="vpc-endpoint",
        gone_in={"State": ("deleted", "deleting")},
        find=Call("describe_vpc_endpoints", _MARKED),
        found="VpcEndpoints",
        found_id="{r.VpcEndpointId}",
    ),
    Row(
        "aws:ec2/flowLog:FlowLog",
        "ec2",
        Call("create_flow_logs", {"ResourceIds": ["{vpcId|}"], "ResourceType": "VPC"}, take=ALL),
        id="{r.FlowLogIds.0}",
        read=Call("describe_flow_logs", {"FlowLogIds": ["{id}"]}),
        at="FlowLogs.0",
        outputs={"arn": "arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{id}"},
        delete=(Call("delete_flow_logs", {"FlowLogIds": ["{id}"]}),),
        tags=_TAGGING,
        names={"vpcId": None, "iamRoleArn": "DeliverLogsPermissionArn"},
        mark="vpc-flow-log",
        find=Call("describe_flow_logs", {"Filter": [{"Name": "tag:mlops-iac:urn", "Values": ["{mark}"]}]}),
        found="FlowLogs",
        found_id="{r.FlowLogId}",
    ),
    Row(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "ec2",
        Call(
            "describe_security_groups",
            {"Filters": [{"Name": "vpc-id", "Values": ["{vpcId}"]}, {"Name": "group-name", "Values": ["default"]}]},
        ),
        id="{r.SecurityGroups.0.GroupId}",
        read=Call("describe_security_groups", {"GroupIds": ["{id}"]}),
        at="SecurityGroups.0",
        outputs={
            "arn": "arn:{partition}:ec2:{region}:{account}:security-group/{id}",
            "name": "default",
            "ownerId": "{account}",
        },
        tags=Tagging({"Resources": ["{id}"]}, "create_tags", "delete_tags", after=True),
        skip=("ingress", "egress", "revokeRulesOnDelete"),
        find=Call(
            "describe_security_groups",
            {"Filters": [{"Name": "vpc-id", "Values": ["{vpcId}"]}, {"Name": "group-name", "Values": ["default"]}]},
        ),
        found="SecurityGroups",
        found_id="{r.GroupId}",
    ),
    Row(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "ec2",
        Call("create_launch_template", take=("name", "description", "launchTemplateData", "tags")),
        id="{r.LaunchTemplate.LaunchTemplateId}",
        read=Call("describe_launch_templates", {"LaunchTemplateIds": ["{id}"]}),
        at="LaunchTemplates.0",
        outputs={
            "arn": "arn:{partition}:ec2:{region}:{account}:launch-template/{id}",
            "latestVersion": "{r.LatestVersionNumber}",
            "defaultVersion": "{r.DefaultVersionNumber}",
        },
        groups=(
            Group(
                ALL,
                Call(
                    "create_launch_template_version",
                    {"LaunchTemplateId": "{id}"},
                    take=("description", "launchTemplateData"),
                ),
            ),
        ),
        delete=(Call("delete_launch_template", {"LaunchTemplateId": "{id}"}),),
        tags=_TAGGING,
        names=_TEMPLATE_NAMES,
        hook=_encoded,
        mark="launch-template",
        find=Call("describe_launch_templates", {"LaunchTemplateNames": ["{name}"]}),
        found="LaunchTemplates",
        found_id="{r.LaunchTemplateId}",
    ),
)
