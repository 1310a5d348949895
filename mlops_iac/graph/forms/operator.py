"""A system as objects of the Pulumi Kubernetes Operator, which deploys its layers from a git repository.

Each layer's Pulumi project becomes a ``Stack``. A layer waits for those whose outputs it reads. Credentials are named,
never held: the state backend's come from a Secret, the cloud's from the workspace's service account.
Source: https://github.com/pulumi/pulumi-kubernetes-operator/blob/master/docs/stacks.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlops_iac.graph.forms.yaml_text import dump_yaml
from mlops_iac.graph.naming import STACKS
from mlops_iac.graph.nodes import Graph, Stack
from mlops_iac.graph.values import StackOutput, references

_MANAGED: Final = {"app.kubernetes.io/managed-by": "mlops-iac"}
_HOSTS: Final = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
FORGES: Final = (*_HOSTS, "azure-devops")
"""CI systems that are also where the repository is."""
_SCALAR: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class OperatorOptions:
    """Where the operator finds the projects, and as whom it works.

    ``repository`` is the git URL, ``branch`` the branch that is deployed, ``projects`` the folder with one Pulumi
    project a layer. ``image`` is the workspace's: it has the pulumi CLI and ``mlops-iac[pulumi]``. ``secrets`` maps an
    environment variable to the Secret and key that hold it. ``overrides`` are those that the projects compile with.
    """

    repository: str
    image: str
    branch: str = "main"
    projects: str = STACKS
    organization: str = "organization"
    namespace: str = "pulumi"
    service_account: str = "pulumi"
    backend: str | None = None
    secrets_provider: str | None = None
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()


def clone_url(forge: str, repository: str) -> str | None:
    """Where git fetches a repository that its forge names so; None for a forge that a path alone does not tell."""
    host = _HOSTS.get(forge)
    return f"https://{host}/{repository}.git" if host else None


def operator_files(graph: Graph, options: OperatorOptions) -> dict[str, str]:
    """File name and text of a folder that ``kubectl apply -k`` takes."""
    files = {"service-account.yaml": "---\n".join(map(dump_yaml, _account(options)))}
    for stack in graph.stacks:
        files[f"{stack.layer.value}.yaml"] = dump_yaml(_stack(stack, graph, options))
    listing = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": list(files)}
    return {**files, "kustomization.yaml": dump_yaml(listing)}


def _stack(stack: Stack, graph: Graph, options: OperatorOptions) -> dict[str, Any]:
    config: dict[str, Any] = {f"{stack.project}:environment": graph.environment}
    if options.overrides:
        config[f"{stack.project}:overrides"] = list(options.overrides)
    variables = {
        name: {"type": "Secret", "secret": {"name": secret, "key": key}}
        for name, (secret, key) in sorted(options.secrets.items())
    }
    spec = {
        "stack": f"{options.organization}/{stack.project}/{stack.name}",
        "backend": options.backend,
        "secretsProvider": options.secrets_provider,
        "projectRepo": options.repository,
        "branch": options.branch,
        "repoDir": f"{options.projects.strip('/')}/{stack.layer.value}",
        "config": config,
        "envRefs": variables or None,
        "prerequisites": [{"name": _name(other)} for other in _read(stack, graph)] or None,
        "serviceAccountName": options.service_account,
        "workspaceTemplate": {"spec": {"image": options.image}},
        # What is deleted by hand here must not delete a feature store there.
        "destroyOnFinalize": False,
        "retryOnUpdateConflict": True,
    }
    labels = {**_MANAGED, "app.kubernetes.io/part-of": graph.system, "mlops-iac/layer": stack.layer.value}
    return {
        "apiVersion": "pulumi.com/v1",
        "kind": "Stack",
        "metadata": {
            "name": _name(stack),
            "namespace": options.namespace,
            "labels": {**labels, "mlops-iac/environment": graph.environment},
        },
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def _read(stack: Stack, graph: Graph) -> Iterator[Stack]:
    """The stacks whose outputs it reads, in apply order."""
    values = (*(node.inputs for node in stack.nodes), stack.outputs)
    layers = {found.layer for value in values for found in references(value) if isinstance(found, StackOutput)}
    return (other for other in graph.stacks if other.layer.value in layers)


def _name(stack: Stack) -> str:
    return _SCALAR.sub("-", f"{stack.project}-{stack.name}")


def _account(options: OperatorOptions) -> Iterator[dict[str, Any]]:
    """The workspace's identity, which the operator asks the API server to vouch for."""
    name, namespace = options.service_account, options.namespace
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": namespace, "labels": _MANAGED},
    }
    yield {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{namespace}:{name}:system:auth-delegator", "labels": _MANAGED},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:auth-delegator",
        },
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
