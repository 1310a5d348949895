"""Every namespace starts from "nothing may talk to anything".

Source: https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic
"""

from __future__ import annotations

from typing import Any

from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    Verdict,
    fail,
    neighbour,
    sample,
)
from mlops_iac.policies.workloads import WORKLOADS

NAMESPACE = "kubernetes:core/v1:Namespace"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def check(resource: ResourceView, stack: StackView) -> Result:
    """A namespace with workloads has a policy that selects every pod and allows nothing."""
    name = _name(resource.inputs)
    if not any(_namespace(workload.inputs) == name for workload in stack.of_type(*WORKLOADS)):
        return NOT_APPLICABLE
    policies = [p for p in stack.of_type(NETWORK_POLICY) if _namespace(p.inputs) == name]
    return (
        PASS
        if any(_denies_all(p.inputs) for p in policies)
        else fail("has workloads but no default-deny network policy")
    )


def _name(inputs: Any) -> Any:
    return (inputs.get("metadata") or {}).get("name")


def _namespace(inputs: Any) -> Any:
    return (inputs.get("metadata") or {}).get("namespace")


def _denies_all(inputs: Any) -> bool:
    spec = inputs.get("spec") or {}
    return (
        not spec.get("podSelector")
        and {"Ingress", "Egress"} <= set(spec.get("policyTypes") or ())
        and not spec.get("ingress")
        and not spec.get("egress")
    )


_PLACE = {"metadata": {"namespace": "team"}}
_DENY = {**_PLACE, "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}
_OPEN = {**_PLACE, "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}}
_SAMPLE = {"metadata": {"name": "team"}}

POLICY = Policy(
    id="k8s-namespace-network-policy",
    title="Namespaces deny traffic by default",
    why="Without it every pod, a notebook with somebody's code included, can reach every model and database.",
    fix="add a NetworkPolicy with an empty podSelector, both policy types and no rules, and allow what is needed beside it",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(NAMESPACE,),
    controls={"cis-eks": ("4.3.2", "5.4.4"), "hipaa": ("164.312(e)(1)",), "gdpr": ("32(1)(b)",)},
    source_url="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    check=check,
    samples=(
        sample(Verdict.NOT_APPLICABLE, NAMESPACE, _SAMPLE),
        sample(Verdict.FAIL, NAMESPACE, _SAMPLE, neighbour(WORKLOADS[1], _PLACE)),
        sample(
            Verdict.FAIL,
            NAMESPACE,
            _SAMPLE,
            neighbour(WORKLOADS[1], _PLACE),
            neighbour(NETWORK_POLICY, _OPEN),
        ),
        sample(
            Verdict.PASS,
            NAMESPACE,
            _SAMPLE,
            neighbour(WORKLOADS[1], _PLACE),
            neighbour(NETWORK_POLICY, _DENY),
        ),
    ),
)
