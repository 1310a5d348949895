"""Roles in the cluster name what they allow.

Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import Admission, must, texts
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
    passes,
    skips,
    waits,
    worst,
)

ROLES: Final = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
)
BINDINGS: Final = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
)
ESCALATING_VERBS: Final = frozenset({"bind", "escalate", "impersonate"})
READING_VERBS: Final = frozenset({"get", "list", "watch"})


def check(resource: ResourceView, stack: StackView) -> Result:
    """No wildcard, no verb that escalates, no nodes/proxy, no secrets of all namespaces, nobody is cluster-admin."""
    if resource.type in BINDINGS:
        admin = resource.inputs.at("roleRef.name") == "cluster-admin"
        return fail("makes somebody cluster-admin", "roleRef.name") if admin else PASS
    if resource.inputs.has("aggregationRule"):
        return NOT_APPLICABLE
    wide = resource.type == ROLES[0]
    return (
        worst(resource.inputs.each("rules"), lambda rule: _named(rule, wide)) if resource.inputs.has("rules") else PASS
    )


def _named(rule: Inputs, wide: bool) -> Result:
    verbs = {str(verb) for verb in rule.list("verbs")}
    resources = {str(name) for name in rule.list("resources")}
    if "*" in verbs or "*" in resources:
        return fail("allows everything of its kind", rule.path)
    if verbs & ESCALATING_VERBS:
        return fail(f"allows {min(verbs & ESCALATING_VERBS)}", rule.path_of("verbs"))
    if "nodes/proxy" in resources:
        return fail("reaches every pod through nodes/proxy", rule.path_of("resources"))
    if wide and "secrets" in resources and verbs & READING_VERBS and not rule.has("resourceNames"):
        return fail("reads the secrets of every namespace", rule.path_of("resources"))
    return PASS


def _role(verbs: list[str], resources: list[str]) -> dict[str, Any]:
    return {"rules": [{"apiGroups": [""], "verbs": verbs, "resources": resources}]}


POLICY = Policy(
    id="k8s-rbac-no-wildcards",
    title="Cluster roles name verbs and resources",
    why="A wildcard covers resources that do not exist yet, and some verbs let a subject give itself any right.",
    fix="list verbs and resources; bind roles of your own rather than cluster-admin",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(*ROLES, *BINDINGS),
    controls={
        "checkov": ("CKV_K8S_49", "CKV_K8S_157", "CKV_K8S_158", "CKV2_K8S_2", "CKV2_K8S_3", "CKV2_K8S_5"),
        "cis-eks": ("4.1.1", "4.1.2", "4.1.3", "4.1.8"),
        "hipaa": ("164.308(a)(4)(ii)(B)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/rbac-good-practices/",
    check=check,
    admission=lambda _: Admission(
        (*ROLES, *BINDINGS),
        (
            must("object.?roleRef.?name.orValue('') != 'cluster-admin'", "makes somebody cluster-admin"),
            must(
                "variables.rules.all(r, !('*' in r.verbs) && !('*' in r.?resources.orValue([])))",
                "allows everything of its kind",
            ),
            must(
                f"variables.rules.all(r, !r.verbs.exists(v, v in {texts(sorted(ESCALATING_VERBS))}))",
                f"allows {', '.join(sorted(ESCALATING_VERBS))}",
            ),
            must(
                "variables.rules.all(r, !('nodes/proxy' in r.?resources.orValue([])))",
                "reaches every pod through nodes/proxy",
            ),
            must(
                "object.kind != 'ClusterRole' || variables.rules.all(r, !('secrets' in r.?resources.orValue([]))"
                " || size(r.?resourceNames.orValue([])) > 0"
                f" || !r.verbs.exists(v, v in {texts(sorted(READING_VERBS))}))",
                "reads the secrets of every namespace",
            ),
        ),
        where={
            "not-aggregated": "!has(object.aggregationRule)",
            "not-of-the-cluster": "!object.metadata.name.startsWith('system:')"
            " && !(object.metadata.name in ['cluster-admin', 'admin', 'edit', 'view'])",
        },
        variables={"rules": "object.?rules.orValue(null) == null ? [] : object.rules"},
    ),
    samples=(
        passes(ROLES[0], _role(["get"], ["pods"])),
        fails(ROLES[0], _role(["*"], ["pods"])),
        fails(ROLES[0], _role(["list"], ["secrets"])),
        passes(ROLES[1], _role(["list"], ["secrets"])),
        fails(ROLES[1], _role(["escalate"], ["roles"])),
        fails(BINDINGS[0], {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}),
        waits(BINDINGS[0], {"roleRef": {"kind": "ClusterRole", "name": UNKNOWN}}),
        skips(ROLES[0], {"aggregationRule": {"clusterRoleSelectors": [{}]}}),
    ),
)
