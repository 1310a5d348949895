"""Containers write only where they are meant to.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import none_of, texts
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
    CRON_JOB,
    JOB,
    POD,
    WORKLOADS,
    admits_workloads,
    called,
    containers,
    no_container,
    pod_spec,
)

SAFE_VOLUMES: Final = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
BATCH: Final = (JOB, CRON_JOB)


def check(resource: ResourceView, stack: StackView) -> Result:
    """Only volume types of the restricted standard; services, though not batch jobs, have a read-only root."""
    pod = pod_spec(resource)
    for volume in pod.each("volumes"):
        unsafe = sorted(kind for kind in volume if kind != "name" and kind not in SAFE_VOLUMES and volume.has(kind))
        if unsafe:
            return fail(f"mounts a volume of type {unsafe[0]}", volume.path_of(unsafe[0]))
    return PASS if resource.type in BATCH else worst(containers(pod), _read_only)


def _read_only(container: Inputs) -> Result:
    if container.flag("securityContext.readOnlyRootFilesystem"):
        return PASS
    path = container.path_of("securityContext.readOnlyRootFilesystem")
    return fail(f"lets {called(container)} change its own files", path)


def _pod(read_only: Any, volume: dict[str, Any]) -> dict[str, Any]:
    container = {"name": "main", "securityContext": {"readOnlyRootFilesystem": read_only}}
    return {"spec": {"volumes": [{"name": "data", **volume}], "containers": [container]}}


POLICY = Policy(
    id="k8s-volumes-and-root-fs",
    title="Pods use safe volume types and a read-only root",
    why="An attacker who cannot write to the image's files has nowhere to put tools.",
    fix="set readOnlyRootFilesystem: true and mount an emptyDir where scratch space is needed",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=WORKLOADS,
    controls={
        "pss-restricted": ("restrictedVolumes", "procMount_restricted"),
        "checkov": ("CKV_K8S_22",),
        "eu-ai-act": ("15(5)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
    check=check,
    admission=admits_workloads(
        none_of(
            "variables.volumes",
            "v",
            f"v.exists(k, k != 'name' && !(k in {texts(sorted(SAFE_VOLUMES))}))",
            "v.name",
            "has volumes of a type beyond the restricted standard: {}",
        ),
        no_container(
            "!(object.kind in ['Job', 'CronJob']) && !c.?securityContext.?readOnlyRootFilesystem.orValue(false)",
            "lets container {} change its own files",
        ),
        where={
            "not-made-by-a-job": "!(object.kind == 'Pod'"
            " && object.metadata.?ownerReferences.orValue([]).exists(o, o.kind == 'Job'))"
        },
    ),
    samples=(
        passes(POD, _pod(True, {"emptyDir": {}})),
        fails(POD, _pod(False, {"emptyDir": {}})),
        fails(POD, _pod(True, {"nfs": {"server": "10.0.0.1", "path": "/"}})),
        passes(JOB, {"spec": {"template": _pod(False, {"emptyDir": {}})}}),
        waits(POD, _pod(UNKNOWN, {"emptyDir": {}})),
        ELSEWHERE,
    ),
)
