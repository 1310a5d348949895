"""Pods stay out of their node's namespaces, disks and ports.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import must, none_of
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    ELSEWHERE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    passes,
    waits,
    worst,
)
from mlops_iac.policies.workloads import (
    POD,
    WORKLOADS,
    admits_workloads,
    called,
    containers,
    no_container,
    pod_spec,
)

HOST_NAMESPACES: Final = ("hostNetwork", "hostPID", "hostIPC")
HOOKS: Final = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")


def check(resource: ResourceView, stack: StackView) -> Result:
    """No namespace, path, port or probe target of the host."""
    pod = pod_spec(resource)
    for name in HOST_NAMESPACES:
        if pod.flag(name):
            return fail(f"joins its node by {name}", pod.path_of(name))
    for volume in pod.each("volumes"):
        if volume.has("hostPath"):
            return fail(f"mounts the node's path {volume.text('hostPath.path')}", volume.path_of("hostPath"))
    return worst(containers(pod), _own_ports)


def _own_ports(container: Inputs) -> Result:
    for port in container.each("ports"):
        if port.at("hostPort"):
            return fail(f"opens a port of the node for {called(container)}", port.path_of("hostPort"))
    for hook in HOOKS:
        for action in ("httpGet", "tcpSocket"):
            if container.has(f"{hook}.{action}.host"):
                return fail(f"probes another host from {called(container)}", container.path_of(f"{hook}.{action}.host"))
    return PASS


def _pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main"}], **spec}}


POLICY = Policy(
    id="k8s-no-host-access",
    title="Pods do not reach into their node",
    why="A path or network of the node is a way to every other pod on it, and to the node's credentials.",
    fix="use a PersistentVolumeClaim or CSI volume and a Service; remove the settings that start with host",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={
        "pss-baseline": ("hostNamespaces", "hostPathVolumes", "hostPorts", "hostProbesAndHostLifecycle"),
        "checkov": ("CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19", "CKV_K8S_26", "CKV_K8S_27"),
        "cis-eks": ("4.2.2", "4.2.3", "4.2.4"),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
    check=check,
    admission=admits_workloads(
        must(
            "!(" + " || ".join(f"variables.pod.?{name}.orValue(false)" for name in HOST_NAMESPACES) + ")",
            f"joins its node by {', '.join(HOST_NAMESPACES[:-1])} or {HOST_NAMESPACES[-1]}",
        ),
        none_of("variables.volumes", "v", "has(v.hostPath)", "v.hostPath.path", "mounts the node's path {}"),
        no_container(
            "c.?ports.orValue([]).exists(p, p.?hostPort.orValue(0) != 0)", "opens a port of the node for container {}"
        ),
        no_container(
            "[" + ", ".join(f"c.?{hook.replace('.', '.?')}" for hook in HOOKS) + "].exists(h, "
            "h.?httpGet.?host.orValue('') != '' || h.?tcpSocket.?host.orValue('') != '')",
            "probes another host from container {}",
        ),
    ),
    samples=(
        passes(POD, _pod()),
        fails(POD, _pod(hostNetwork=True)),
        fails(POD, _pod(volumes=[{"name": "node", "hostPath": {"path": "/var/run"}}])),
        fails(POD, _pod(containers=[{"name": "main", "ports": [{"containerPort": 80, "hostPort": 80}]}])),
        fails(
            POD,
            _pod(containers=[{"name": "main", "livenessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}]),
        ),
        waits(POD, _pod(hostPID=UNKNOWN)),
        ELSEWHERE,
    ),
)
