from __future__ import annotations

import pytest

CLUSTER = """
clusters:
  research: {version: "1.35", pools: {system: {instance_type: m6i.large, min_nodes: 1, max_nodes: 2}}}
"""


def test_a_new_network_is_private_and_watched(compiled):
    system = compiled("network: {cidr: 10.20.0.0/16, availability_zones: 3}")
    assert [node.inputs["cidrBlock"] for node in system.of_type(":Subnet")] == [
        "10.20.192.0/22",
        "10.20.196.0/22",
        "10.20.200.0/22",
        "10.20.0.0/19",
        "10.20.32.0/19",
        "10.20.64.0/19",
    ]
    assert all(node.inputs["mapPublicIpOnLaunch"] is False for node in system.of_type(":Subnet"))
    assert system.inputs("network.private-3")["availabilityZone"] == "eu-west-1c"
    closed = system.inputs("network.default-closed")
    assert (closed["ingress"], closed["egress"]) == ([], [])
    assert system.inputs("network.flow-log", "FlowLog")["trafficType"] == "ALL"
    assert system.inputs("network.flow-logs")["kmsKeyId"] == "keys.internal-key.arn"


@pytest.mark.parametrize(
    ("nat", "gateways"), [("none", []), ("single", ["nat-1"] * 3), ("per_zone", ["nat-1", "nat-2", "nat-3"])]
)
def test_nat(compiled, nat, gateways):
    system = compiled(f"network: {{nat: {nat}}}")
    routes = [f"network.private-{number}-default" for number in (1, 2, 3)]
    used = [system.inputs(route)["natGatewayId"] for route in routes if route in system.names()]
    assert used == [f"network.{gateway}.id" for gateway in gateways]
    assert len(system.of_type(":NatGateway")) == len(set(gateways))


def test_a_further_zone_leaves_existing_resources_as_they_are(compiled):
    two, three = (
        {n.key: n.inputs for n in compiled(f"network: {{availability_zones: {zones}}}").of_type("ubnet")}
        for zones in (2, 3)
    )
    assert two.items() <= three.items()


def test_short_names_stand_for_all_endpoints_of_a_service(compiled):
    system = compiled("network: {private_endpoints: [s3, ecr, sagemaker, eks]}")
    services = {
        node.inputs["serviceName"].removeprefix("com.amazonaws.eu-west-1.") for node in system.of_type(":VpcEndpoint")
    }
    assert services == {
        "s3",
        "ecr.api",
        "ecr.dkr",
        "eks",
        "eks-auth",
        "sagemaker.api",
        "sagemaker.runtime",
        "sagemaker.featurestore-runtime",
    }
    assert len(system.inputs("network.endpoint-s3")["routeTableIds"]) == 3
    assert system.inputs("network.endpoint-ecr-api")["privateDnsEnabled"] is True


def test_workloads_reach_each_other_and_https_in_the_vpc_only(compiled):
    system = compiled("network: {cidr: 10.20.0.0/16}")
    rules = {node.name.removeprefix("network."): node.inputs for node in system.of_type(":SecurityGroupEgressRule")}
    assert set(rules) == {"workloads-to-each-other", "workloads-to-vpc", "workloads-to-s3"}
    assert rules["workloads-to-vpc"]["cidrIpv4"] == "10.20.0.0/16"
    assert system.inputs("network.workloads-to-s3")["prefixListId"] == "network.endpoint-s3.prefixListId"
    open_to_all = compiled("network: {internet_egress: true}").inputs("network.workloads-to-internet")
    assert (open_to_all["cidrIpv4"], open_to_all["fromPort"], open_to_all["toPort"]) == ("0.0.0.0/0", 443, 443)


def test_load_balancer_tags_only_where_there_is_a_cluster(compiled):
    assert "kubernetes.io/role/internal-elb" not in compiled("").inputs("network.private-1", ":Subnet")["tags"]
    tags = compiled(CLUSTER).inputs("network.private-1", ":Subnet")["tags"]
    assert tags["kubernetes.io/role/internal-elb"] == "1"


def test_an_existing_vpc_gets_endpoints_and_security_groups_only(compiled):
    system = compiled(
        """
        network:
          vpc: existing
          vpc_id: vpc-0a1b2c3d
          cidr: 10.40.0.0/24
          private_subnet_ids: [subnet-1, subnet-2]
          private_route_table_ids: [rtb-1]
          private_endpoints: [s3, sts]
        """
    )
    assert not system.of_type(":Vpc") and not system.of_type(":Subnet") and not system.of_type(":NatGateway")
    assert system.inputs("network.endpoint-sts")["subnetIds"] == ["subnet-1", "subnet-2"]
    assert system.inputs("network.endpoint-s3")["routeTableIds"] == ["rtb-1"]
    assert system.inputs("network.workloads")["vpcId"] == "vpc-0a1b2c3d"


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("{cidr: 10.20.1.0/16}", ("cidr",), "MI3100"),
        ("{cidr: 10.20.0.0/24}", ("cidr",), "MI3100"),
        ("{vpc: existing}", ("vpc",), "MI3101"),
        ("{vpc_id: vpc-0a}", ("vpc_id",), "MI3102"),
        ("{availability_zones: 4}", ("availability_zones",), "MI3104"),
        ("{nat: none, internet_egress: true}", ("internet_egress",), "MI3106"),
    ],
)
def test_what_cannot_work_is_refused(problems, text, path, code):
    assert problems(f"network: {text}")[("network", *path)] == code


def test_a_cluster_needs_two_zones_and_a_way_to_aws(problems):
    assert problems(f"network: {{availability_zones: 1}}{CLUSTER}")["network", "availability_zones"] == "MI3103"
    closed = problems(f"network: {{nat: none}}{CLUSTER}")
    assert closed["network", "private_endpoints"] == "MI3105"
