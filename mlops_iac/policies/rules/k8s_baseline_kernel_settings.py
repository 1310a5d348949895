"""Pods leave the kernel's protections as they are.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import must, none_of, text, texts
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
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, containers, pod_metadata, pod_spec

CAPABILITIES: Final = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
SELINUX_TYPES: Final = frozenset({"", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """Capabilities, sysctls, SELinux, AppArmor, procMount, seccomp and Windows host processes stay in the baseline."""
    pod = pod_spec(resource)
    for sysctl in pod.each("securityContext.sysctls"):
        if sysctl.text("name") not in SYSCTLS:
            return fail(f"sets the kernel parameter {sysctl.text('name')}", sysctl.path_of("name"))
    annotations = pod_metadata(resource).at("annotations")
    for key in annotations if isinstance(annotations, Inputs) else ():
        if "apparmor.security.beta.kubernetes.io" in key and annotations.at(key) == "unconfined":
            return fail("runs without AppArmor", annotations.path_of(key))
    return worst((pod, *containers(pod)), _within_baseline)


def _within_baseline(item: Inputs) -> Result:
    context = item.at("securityContext")
    if not isinstance(context, Inputs):
        return PASS
    for capability in context.list("capabilities.add"):
        if str(capability).upper().removeprefix("CAP_") not in CAPABILITIES:
            return fail(f"adds the capability {capability}", context.path_of("capabilities.add"))
    for profile in ("seccompProfile", "appArmorProfile"):
        if context.at(f"{profile}.type") == "Unconfined":
            return fail(f"switches {profile} off", context.path_of(f"{profile}.type"))
    if context.text("procMount", "Default") != "Default":
        return fail("sees all of /proc", context.path_of("procMount"))
    selinux = ("seLinuxOptions.user", "seLinuxOptions.role")
    if context.text("seLinuxOptions.type") not in SELINUX_TYPES or any(context.has(name) for name in selinux):
        return fail("chooses SELinux options of its own", context.path_of("seLinuxOptions"))
    if context.flag("windowsOptions.hostProcess"):
        return fail("is a Windows host process", context.path_of("windowsOptions.hostProcess"))
    return PASS


def _pod(container: dict[str, Any], pod: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"spec": {"securityContext": pod or {}, "containers": [{"name": "main", "securityContext": container}]}}


POLICY = Policy(
    id="k8s-baseline-kernel-settings",
    title="Pods keep to the baseline of kernel settings",
    why="An added capability or a switched-off profile is what makes an ordinary flaw an escape to the node.",
    fix="remove the setting, or use one that the pod security standard's baseline allows",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=WORKLOADS,
    controls={
        "pss-baseline": (
            "capabilities_baseline",
            "sysctls",
            "seLinuxOptions",
            "appArmorProfile",
            "procMount",
            "seccompProfile_baseline",
            "windowsHostProcess",
        ),
        "checkov": ("CKV_K8S_39",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
    check=check,
    admission=admits_workloads(
        none_of(
            "variables.pod.?securityContext.?sysctls.orValue([])",
            "s",
            f"!(s.name in {texts(sorted(SYSCTLS))})",
            "s.name",
            "sets the kernel parameter {}",
        ),
        must(
            "variables.annotations.all(k, "
            "!k.contains('apparmor.security.beta.kubernetes.io') || variables.annotations[k] != 'unconfined')",
            "runs without AppArmor",
        ),
        must(
            "variables.contexts.all(s, s.?capabilities.?add.orValue([])"
            f".all(a, a.upperAscii().matches({text(f'^(CAP_)?({chr(124).join(sorted(CAPABILITIES))})$')})))",
            "adds capabilities beyond the baseline",
        ),
        must(
            "variables.contexts.all(s, s.?seccompProfile.?type.orValue('') != 'Unconfined'"
            " && s.?appArmorProfile.?type.orValue('') != 'Unconfined')",
            "switches seccomp or AppArmor off",
        ),
        must("variables.contexts.all(s, s.?procMount.orValue('Default') == 'Default')", "sees all of /proc"),
        must(
            f"variables.contexts.all(s, s.?seLinuxOptions.?type.orValue('') in {texts(sorted(SELINUX_TYPES))}"
            " && s.?seLinuxOptions.?user.orValue('') == '' && s.?seLinuxOptions.?role.orValue('') == '')",
            "chooses SELinux options of its own",
        ),
        must("variables.contexts.all(s, !s.?windowsOptions.?hostProcess.orValue(false))", "is a Windows host process"),
        variables={
            "annotations": "variables.template.?metadata.?annotations.orValue({})",
            "contexts": "[variables.pod.?securityContext.orValue({})]"
            " + variables.containers.map(c, c.?securityContext.orValue({}))",
        },
    ),
    samples=(
        passes(POD, _pod({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})),
        fails(POD, _pod({"capabilities": {"add": ["SYS_ADMIN"]}})),
        fails(POD, _pod({"seccompProfile": {"type": "Unconfined"}})),
        fails(POD, _pod({}, {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})),
        fails(POD, _pod({"seLinuxOptions": {"type": "spc_t"}})),
        waits(POD, _pod({"procMount": UNKNOWN})),
        ELSEWHERE,
    ),
)
