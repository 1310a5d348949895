"""What runs on every cluster: the autoscaler of its nodes, the queue controller, and GPU discovery on al2023.

Charts are pinned; their images come with them. Sources:
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md,
https://kueue.sigs.k8s.io/docs/installation/, https://github.com/NVIDIA/k8s-device-plugin
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.components.compute.queues import POOL_LABEL, SYSTEM_POOL
from mlops_iac.components.kubernetes import INTERNET_LABEL, Site, from_addresses, labels, namespace, network_policy
from mlops_iac.graph.iam import Statement
from mlops_iac.graph.values import Value

if TYPE_CHECKING:
    from mlops_iac.components.compute.clusters import ClusterOutputs

DEVICE_PLUGIN_IMAGE = (
    "nvcr.io/nvidia/k8s-device-plugin:v0.20.0@sha256:a61ba9fd8efb82f3a79f877f7580e02c1e8e7593f62473644bc9c79e315c3312"
)
KUEUE_CHART = ("oci://registry.k8s.io/kueue/charts/kueue", "0.17.2")
AUTOSCALER_CHART = ("cluster-autoscaler", "9.52.1")


def add_autoscaler(ctx: BuildContext, cluster: ClusterOutputs, site: Site) -> None:
    """Starts and stops nodes between each pool's least and most, by the tags that EKS puts on the pool's
    group.

    Source:
    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    """
    name = "cluster-autoscaler"
    space = namespace(ctx, "autoscaler-namespace", name, site)
    identity = cluster.pod_identity(ctx, "autoscaler-role", name, name, _scaling_permissions(ctx, cluster))
    chart, version = AUTOSCALER_CHART
    ctx.add(
        "autoscaler",
        "kubernetes:helm.sh/v3:Release",
        {
            "name": name,
            "namespace": name,
            "chart": chart,
            "version": version,
            "repositoryOpts": {"repo": "https://kubernetes.github.io/autoscaler"},
            "values": {
                "cloudProvider": "aws",
                "awsRegion": ctx.core.cloud.region,
                "autoDiscovery": {"clusterName": cluster.name},
                "fullnameOverride": name,
                "rbac": {"serviceAccount": {"name": name}},
                "podLabels": {INTERNET_LABEL: "https"},
                "nodeSelector": {POOL_LABEL: SYSTEM_POOL},
                "resources": {
                    "requests": {"cpu": "100m", "memory": "600Mi"},
                    "limits": {"memory": "1Gi"},
                },
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containerSecurityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            },
        },
        provider=site.provider,
        depends_on=(space, identity),
    )


def _scaling_permissions(ctx: BuildContext, cluster: ClusterOutputs) -> tuple[Statement, ...]:
    groups = ctx.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")
    return (
        Statement(
            (
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ),
            ("*",),
            unscoped="these actions take no resource: "
            "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html",
        ),
        Statement(
            ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            (groups,),
            {"StringEquals": {"aws:ResourceTag/eks:cluster-name": cluster.name}},
        ),
        Statement(
            ("eks:DescribeNodegroup",),
            (ctx.arn("eks", f"nodegroup/{ctx.namer.cloud(cluster.component, limit=100)}/*"),),
        ),
    )


def add_kueue(ctx: BuildContext, site: Site) -> Handle:
    """Admits jobs by team. Source: https://kueue.sigs.k8s.io/docs/installation/"""
    name = "kueue-system"
    space = namespace(ctx, "kueue-namespace", name, site)
    allowed = network_policy(
        ctx,
        "kueue-webhooks",
        "allow-webhooks",
        name,
        site,
        {},
        ingress=(from_addresses((site.vpc_cidr,), 9443, 8443, 8082),),
        after=space,
    )
    chart, version = KUEUE_CHART
    return ctx.add(
        "kueue",
        "kubernetes:helm.sh/v3:Release",
        {
            "name": "kueue",
            "namespace": name,
            "chart": chart,
            "version": version,
            "values": {"controllerManager": {"nodeSelector": {POOL_LABEL: SYSTEM_POOL}}},
        },
        provider=site.provider,
        depends_on=(space, allowed),
    )


def add_device_plugin(ctx: BuildContext, site: Site, image: str, pools: Sequence[str]) -> None:
    """Makes GPUs of al2023 nodes known to the kubelet, whose socket it has to reach on the host.

    Source: https://github.com/NVIDIA/k8s-device-plugin
    """
    name = "nvidia-device-plugin"
    space = namespace(ctx, "device-plugin-namespace", name, site, pod_security="privileged")
    container: dict[str, Value] = {
        "name": "device-plugin",
        "image": image,
        "env": [{"name": "FAIL_ON_INIT_ERROR", "value": "false"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "sockets", "mountPath": "/var/lib/kubelet/device-plugins"}],
    }
    in_gpu_pools: dict[str, Value] = {
        "matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": list(pools)}]
    }
    account = ctx.kubernetes(
        "device-plugin-account",
        "v1",
        "ServiceAccount",
        {"metadata": {"name": name, "namespace": name}, "automountServiceAccountToken": False},
        provider=site.provider,
        depends_on=(space,),
    )
    ctx.kubernetes(
        "device-plugin",
        "apps/v1",
        "DaemonSet",
        {
            "metadata": {"name": name, "namespace": name, "labels": labels(ctx, name)},
            "spec": {
                "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
                "updateStrategy": {"type": "RollingUpdate"},
                "template": {
                    "metadata": {"labels": labels(ctx, name)},
                    "spec": {
                        "serviceAccountName": name,
                        "automountServiceAccountToken": False,
                        "priorityClassName": "system-node-critical",
                        "affinity": {
                            "nodeAffinity": {
                                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [in_gpu_pools]}
                            }
                        },
                        "tolerations": [{"operator": "Exists"}],
                        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                        "containers": [container],
                        "volumes": [{"name": "sockets", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}],
                    },
                },
            },
        },
        provider=site.provider,
        depends_on=(account,),
    )
