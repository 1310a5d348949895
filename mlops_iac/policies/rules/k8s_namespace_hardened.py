"""Namespaces enforce the restricted standard, and nothing runs in the default one.

Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import CHANGED, Admission, must, text, texts
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
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
    skips,
    waits,
)
from mlops_iac.policies.workloads import POD, WORKLOADS, labels_of, namespace_of

NAMESPACE = "kubernetes:core/v1:Namespace"
LABEL = "pod-security.kubernetes.io/enforce"
LEVELS: Final = ("restricted", "baseline")
SYSTEM: Final = frozenset({"kube-system", "kube-public", "kube-node-lease", "default"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """A namespace has the label; a workload is in a namespace of its own."""
    if resource.type != NAMESPACE:
        named = namespace_of(resource) != "default"
        return PASS if named else fail("runs in the default namespace", "metadata.namespace")
    if resource.inputs.text("metadata.name") in SYSTEM:
        return NOT_APPLICABLE
    if labels_of(resource).at(LABEL) in LEVELS:
        return PASS
    return fail("does not enforce a pod security standard", f"metadata.labels.{LABEL}")


def _labelled(level: Any) -> dict[str, Any]:
    return {"metadata": {"name": "training", "labels": {LABEL: level}}}


POLICY = Policy(
    id="k8s-namespace-hardened",
    title="Namespaces enforce restricted pod security",
    why="The label makes the API server itself refuse what is applied by hand.",
    fix="label the namespace pod-security.kubernetes.io/enforce: restricted, and name a namespace for the workload",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NAMESPACE, *WORKLOADS),
    controls={"checkov": ("CKV_K8S_21",), "cis-eks": ("4.5.1", "4.5.2"), "eu-ai-act": ("15(5)",)},
    source_url="https://kubernetes.io/docs/concepts/security/pod-security-admission/#pod-security-admission-labels-for-namespaces",
    check=check,
    admission=lambda _: Admission(
        (NAMESPACE, *WORKLOADS),
        (
            must(
                f"object.kind != 'Namespace' || object.metadata.?labels[?{text(LABEL)}].orValue('') in {texts(LEVELS)}",
                "does not enforce a pod security standard",
            ),
            must(
                "object.kind == 'Namespace' || object.metadata.namespace != 'default'", "runs in the default namespace"
            ),
        ),
        where={
            "changed": f"object.kind == 'Namespace' || {CHANGED['changed']}",
            "not-of-the-cluster": f"object.kind != 'Namespace' || !(object.metadata.name in {texts(sorted(SYSTEM))})",
        },
    ),
    samples=(
        passes(NAMESPACE, _labelled("restricted")),
        fails(NAMESPACE, _labelled("privileged")),
        fails(NAMESPACE, {"metadata": {"name": "training"}}),
        waits(NAMESPACE, _labelled(UNKNOWN)),
        passes(POD, {"metadata": {"namespace": "training"}}),
        fails(POD, {"metadata": {"name": "job"}}),
        skips(NAMESPACE, {"metadata": {"name": "kube-system"}}),
    ),
)
