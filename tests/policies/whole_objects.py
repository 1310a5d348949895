"""Makes whole Kubernetes objects of what a sample or a graph holds, so that other judges can read them."""

from __future__ import annotations

import copy
from typing import Any

from mlops_iac.engines.local.kubernetes.objects import kind_of
from mlops_iac.graph.evaluate import SecretValue
from mlops_iac.policies.workloads import WORKLOADS

IMAGE = "registry.example.com/sample@sha256:" + "a" * 64


def body_of(type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """A whole object from a sample, which has only what its rule reads."""
    body = copy.deepcopy(_plain(inputs))
    version, kind = kind_of(type, body)
    metadata = body.setdefault("metadata", {})
    metadata.setdefault("name", "sample")
    if type in WORKLOADS:
        _fill_workload(kind, body)
    if kind.endswith("Binding"):
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "train"}
        body["roleRef"] = {**role, **body.get("roleRef", {})}
    return {"apiVersion": version, "kind": kind, **body}


def _fill_workload(kind: str, body: dict[str, Any]) -> None:
    spec = body.setdefault("spec", {})
    if kind == "CronJob":
        spec.setdefault("schedule", "0 3 * * *")
        spec = spec.setdefault("jobTemplate", {}).setdefault("spec", {})
    pod = spec
    if kind != "Pod":
        template = spec.setdefault("template", {})
        pod = template.setdefault("spec", {})
        if kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
            labels = template.setdefault("metadata", {}).setdefault("labels", {"app": "sample"})
            spec.setdefault("selector", {"matchLabels": labels})
    if kind in ("Job", "CronJob"):
        pod.setdefault("restartPolicy", "Never")
    for container in pod.setdefault("containers", [{"name": "main"}]):
        container.setdefault("image", IMAGE)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretValue):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def known(value: Any) -> Any:
    """An object of the graph with texts in place of what only an apply can fill in."""
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else "registry.example.com/known"
