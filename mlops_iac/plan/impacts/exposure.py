"""What becomes reachable: from the internet, from other accounts, or through a security group that opens.

Openings are compared component by component, so a rule that is only renamed opens nothing. Sources:
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html,
https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from mlops_iac.graph.evaluate import contains_unknown
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, listed
from mlops_iac.policies.documents import allows, open_to_all, principals, statements
from mlops_iac.policies.inputs import Inputs, UnknownInputError
from mlops_iac.policies.networks import ALL_PORTS, ANYWHERE, EGRESS, GROUP, INGRESS, rules_of
from mlops_iac.policies.networks import RULE as GROUP_RULE
from mlops_iac.policies.policy import ResourceView

_VPC = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html"
_DOCUMENTS: Final = ("policy", "resourcePolicy", "assumeRolePolicy", "accessPolicies", "keyPolicy")
_IDENTITY = ("aws:iam/policy:", "aws:iam/rolePolicy:", "aws:iam/userPolicy:", "aws:iam/groupPolicy:")
_ACCOUNT: Final = re.compile(r"(?:^|:)([0-9]{12})(?::|$)")
_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_BLOCK_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


class _Traffic(NamedTuple):
    """Which traffic an opening is for: direction, addresses, protocol (``-1`` is any) and ports."""

    direction: str
    addresses: str
    protocol: str = "-1"
    ports: tuple[int, int] = ALL_PORTS


@dataclass(frozen=True, slots=True)
class _Opening:
    """One way in (or out): what it is in words, and which traffic it is for where it is about traffic."""

    kind: ImpactKind
    severity: ImpactSeverity
    text: str
    source_url: str
    traffic: _Traffic | None = None


def _find(scene: Scene) -> Iterator[Impact]:
    for component in sorted({found.component for found in scene.touched}, key=str):
        touched = list(scene.of_component(component))
        before = [
            opening for found in touched if found.change.old is not None for opening in _openings(scene, found, False)
        ]
        for found in touched:
            if found.change.new is not None:
                for opening in dict.fromkeys(_openings(scene, found, True)):
                    if not any(_within(opening, former) for former in before) and _is_news(scene, found, opening):
                        yield _impact(found, opening)
        yield from _unblocked(scene, touched)


def _is_news(scene: Scene, found: Touched, opening: _Opening) -> bool:
    """A way within the network that comes with a new component is what the component is for."""
    return opening.kind is not ImpactKind.NETWORK_OPENED or scene.existed(found.component)


def _impact(found: Touched, opening: _Opening) -> Impact:
    action = {
        ImpactKind.PUBLIC_EXPOSURE: "close it, or have the change agreed with those who answer for security",
        ImpactKind.CROSS_ACCOUNT: "check the account number and that its owner is meant to have this",
    }.get(opening.kind, "check that nothing narrower is enough")
    return Impact(
        opening.kind,
        opening.severity,
        found.component,
        (found.name,),
        f"{found.label} {opening.text}",
        action,
        opening.source_url,
    )


def _unblocked(scene: Scene, touched: list[Touched]) -> Iterator[Impact]:
    """A bucket that stays and loses its public access block."""
    for found in touched:
        if found.change.type == _BLOCK and found.change.new is None and scene.existed(found.component):
            yield _impact(
                found,
                _Opening(
                    ImpactKind.PUBLIC_EXPOSURE,
                    ImpactSeverity.HIGH,
                    "goes: nothing keeps the bucket from being made public",
                    _S3,
                ),
            )


def _within(opening: _Opening, former: _Opening) -> bool:
    """Whether a former opening already was this one, or a wider one."""
    new, old = opening.traffic, former.traffic
    if new is None or old is None:
        return opening.text == former.text
    return (
        new.direction == old.direction
        and old.protocol in (new.protocol, "-1")
        and old.ports[0] <= new.ports[0] <= new.ports[1] <= old.ports[1]
        and _covers(old.addresses, new.addresses)
    )


def _covers(former: str, addresses: str) -> bool:
    try:
        wide, narrow = ipaddress.ip_network(former, strict=False), ipaddress.ip_network(addresses, strict=False)
    except ValueError:
        return former == addresses
    if isinstance(wide, ipaddress.IPv4Network) and isinstance(narrow, ipaddress.IPv4Network):
        return narrow.subnet_of(wide)
    if isinstance(wide, ipaddress.IPv6Network) and isinstance(narrow, ipaddress.IPv6Network):
        return narrow.subnet_of(wide)
    return False


def _openings(scene: Scene, found: Touched, after: bool) -> Iterator[_Opening]:
    """The openings of a resource as it was or will be; what is known only after apply opens nothing yet."""
    if not after:
        resource = found.before()
    elif contains_unknown(found.change.new):
        resource = scene.declared(found.change.urn) or found.after()
    else:
        resource = found.after()
    reader = _READERS.get(resource.type)
    account = scene.system.core.cloud.account
    for read in (reader, lambda resource: _documents(resource, account)):
        if read is not None:
            try:
                yield from list(read(resource))
            except UnknownInputError:
                continue


def _security_group(resource: ResourceView) -> Iterator[_Opening]:
    for rule in rules_of(resource):
        first, last = rule.ports
        ports = "every port" if rule.ports == ALL_PORTS else f"port {first}" + (f"-{last}" if last != first else "")
        direction = "in" if rule.ingress else "out"
        for name in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"):
            for address in map(str, rule.data.list(name)):
                public = address in ANYWHERE
                kind = ImpactKind.PUBLIC_EXPOSURE if public and rule.ingress else ImpactKind.NETWORK_OPENED
                severity = (
                    ImpactSeverity.CRITICAL
                    if kind is ImpactKind.PUBLIC_EXPOSURE
                    else ImpactSeverity.LOW
                    if _private(address)
                    else ImpactSeverity.MEDIUM
                )
                whom = "the whole internet" if public else address
                text = f"lets {whom} in on {ports}" if rule.ingress else f"lets traffic out to {whom} on {ports}"
                yield _Opening(kind, severity, text, _VPC, _Traffic(direction, address, rule.protocol, rule.ports))


def _private(address: str) -> bool:
    try:
        return ipaddress.ip_network(address, strict=False).is_private
    except ValueError:
        return False


def _cluster(resource: ResourceView) -> Iterator[_Opening]:
    config = resource.inputs.at("vpcConfig", Inputs({}))
    if not config.flag("endpointPublicAccess", default=True):
        return
    for address in map(str, config.list("publicAccessCidrs") or ("0.0.0.0/0",)):
        public = address in ANYWHERE
        yield _Opening(
            ImpactKind.PUBLIC_EXPOSURE if public else ImpactKind.NETWORK_OPENED,
            ImpactSeverity.CRITICAL if public else ImpactSeverity.MEDIUM,
            f"answers Kubernetes API calls from {'the whole internet' if public else address}",
            "https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html",
            _Traffic("api", address),
        )


def _access_block(resource: ResourceView) -> Iterator[_Opening]:
    off = [flag for flag in _BLOCK_FLAGS if not resource.inputs.flag(flag)]
    if off:
        yield _Opening(
            ImpactKind.PUBLIC_EXPOSURE, ImpactSeverity.HIGH, f"no longer blocks public access ({listed(off)} off)", _S3
        )


def _flag(path: str, wanted: object, text: str, source_url: str) -> Callable[[ResourceView], Iterator[_Opening]]:
    """Reads an opening that one property makes."""

    def read(resource: ResourceView) -> Iterator[_Opening]:
        if resource.inputs.at(path) == wanted:
            yield _Opening(ImpactKind.PUBLIC_EXPOSURE, ImpactSeverity.HIGH, text, source_url)

    return read


def _model(resource: ResourceView) -> Iterator[_Opening]:
    if not resource.inputs.flag("enableNetworkIsolation"):
        yield _Opening(
            ImpactKind.NETWORK_OPENED,
            ImpactSeverity.MEDIUM,
            "runs without network isolation: its container may call out",
            "https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
        )


def _lambda_permission(resource: ResourceView) -> Iterator[_Opening]:
    if resource.inputs.at("principal") == "*" and not resource.inputs.has("sourceAccount"):
        yield _Opening(
            ImpactKind.PUBLIC_EXPOSURE,
            ImpactSeverity.CRITICAL,
            "lets anybody call the function",
            "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html",
        )


def _service(resource: ResourceView) -> Iterator[_Opening]:
    if resource.inputs.at("spec.type") == "LoadBalancer":
        scheme = resource.inputs.at("metadata", Inputs({})).at("annotations", Inputs({}))
        if scheme.get("service.beta.kubernetes.io/aws-load-balancer-scheme") == "internet-facing":
            yield _Opening(
                ImpactKind.PUBLIC_EXPOSURE,
                ImpactSeverity.HIGH,
                "gets a load balancer on the internet",
                "https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html",
            )


def _documents(resource: ResourceView, account: str) -> Iterator[_Opening]:
    """Who a resource's own policy lets in. What an identity may do elsewhere is another rule's matter."""
    if resource.type.startswith(_IDENTITY):
        return
    for name in _DOCUMENTS:
        if not resource.inputs.has(name):
            continue
        for statement in allows(statements(resource.inputs.at(name))):
            if open_to_all(statement):
                yield _Opening(
                    ImpactKind.PUBLIC_EXPOSURE,
                    ImpactSeverity.CRITICAL,
                    "lets anybody in: its policy names no caller",
                    _IAM,
                )
            for other in sorted({found for text in principals(statement) for found in _ACCOUNT.findall(text)}):
                if other != account:
                    yield _Opening(ImpactKind.CROSS_ACCOUNT, ImpactSeverity.HIGH, f"lets account {other} in", _IAM)


_READERS: Mapping[str, Callable[[ResourceView], Iterator[_Opening]]] = {
    GROUP: _security_group,
    GROUP_RULE: _security_group,
    INGRESS: _security_group,
    EGRESS: _security_group,
    "aws:eks/cluster:Cluster": _cluster,
    _BLOCK: _access_block,
    "aws:sagemaker/model:Model": _model,
    "aws:lambda/permission:Permission": _lambda_permission,
    "aws:lambda/functionUrl:FunctionUrl": _flag(
        "authorizationType",
        "NONE",
        "can be called by anybody",
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html",
    ),
    "aws:rds/instance:Instance": _flag(
        "publiclyAccessible",
        True,
        "gets an address on the internet",
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    ),
    "aws:ec2/subnet:Subnet": _flag(
        "mapPublicIpOnLaunch",
        True,
        "gives what starts in it an address on the internet",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-ip-addressing.html",
    ),
    "aws:sagemaker/notebookInstance:NotebookInstance": _flag(
        "directInternetAccess",
        "Enabled",
        "reaches the internet directly",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/appendix-notebook-and-internet-access.html",
    ),
    "aws:sagemaker/domain:Domain": _flag(
        "appNetworkAccessType",
        "PublicInternetOnly",
        "reaches the internet directly",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html",
    ),
    "kubernetes:core/v1:Service": _service,
}

RULE = ImpactRule(
    "exposure", "Something becomes reachable from the internet, another account or more addresses.", _find
)
