"""A service survives the loss of a node.

Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from __future__ import annotations

from typing import Any

from mlops_iac.policies.admission import Admission, none_of
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
    SystemView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
)
from mlops_iac.policies.workloads import DEPLOYMENT, admits_workloads, called, namespace_of, pod_metadata, pod_spec

AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
FEWEST = 2


def check(resource: ResourceView, stack: StackView) -> Result:
    """In prod a deployment with ports has a readiness probe, two replicas or an autoscaler, and a disruption budget."""
    pod = pod_spec(resource)
    serving = [container for container in pod.each("containers") if container.has("ports")]
    if not stack.system.production or not serving:
        return NOT_APPLICABLE
    for container in serving:
        if not container.has("readinessProbe") or not container.has("livenessProbe"):
            return fail(f"has no readiness and liveness probe for {called(container)}", container.path)
    if _fewest_replicas(resource, stack) < FEWEST:
        return fail("runs in one replica", "spec.replicas")
    here = [budget for budget in stack.of_type(BUDGET) if namespace_of(budget) == namespace_of(resource)]
    if not any(_selects(budget, resource) for budget in here):
        return fail("may lose all replicas at once: it has no PodDisruptionBudget")
    return PASS


def _fewest_replicas(resource: ResourceView, stack: StackView) -> float:
    name = resource.inputs.text("metadata.name")
    for autoscaler in stack.of_type(AUTOSCALER):
        if autoscaler.inputs.at("spec.scaleTargetRef.name") == name and namespace_of(autoscaler) == namespace_of(
            resource
        ):
            return autoscaler.inputs.number("spec.minReplicas") or 1
    replicas = resource.inputs.number("spec.replicas")
    return 1 if replicas is None else replicas


def _selects(budget: ResourceView, resource: ResourceView) -> bool:
    wanted = budget.inputs.at("spec.selector.matchLabels")
    labels = pod_metadata(resource).at("labels")
    if not isinstance(wanted, Inputs) or not isinstance(labels, Inputs):
        return not budget.inputs.has("spec.selector.matchExpressions")
    return all(labels.get(key) == value for key, value in wanted.items())


def _deployment(replicas: int, **container: Any) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/", "port": 80}}
    main = {"name": "main", "ports": [{"containerPort": 80}], "readinessProbe": probe, "livenessProbe": probe}
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": [main | container]}}
    return {"metadata": {"name": "api", "namespace": "serving"}, "spec": {"replicas": replicas, "template": template}}


def _admission(system: SystemView) -> Admission | None:
    if not system.production:
        return None
    return admits_workloads(
        none_of(
            "variables.pod.containers",
            "c",
            "size(c.?ports.orValue([])) > 0 && !(has(c.readinessProbe) && has(c.livenessProbe))",
            "c.name",
            "has no readiness and liveness probe for container {}",
        ),
        kinds=(DEPLOYMENT,),
        partial="replicas and the disruption budget, which other objects decide",
    )(system)


_PROD = SystemView(environment="prod")
_PLACE = {"name": "api", "namespace": "serving"}
_PDB = neighbour(BUDGET, {"metadata": _PLACE, "spec": {"selector": {"matchLabels": {"app": "api"}}}})
_HPA = neighbour(AUTOSCALER, {"metadata": _PLACE, "spec": {"minReplicas": 2, "scaleTargetRef": {"name": "api"}}})


POLICY = Policy(
    id="k8s-serving-highly-available",
    title="Serving deployments are highly available",
    why="One replica means that every node upgrade is an outage.",
    fix="add probes, two replicas (or an autoscaler with a minimum of 2) and a PodDisruptionBudget",
    settings=("tracking.replicas",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.MANDATORY,
    applies_to=(DEPLOYMENT,),
    controls={"checkov": ("CKV_K8S_8", "CKV_K8S_9"), "eu-ai-act": ("15(4)",)},
    source_url="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    check=check,
    admission=_admission,
    samples=(
        passes(DEPLOYMENT, _deployment(2), _PDB, system=_PROD),
        passes(DEPLOYMENT, _deployment(1), _PDB, _HPA, system=_PROD),
        fails(DEPLOYMENT, _deployment(1), _PDB, system=_PROD),
        fails(DEPLOYMENT, _deployment(2), system=_PROD),
        fails(DEPLOYMENT, _deployment(2, readinessProbe=None), _PDB, system=_PROD),
        skips(DEPLOYMENT, _deployment(1)),
    ),
)
