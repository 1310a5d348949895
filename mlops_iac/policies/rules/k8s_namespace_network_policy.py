"""Every namespace starts from "nothing may talk to anything".

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic
"""

from __future__ import annotations

from typing import Any

from mlops_iac.policies.inputs import Inputs
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
    neighbour,
    passes,
    skips,
)
from mlops_iac.policies.workloads import POD, inhabited, namespace_of

NAMESPACE = "kubernetes:core/v1:Namespace"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A namespace with workloads has a policy that selects every pod and allows nothing."""
    name = resource.inputs.text("metadata.name")
    if name not in stack.once(inhabited):
        return NOT_APPLICABLE
    return PASS if name in stack.once(_denying) else fail("has workloads but no default-deny network policy")


def _denying(stack: StackView) -> frozenset[str]:
    return frozenset(namespace_of(policy) for policy in stack.of_type(NETWORK_POLICY) if _denies_all(policy.inputs))


def _denies_all(inputs: Inputs) -> bool:
    return (
        inputs.has("spec.policyTypes")
        and not inputs.has("spec.podSelector")
        and {"Ingress", "Egress"} <= set(inputs.list("spec.policyTypes"))
        and not inputs.has("spec.ingress")
        and not inputs.has("spec.egress")
    )


_SPACE = {"metadata": {"name": "training"}}
_POD = neighbour(POD, {"metadata": {"namespace": "training"}})
_DENY = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def _policy(spec: dict[str, Any]) -> ResourceView:
    return neighbour(NETWORK_POLICY, {"metadata": {"namespace": "training"}, "spec": spec})


POLICY = Policy(
    id="k8s-namespace-network-policy",
    title="Namespaces deny traffic by default",
    why="Without it every pod, a notebook with somebody's code included, can reach every model and database.",
    fix="add a NetworkPolicy with an empty podSelector, both policy types and no rules; allow beside it",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NAMESPACE,),
    controls={
        "checkov": ("CKV2_K8S_6",),
        "cis-eks": ("4.3.2", "5.4.4"),
        "hipaa": ("164.312(e)(1)",),
        "gdpr": ("32(1)(b)",),
    },
    source_url="https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic",
    check=check,
    samples=(
        passes(NAMESPACE, _SPACE, _POD, _policy(_DENY)),
        fails(NAMESPACE, _SPACE, _POD, _policy({**_DENY, "ingress": [{}]})),
        fails(NAMESPACE, _SPACE, _POD),
        skips(NAMESPACE, _SPACE),
    ),
    spans=True,
)
