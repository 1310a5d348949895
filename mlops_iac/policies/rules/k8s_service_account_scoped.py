"""Pods have an identity of their own, and no API token that they do not use.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import must
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
    neighbour,
    passes,
    waits,
)
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, namespace_of, pod_spec

ACCOUNT = "kubernetes:core/v1:ServiceAccount"
BINDINGS: Final = (
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """A workload names an account; a token is mounted only where a role is bound to the account, or on purpose."""
    if resource.type == ACCOUNT:
        key = (namespace_of(resource), resource.inputs.text("metadata.name"))
        if not resource.inputs.flag("automountServiceAccountToken", default=True) or key in stack.once(_bound):
            return PASS
        return fail("gives its API token to every pod that uses it", "automountServiceAccountToken")
    pod = pod_spec(resource)
    account = pod.text("serviceAccountName") or pod.text("serviceAccount") or "default"
    if account == "default":
        return fail("runs as the namespace's default account", pod.path_of("serviceAccountName"))
    key = (namespace_of(resource), account)
    if pod.has("automountServiceAccountToken") or key in stack.once(_quiet) or key in stack.once(_bound):
        return PASS
    return fail("mounts an API token without saying why", pod.path_of("automountServiceAccountToken"))


def _bound(stack: StackView) -> frozenset[tuple[str, str]]:
    return frozenset(
        (subject.text("namespace") or namespace_of(binding), subject.text("name"))
        for binding in stack.of_type(*BINDINGS)
        for subject in binding.inputs.each("subjects")
        if subject.at("kind") == "ServiceAccount"
    )


def _quiet(stack: StackView) -> frozenset[tuple[str, str]]:
    return frozenset(
        (namespace_of(account), account.inputs.text("metadata.name"))
        for account in stack.of_type(ACCOUNT)
        if not account.inputs.flag("automountServiceAccountToken", default=True)
    )


_PLACE = {"name": "train", "namespace": "training"}
_BINDING = neighbour(
    BINDINGS[0],
    {"metadata": _PLACE, "subjects": [{"kind": "ServiceAccount", "name": "train", "namespace": "training"}]},
)


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": _PLACE, "spec": spec}


POLICY = Policy(
    id="k8s-service-account-scoped",
    title="Pods have their own service account and no needless token",
    why="Every pod that shares an account has the rights of all of them, and a mounted token is there to be stolen.",
    fix="create a ServiceAccount and name it; set automountServiceAccountToken: false where the API is not used",
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(ACCOUNT, *WORKLOADS),
    controls={
        "checkov": ("CKV_K8S_38", "CKV_K8S_41", "CKV_K8S_42"),
        "cis-eks": ("4.1.5", "4.1.6", "5.2.1"),
        "hipaa": ("164.312(d)",),
    },
    source_url="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting",
    check=check,
    remediate=lambda resource, _: {"automountServiceAccountToken": False} if resource.type == ACCOUNT else {},
    admission=admits_workloads(
        must(
            "!(variables.pod.?serviceAccountName.orValue(variables.pod.?serviceAccount.orValue(''))"
            " in ['', 'default'])",
            "runs as the namespace's default account",
        ),
        partial="whether a mounted token is used, which accounts and role bindings say",
    ),
    samples=(
        passes(POD, _pod(serviceAccountName="train", automountServiceAccountToken=False)),
        passes(POD, _pod(serviceAccountName="train"), _BINDING),
        fails(POD, _pod(serviceAccountName="train")),
        fails(POD, _pod(automountServiceAccountToken=False)),
        waits(POD, _pod(serviceAccountName=UNKNOWN)),
        passes(ACCOUNT, {"metadata": _PLACE, "automountServiceAccountToken": False}),
        fails(ACCOUNT, {"metadata": _PLACE}),
        ELSEWHERE,
    ),
)
