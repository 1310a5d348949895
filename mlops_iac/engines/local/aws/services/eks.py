"""EKS: https://docs.aws.amazon.com/eks/latest/APIReference/

moto has clusters and node groups; add-ons, access entries and pod identity are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_iac.engines.local.aws.row import ALL, Call, Group, Row, Tagging
from mlops_iac.engines.local.aws.session import ExistsError, Session

_TAGGING = Tagging({"resourceArn": "{o.arn}"})
_CLUSTER = {"clusterName": "{clusterName}"}
_GROUP = {"clusterName": "{clusterName}", "nodegroupName": "{nodeGroupName}"}


def _cluster_group(session: Session, context: Mapping[str, Any]) -> dict[str, Any]:
    """EKS gives each cluster a security group of its own; moto does not, so it is made here as EKS would.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    name = f"eks-cluster-sg-{context['name']}"
    declared = context["vpcConfig"]
    subnets = session.call("ec2", "describe_subnets", {"SubnetIds": declared["subnetIds"][:1]})["Subnets"]
    vpc = subnets[0]["VpcId"]
    filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]

    def existing() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = session.call("ec2", "describe_security_groups", {"Filters": filters})[
            "SecurityGroups"
        ]
        return found

    groups = existing()
    if not groups:
        about = {"GroupName": name, "Description": "EKS created security group", "VpcId": vpc}
        try:
            groups = [session.call("ec2", "create_security_group", about)]
        except ExistsError:
            groups = existing()
    return {"vpcConfig": {**declared, "vpcId": vpc, "clusterSecurityGroupId": groups[0]["GroupId"]}}


ROWS = (
    Row(
        "aws:eks/cluster:Cluster",
        "eks",
        Call("create_cluster", take=ALL),
        id="{name}",
        read=Call("describe_cluster", {"name": "{name}"}),
        at="cluster",
        outputs={
            "arn": "{r.arn}",
            "endpoint": "{r.endpoint}",
            "status": "{r.status}",
            "certificateAuthority": "{r.certificateAuthority}",
            "identities": [{"oidcs": [{"issuer": "{r.identity.oidc.issuer}"}]}],
            "platformVersion": "{r.platformVersion}",
            "version": "{r.version}",
            "createdAt": "{r.createdAt}",
            "clusterId": "{name}",
        },
        groups=(
            Group(("version",), Call("update_cluster_version", {"name": "{name}", "version": "{version}"})),
            Group(
                ("vpcConfig", "enabledClusterLogTypes"),
                Call("update_cluster_config", {"name": "{name}"}, take=("vpcConfig",)),
            ),
        ),
        delete=(
            Call("delete_cluster", {"name": "{name}"}),
            Call(
                "delete_security_group",
                {"GroupId": "{o.vpcConfig.clusterSecurityGroupId}"},
                when="{o.vpcConfig.clusterSecurityGroupId}",
                service="ec2",
            ),
        ),
        enrich=_cluster_group,
        tags=_TAGGING,
        names={
            "vpcConfig": "resourcesVpcConfig",
            "vpcConfig.vpcId": None,
            "vpcConfig.clusterSecurityGroupId": None,
            "enabledClusterLogTypes": None,
            "encryptionConfig": "encryptionConfig",
        },
        skip=("defaultAddonsToRemoves", "forceUpdateVersion", "enabledClusterLogTypes"),
    ),
    Row(
        "aws:eks/nodeGroup:NodeGroup",
        "eks",
        Call("create_nodegroup", take=ALL),
        id="{clusterName}:{nodeGroupName}",
        read=Call("describe_nodegroup", _GROUP),
        at="nodegroup",
        outputs={"arn": "{r.nodegroupArn}", "status": "{r.status}", "resources": [{"autoscalingGroups": []}]},
        groups=(
            Group(
                ("scalingConfig", "updateConfig", "labels", "taints"),
                Call("update_nodegroup_config", _GROUP, take=("scalingConfig", "updateConfig")),
            ),
            Group(
                ("version", "launchTemplate", "releaseVersion"),
                Call("update_nodegroup_version", _GROUP, take=("version",)),
            ),
        ),
        delete=(Call("delete_nodegroup", _GROUP),),
        tags=_TAGGING,
        names={"nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"},
        skip=("forceUpdateVersion", "nodeRepairConfig", "warmPoolConfig"),
    ),
    Row(
        "aws:eks/addon:Addon",
        "eks",
        Call("create_addon", take=ALL),
        id="{clusterName}:{addonName}",
        read=Call("describe_addon", {**_CLUSTER, "addonName": "{addonName}"}),
        at="addon",
        outputs={"arn": "{r.addonArn}"},
        groups=(Group(ALL, Call("update_addon", take=ALL)),),
        delete=(Call("delete_addon", {**_CLUSTER, "addonName": "{addonName}"}),),
        tags=_TAGGING,
        names={"resolveConflictsOnCreate": "resolveConflicts"},
        skip=("resolveConflictsOnUpdate", "preserve"),
    ),
    Row(
        "aws:eks/accessEntry:AccessEntry",
        "eks",
        Call("create_access_entry", take=ALL),
        id="{clusterName}:{principalArn}",
        read=Call("describe_access_entry", {**_CLUSTER, "principalArn": "{principalArn}"}),
        at="accessEntry",
        outputs={"accessEntryArn": "{r.accessEntryArn}"},
        groups=(Group(ALL, Call("update_access_entry", take=ALL)),),
        delete=(Call("delete_access_entry", {**_CLUSTER, "principalArn": "{principalArn}"}),),
        names={"userName": "username"},
    ),
    Row(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "eks",
        Call("associate_access_policy", take=ALL),
        id="{clusterName}#{principalArn}#{policyArn}",
        read=Call("list_associated_access_policies", {**_CLUSTER, "principalArn": "{principalArn}"}),
        at="associatedAccessPolicies",
        delete=(
            Call(
                "disassociate_access_policy",
                {**_CLUSTER, "principalArn": "{principalArn}", "policyArn": "{policyArn}"},
            ),
        ),
    ),
    Row(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "eks",
        Call("create_pod_identity_association", take=ALL),
        id="{r.association.associationId}",
        read=Call("describe_pod_identity_association", {**_CLUSTER, "associationId": "{id}"}),
        at="association",
        outputs={"associationArn": "{r.associationArn}", "associationId": "{id}"},
        groups=(
            Group(
                ("roleArn",),
                Call("update_pod_identity_association", {**_CLUSTER, "associationId": "{id}", "roleArn": "{roleArn}"}),
            ),
        ),
        delete=(Call("delete_pod_identity_association", {**_CLUSTER, "associationId": "{id}"}),),
        find=Call(
            "list_pod_identity_associations",
            {**_CLUSTER, "namespace": "{namespace}", "serviceAccount": "{serviceAccount}"},
        ),
        found="associations",
        found_id="{r.associationId}",
    ),
)
