from __future__ import annotations

from typing import get_args

import pytest
import yaml

from mlops_iac.components.compute.clusters import VERSIONS, Version, service_range
from mlops_iac.components.compute.node_pools import ami_type
from mlops_iac.graph.values import Secret
from mlops_iac.providers.ec2 import instance_types

SYSTEM = "system: {instance_type: m6i.large, min_nodes: 2, max_nodes: 4}"
RESEARCH = f"""
clusters:
  research:
    version: "1.35"
    pools:
      {SYSTEM}
      batch: {{instance_type: c7i.4xlarge, max_nodes: 10}}
      a10g: {{instance_type: g5.12xlarge, max_nodes: 8, capacity: spot, disk: 500GiB}}
    queues:
      risk-team: {{gpus: 16, borrow: true}}
      nlp-team: {{gpus: 8, cpu: 64, memory: 256GiB, priority: high}}
"""
SMALL = f"""
clusters:
  small: {{version: "1.35", pools: {{{SYSTEM}}}}}
"""


def test_the_api_is_private_logged_and_opened_by_entries_only(compiled):
    system = compiled(SMALL)
    cluster = system.inputs("small.cluster")
    assert cluster["vpcConfig"]["endpointPublicAccess"] is False
    assert cluster["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    assert len(cluster["enabledClusterLogTypes"]) == 5
    assert cluster["encryptionConfig"]["resources"] == ["secrets"]
    assert system.node("small.control-plane-log").key in system.node("small.cluster").options.depends_on
    assert system.inputs("small.admin-permission")["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")


def test_nodes_demand_tokens_and_encrypt_their_volumes(compiled):
    template = compiled(RESEARCH).inputs("research.template-a10g")
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert template["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert [device["ebs"]["encrypted"] for device in template["blockDeviceMappings"]] == ["true", "true"]
    assert template["blockDeviceMappings"][1]["ebs"]["volumeSize"] == 500


def test_gpu_pools_cost_nothing_while_idle_and_keep_other_pods_away(compiled):
    group = compiled(RESEARCH).inputs("research.pool-a10g")
    assert group["scalingConfig"] == {"minSize": 0, "maxSize": 8, "desiredSize": 0}
    assert group["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert group["capacityType"] == "SPOT"
    assert group["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"
    assert compiled(RESEARCH).node("research.pool-a10g").options.ignore_changes == ("scalingConfig.desiredSize",)


def test_a_change_that_replaces_a_pool_renames_it(compiled):
    names = {
        compiled(RESEARCH.replace("g5.12xlarge", type)).inputs("research.pool-a10g")["nodeGroupName"]
        for type in ("g5.12xlarge", "g5.48xlarge")
    }
    assert len(names) == 2


@pytest.mark.parametrize(
    ("os", "type", "image"),
    [
        ("bottlerocket", "m7g.large", "BOTTLEROCKET_ARM_64"),
        ("bottlerocket", "p5.48xlarge", "BOTTLEROCKET_x86_64_NVIDIA"),
        ("al2023", "g6e.xlarge", "AL2023_x86_64_NVIDIA"),
        ("al2023", "g5g.xlarge", "AL2023_ARM_64_NVIDIA"),
        ("al2023", "m6i.large", "AL2023_x86_64_STANDARD"),
    ],
)
def test_node_images(os, type, image):
    assert ami_type(os, instance_types()[type]) == image


def test_networking_comes_before_nodes_and_the_rest_after(compiled):
    system = compiled(SMALL)
    before = system.node("small.pool-system").options.depends_on
    assert {
        system.node(f"small.addon-{name}").key for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
    } <= set(before)
    for name in ("coredns", "metrics-server", "aws-ebs-csi-driver"):
        assert system.node("small.pool-system").key in system.node(f"small.addon-{name}").options.depends_on


def test_the_provider_signs_in_when_it_is_used(compiled):
    provider = compiled(SMALL).node("kubernetes-small")
    kubeconfig = provider.inputs["kubeconfig"]
    assert isinstance(kubeconfig, Secret)
    (user,) = kubeconfig.value.value["users"]
    assert user["user"]["exec"]["command"] == "aws"
    assert user["user"]["exec"]["args"][:2] == ["eks", "get-token"]


def test_every_namespace_is_restricted_and_denies_by_default(compiled):
    system = compiled(RESEARCH)
    namespaces = {node.inputs["metadata"]["name"]: node for node in system.of_type(":Namespace")}
    assert set(namespaces) == {"cluster-autoscaler", "kueue-system", "risk-team", "nlp-team"}
    for node in namespaces.values():
        assert node.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    denied = {
        node.inputs["metadata"]["namespace"]
        for node in system.of_type(":NetworkPolicy")
        if node.inputs["metadata"]["name"] == "default-deny"
    }
    assert denied == set(namespaces)
    deny = system.inputs("research.team-risk-team-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_queue_gets_its_gpus_with_their_share_of_processors(compiled):
    queue = compiled(RESEARCH).inputs("research.cluster-queue-risk-team")["spec"]
    assert queue["cohortName"] == "research"
    (group,) = queue["resourceGroups"]
    assert group["coveredResources"] == ["cpu", "memory", "nvidia.com/gpu"]
    quotas = {
        flavor["name"]: {r["name"]: r["nominalQuota"] for r in flavor["resources"]} for flavor in group["flavors"]
    }
    assert quotas == {
        "batch": {"cpu": "0", "memory": "0Gi", "nvidia.com/gpu": "0"},
        "a10g": {"cpu": "192", "memory": "691Gi", "nvidia.com/gpu": "16"},
    }
    assert "borrowingLimit" not in group["flavors"][0]["resources"][0]


def test_a_queue_that_may_not_borrow_has_limits(compiled):
    system = compiled(RESEARCH)
    (group,) = system.inputs("research.cluster-queue-nlp-team")["spec"]["resourceGroups"]
    assert all(resource["borrowingLimit"] == "0" for flavor in group["flavors"] for resource in flavor["resources"])
    quota = system.inputs("research.quota-nlp-team")["spec"]["hard"]
    assert quota["requests.nvidia.com/gpu"] == "8"
    assert system.inputs("research.quota-risk-team")["spec"]["hard"]["requests.nvidia.com/gpu"] == "32"


def test_a_team_has_no_pods_above_its_priority(compiled):
    names = compiled(RESEARCH).names()
    scope = compiled(RESEARCH).inputs("research.quota-priority-risk-team")["spec"]
    assert scope["scopeSelector"]["matchExpressions"][0]["values"] == ["high"]
    assert "research.quota-priority-nlp-team" not in names


def test_only_al2023_needs_the_device_plugin(compiled):
    assert not compiled(RESEARCH).of_type(":DaemonSet")
    system = compiled(RESEARCH.replace("disk: 500GiB", "os: al2023"))
    (plugin,) = system.of_type(":DaemonSet")
    assert "@sha256:" in plugin.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
    namespace = system.inputs("research.device-plugin-namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_charts_are_pinned(compiled):
    releases = compiled(RESEARCH).of_type(":Release")
    assert {node.inputs["name"] for node in releases} == {"kueue", "cluster-autoscaler"}
    assert all(node.inputs["version"][0].isdigit() for node in releases)


def test_services_have_addresses_that_the_vpc_has_not():
    assert service_range("10.0.0.0/16") == "172.20.0.0/16"
    assert service_range("172.20.0.0/18") == "10.100.0.0/16"


def test_the_supported_versions_are_those_with_a_date():
    assert get_args(Version) == tuple(VERSIONS)


def changed(**pools_or_queues):
    """RESEARCH with single fields changed: ``pools__a10g__min_nodes=9``."""
    data = yaml.safe_load(RESEARCH)
    for path, value in pools_or_queues.items():
        *parents, last = path.split("__")
        place = data["clusters"]["research"]
        for parent in parents:
            place = place[parent.replace("_", "-") if parent.endswith("_team") else parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return yaml.safe_dump(data)


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"pools__a10g__min_nodes": 9}, ("pools", "a10g", "min_nodes"), "MI3200"),
        ({"pools__system": None}, ("pools",), "MI3201"),
        ({"pools__system__min_nodes": 0}, ("pools", "system", "min_nodes"), "MI3202"),
        ({"pools__system__capacity": "spot"}, ("pools", "system", "capacity"), "MI3202"),
        ({"pools__system__instance_type": "g5.xlarge"}, ("pools", "system", "instance_type"), "MI3202"),
        ({"pools__a10g__instance_type": "g5.13xlarge"}, ("pools", "a10g", "instance_type"), "MI3203"),
        ({"queues__risk_team__gpus": 40}, ("queues", "risk-team", "gpus"), "MI3204"),
        ({"queues__risk_team__gpus": 30}, ("queues",), "MI3204"),
        ({"queues__default": {"gpus": 1}}, ("queues", "default"), "MI3206"),
        (
            {"pools__trn": {"instance_type": "trn1.2xlarge", "max_nodes": 1}},
            ("pools", "trn", "instance_type"),
            "MI3207",
        ),
        ({"public_access": ["0.0.0.0/0"]}, ("public_access", 0), "MI3208"),
        (
            {"access": {"a": {"principal": "arn:aws:iam::111122223333:role/a", "namespaces": ["risk-tema"]}}},
            ("access", "a", "namespaces", 0),
            "MI3209",
        ),
    ],
)
def test_what_cannot_work_is_refused(problems, changes, path, code):
    assert problems(changed(**changes))[("clusters", "research", *path)] == code


def test_spot_is_refused_where_the_environment_forbids_it(problems):
    env = (
        "env: {name: prod, protect_data: true, force_destroy: false, multi_az: true, deletion_window: 30d, "
        "log_retention: 400d, backup_retention: 30d, spot: false}\n"
    )
    assert problems(env + RESEARCH)["clusters", "research", "pools", "a10g", "capacity"] == "MI3205"


def test_a_version_without_quotes_is_a_number(problems):
    assert problems(RESEARCH.replace('"1.35"', "1.35"))["clusters", "research", "version"].startswith("MI2")
