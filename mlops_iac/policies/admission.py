"""What a rule asks of a Kubernetes object when the API server admits it, and the policy objects that say so.

A rule states it beside its check, as conditions in CEL, and the API server judges by them what people apply by hand.
The objects are ValidatingAdmissionPolicies: built into the API server since 1.30, nothing has to be installed. They see
one object at a time. A parameter would show them a second one, but an API server loses sight of built-in kinds of
parameters once nothing binds one, and then refuses what is right: https://github.com/kubernetes/kubernetes/issues/130887

Sources: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/,
https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

API: Final = "admissionregistration.k8s.io/v1"
POLICY_KIND: Final = "ValidatingAdmissionPolicy"
BINDING_KIND: Final = "ValidatingAdmissionPolicyBinding"
SYSTEM_NAMESPACES: Final = ("kube-node-lease", "kube-public", "kube-system")
"""Namespaces of the cluster itself, where nodes, networking and DNS need what nobody else may have."""
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"
CHANGED: Final = {"changed": "request.operation == 'CREATE' || object.spec != oldObject.spec"}
"""Leaves updates alone that do not touch the spec: what was there before a policy must not lose its controllers."""
RELEASE_NAMESPACE: Final = "meta.helm.sh/release-namespace"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A CEL condition that must hold; ``detail`` completes the sentence "<kind> <name> ...".

    ``offenders`` is a CEL expression of the names that stand for ``{}`` in ``detail``.
    """

    holds: str
    detail: str
    offenders: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """A rule as conditions on one object.

    ``kinds`` are the resource types that are judged. Only objects that meet all of ``where`` are. ``variables`` are
    CEL expressions by the name under which later ones read them as ``variables.<name>``. ``partial`` says what the
    rule judges and these conditions cannot see; where it is empty, both give the same verdict.
    """

    kinds: tuple[str, ...]
    requires: tuple[Requirement, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    partial: str = ""


@dataclass(frozen=True, slots=True)
class Exempt:
    """What is not judged: whole ``namespaces``, and ``objects`` by namespace and name with the pods that they make.

    The parts of a Helm release in one of the namespaces that belong to no namespace are not judged either.
    """

    namespaces: tuple[str, ...] = ()
    objects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule as it is put on a cluster: ``deny`` refuses, else the person who applies is warned."""

    rule: str
    title: str
    fix: str
    source_url: str
    admission: Admission
    deny: bool
    exempt: Exempt = Exempt()


def must(holds: str, detail: str) -> Requirement:
    """A condition on the object as a whole."""
    return Requirement(holds, detail)


def none_of(items: str, variable: str, breaks: str, name: str, detail: str) -> Requirement:
    """No member ``variable`` of the list ``items`` may meet ``breaks``; ``name`` names one in the message."""
    bad = f"{items}.filter({variable}, {breaks})"
    return Requirement(f"size({bad}) == 0", detail, f"{bad}.map({variable}, {name})")


def text(value: str) -> str:
    """A CEL string with exactly this text; patterns for ``matches`` included."""
    return json.dumps(value, ensure_ascii=False)


def texts(values: Iterable[str]) -> str:
    """A CEL list of strings."""
    return "[" + ", ".join(map(text, values)) + "]"


def admission_objects(statement: Statement, owner: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy and its binding; ``owner`` is the system whose rule it is, and a part of their name."""
    name = f"{statement.rule}.{owner}"
    labels = {"app.kubernetes.io/managed-by": "mlops-iac", "app.kubernetes.io/part-of": owner}
    metadata = {"name": name, "labels": labels, "annotations": _annotations(statement)}
    policy = {
        "apiVersion": API,
        "kind": POLICY_KIND,
        "metadata": metadata,
        "spec": _without_empty(
            {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": _resource_rules(statement.admission.kinds)},
                "matchConditions": _conditions(statement),
                "variables": [
                    {"name": key, "expression": expression} for key, expression in statement.admission.variables.items()
                ],
                "validations": [_validation(statement, requirement) for requirement in statement.admission.requires],
            }
        ),
    }
    return policy, {"apiVersion": API, "kind": BINDING_KIND, "metadata": metadata, "spec": _binding(statement, name)}


def _annotations(statement: Statement) -> dict[str, str]:
    found = {
        "mlops-iac/rule": statement.rule,
        "mlops-iac/title": statement.title,
        "mlops-iac/url": statement.source_url,
    }
    partial = statement.admission.partial
    return {**found, "mlops-iac/not-judged-here": partial} if partial else found


def _binding(statement: Statement, name: str) -> dict[str, Any]:
    spared = sorted({*SYSTEM_NAMESPACES, *statement.exempt.namespaces})
    not_spared = {"key": NAMESPACE_LABEL, "operator": "NotIn", "values": spared}
    return _without_empty(
        {
            "policyName": name,
            "validationActions": ["Deny"] if statement.deny else ["Warn", "Audit"],
            "matchResources": {"namespaceSelector": {"matchExpressions": [not_spared]}},
        }
    )


def _conditions(statement: Statement) -> list[dict[str, str]]:
    # An object that is on its way out must lose its finalisers, whatever it breaks.
    found = {"not-being-deleted": "!has(object.metadata.deletionTimestamp)", **statement.admission.where}
    exempt = statement.exempt
    if exempt.objects:
        found["not-waived"] = "!(" + " || ".join(_is_waived(*item) for item in exempt.objects) + ")"
    if exempt.namespaces:
        release = f"object.metadata.?annotations[?'{RELEASE_NAMESPACE}'].orValue('')"
        found["not-of-an-exempt-chart"] = (
            f"has(object.metadata.namespace) || !({release} in {texts(exempt.namespaces)})"
        )
    return [{"name": name, "expression": expression} for name, expression in found.items()]


def _is_waived(namespace: str, name: str) -> str:
    generated = f"object.metadata.?generateName.orValue('').startsWith({text(name + '-')})"
    own = f"object.metadata.?name.orValue('') == {text(name)} || {generated}"
    replica_set = f"object.kind == 'ReplicaSet' && object.metadata.?name.orValue('').startsWith({text(name + '-')})"
    place = f"object.metadata.?namespace.orValue('') == {text(namespace)}"
    return f"{place} && ({own} || {replica_set})"


def _validation(statement: Statement, requirement: Requirement) -> dict[str, str]:
    subject = "object.kind + ' ' + object.metadata.?name.orValue(object.metadata.?generateName.orValue('?'))"
    before, _, after = requirement.detail.partition("{}")
    end = text(f"{after}. Fix: {statement.fix}")
    named = f" + {requirement.offenders}.join(', ')" if requirement.offenders else ""
    return {
        "expression": requirement.holds,
        "messageExpression": f"{text(statement.rule + ': ')} + {subject} + {text(f' {before}')}{named} + {end}",
        "message": f"{statement.rule}: {statement.title}. Fix: {statement.fix}",
        "reason": "Forbidden",
    }


def _resource_rules(kinds: Iterable[str]) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for token in kinds:
        version, _, kind = token.removeprefix("kubernetes:").removeprefix("core/").rpartition(":")
        names = [_plural(kind), *(["pods/ephemeralcontainers"] if kind == "Pod" else [])]
        found.setdefault(version, []).extend(names)
    return [
        {
            "apiGroups": [version.rpartition("/")[0]],
            "apiVersions": [version.rpartition("/")[2]],
            "operations": ["CREATE", "UPDATE"],
            "resources": names,
        }
        for version, names in found.items()
    ]


def _plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith("y"):
        return name[:-1] + "ies"
    return name + ("es" if name.endswith("s") else "s")


def _without_empty(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if value}
