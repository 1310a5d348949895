"""What every component that puts objects on a cluster shares: hardened namespaces, pods and network policies.

A namespace refuses traffic that nobody asked for and pods that ask for more than the restricted profile
allows.
Sources: https://kubernetes.io/docs/concepts/security/pod-security-standards/,
https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html (the address of the credentials
agent)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlops_iac.compile.context import BuildContext, Handle
from mlops_iac.graph.values import Ref, Value

PodSecurity = Literal["restricted", "baseline", "privileged"]

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label by which Kubernetes itself names each namespace."""
INTERNET_LABEL = "mlops-iac/egress"
"""A pod with this label and the value ``https`` may open HTTPS connections to any address, as S3 needs."""
CREDENTIALS_AGENT = "169.254.170.23/32"

USER = 10001
"""The user and group of containers that bring no own one."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where objects go: the provider of the cluster, the address ranges behind it, and what must exist
    before.
    """

    provider: Handle
    vpc_cidr: str
    service_cidr: str
    ready: tuple[Handle, ...] = ()


def labels(ctx: BuildContext, name: str) -> dict[str, Value]:
    """The recommended labels of an application's objects."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": ctx.namer.prefix,
        "app.kubernetes.io/managed-by": "mlops-iac",
    }


def namespace(
    ctx: BuildContext,
    suffix: str,
    name: str,
    site: Site,
    *,
    pod_security: PodSecurity = "restricted",
    more_labels: Mapping[str, Value] | None = None,
    depends_on: Iterable[Handle | Ref] = (),
) -> Handle:
    """A namespace whose pods may reach DNS, credentials and HTTPS within the VPC, and which nothing may
    reach.
    """
    levels: dict[str, Value] = {
        f"pod-security.kubernetes.io/{mode}": pod_security for mode in ("enforce", "audit", "warn")
    }
    added = ctx.kubernetes(
        suffix,
        "v1",
        "Namespace",
        {"metadata": {"name": name, "labels": {**labels(ctx, name), **levels, **(more_labels or {})}}},
        provider=site.provider,
        depends_on=(*site.ready, *depends_on),
    )
    network_policy(ctx, f"{suffix}-deny", "default-deny", name, site, {}, types=("Ingress", "Egress"), after=added)
    network_policy(
        ctx,
        f"{suffix}-allow",
        "allow-platform",
        name,
        site,
        {},
        egress=(
            to_dns(),
            to_addresses((CREDENTIALS_AGENT,), 80),
            to_addresses((site.vpc_cidr, site.service_cidr), 443),
        ),
        after=added,
    )
    network_policy(
        ctx,
        f"{suffix}-https",
        "allow-https",
        name,
        site,
        {INTERNET_LABEL: "https"},
        egress=(to_addresses(("0.0.0.0/0",), 443),),
        after=added,
    )
    return added


def network_policy(
    ctx: BuildContext,
    suffix: str,
    name: str,
    namespace: str,
    site: Site,
    pods: Mapping[str, Value],
    *,
    ingress: Sequence[Value] = (),
    egress: Sequence[Value] = (),
    types: Sequence[str] = (),
    after: Handle,
) -> Handle:
    """A network policy for the pods with these labels; without rules and with ``types`` it denies."""
    selector: dict[str, Value] = {"matchLabels": dict(pods)} if pods else {}
    found = tuple(types) or tuple(kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules)
    return ctx.kubernetes(
        suffix,
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "podSelector": selector,
                "policyTypes": list(found),
                "ingress": list(ingress) or None,
                "egress": list(egress) or None,
            },
        },
        provider=site.provider,
        depends_on=(after,),
    )


def to_dns() -> Value:
    """An egress rule to the cluster's DNS servers."""
    return {
        "to": [
            {
                "namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def to_addresses(cidrs: Sequence[str], *ports: int) -> Value:
    """An egress rule to TCP ports of address ranges."""
    return {
        "to": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def from_addresses(cidrs: Sequence[str], *ports: int) -> Value:
    """An ingress rule from address ranges to TCP ports."""
    return {
        "from": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def from_namespaces(names: Sequence[str], *ports: int) -> Value:
    """An ingress rule from every pod of the named namespaces to TCP ports."""
    return {
        "from": [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: name}}} for name in names],
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def service_account(ctx: BuildContext, suffix: str, name: str, namespace: str, site: Site, after: Handle) -> Handle:
    """A service account without a token in its pods; what they may do in AWS comes by pod identity."""
    return ctx.kubernetes(
        suffix,
        "v1",
        "ServiceAccount",
        {
            "metadata": {"name": name, "namespace": namespace, "labels": labels(ctx, name)},
            "automountServiceAccountToken": False,
        },
        provider=site.provider,
        depends_on=(after,),
    )


def pod_security_context() -> dict[str, Value]:
    """The pod's half of the restricted profile."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security_context() -> dict[str, Value]:
    """The container's half of the restricted profile, with a file system that cannot be written."""
    return {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
