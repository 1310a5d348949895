"""Passwords and keys are not written into pods.

Source: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
"""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
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
    worst,
)
from mlops_iac.policies.secrets import (
    credential_in,
    holds_credential,
    named_like_a_secret,
    only_refers,
    reference_like,
    secret_name,
)
from mlops_iac.policies.workloads import POD, WORKLOADS, admits_workloads, called, each_container, no_container

SECRET = "kubernetes:core/v1:Secret"


def check(resource: ResourceView, stack: StackView) -> Result:
    """No literal in env that looks like a credential; the data of a Secret is marked secret."""
    if resource.type == SECRET:
        return worst(
            [name for name in ("data", "stringData") if resource.inputs.has(name)], lambda n: _kept(resource, n)
        )
    return each_container(resource, _no_literals)


def _kept(resource: ResourceView, name: str) -> Result:
    entries = resource.inputs
    if entries.is_secret(name):
        return PASS
    data = entries.at(name)
    plain = [key for key in data if not data.is_secret(key) and data.is_known(key)] if isinstance(data, Inputs) else []
    return fail(f"holds {plain[0]} as plain text", f"{name}.{plain[0]}") if plain else PASS


def _no_literals(container: Inputs, pod: Inputs) -> Result:
    for variable in container.each("env"):
        name = variable.text("name")
        if variable.is_secret("value") or not variable.is_known("value"):
            continue
        value = variable.text("value")
        if value and (credential_in(value) or (secret_name(name) and not reference_like(value))):
            return fail(f"gives {called(container)} {name} as plain text", variable.path_of("value"))
    return PASS


def _pod(name: str, value: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", "env": [{"name": name, "value": value}]}]}}


POLICY = Policy(
    id="k8s-secrets-not-plain",
    title="Secrets are not plain text in workloads",
    why="Whoever can read a pod's definition, its events or the state of the stack can read what is written there.",
    fix="mount it from a secret store, refer to a Secret with valueFrom, or make the value a Pulumi secret",
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(SECRET, *WORKLOADS),
    controls={
        "checkov": ("CKV_K8S_35",),
        "cis-eks": ("4.4.1", "4.4.2"),
        "hipaa": ("164.312(a)(2)(iv)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
    check=check,
    admission=admits_workloads(
        no_container(
            f"c.?env.orValue([]).exists(e, e.?value.orValue('') != '' && ({holds_credential('e.value')}"
            f" || {named_like_a_secret('e.name')} && !{only_refers('e.value')}))",
            "gives container {} a secret as plain text",
        ),
        partial="Secrets: every one is plain to the API server, however it was written",
    ),
    samples=(
        passes(POD, _pod("AWS_REGION", "eu-west-1")),
        passes(POD, _pod("DB_PASSWORD_FILE", "/run/secrets/db")),
        passes(POD, _pod("DB_PASSWORD", UNKNOWN)),
        fails(POD, _pod("DB_PASSWORD", "hunter2hunter2")),
        passes(SECRET, {"stringData": {"password": SecretValue("x")}}),
        fails(SECRET, {"stringData": {"password": "hunter2hunter2"}}),
        skips(SECRET, {"metadata": {"name": "filled-by-the-store"}}),
    ),
)
