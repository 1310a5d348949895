"""What comes in is encrypted.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-1
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.admission import Admission, must, text
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
)

LISTENER = "aws:lb/listener:Listener"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
CERTIFICATE = "alb.ingress.kubernetes.io/certificate-arn"
ENCRYPTED: Final = ("HTTPS", "TLS")
TLS_1_2: Final = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""The policy that AWS recommends: TLS 1.3, and 1.2 with forward secrecy."""
MODERN: Final = re.compile(r"TLS13|TLS-1-2|FS-1-2")
"""Security policies of load balancers that refuse anything older than TLS 1.2."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """A listener speaks TLS 1.2 or redirects; an Ingress has TLS for every host and no snippet."""
    return _ingress(resource.inputs) if resource.type == INGRESS else _listener(resource.inputs)


def _listener(inputs: Inputs) -> Result:
    protocol = inputs.text("protocol", "HTTP")
    if protocol == "HTTP":
        actions = list(inputs.each("defaultActions"))
        redirects = actions and all(action.at("redirect.protocol") == "HTTPS" for action in actions)
        return PASS if redirects else fail("takes requests without TLS", "protocol")
    if protocol not in ENCRYPTED:
        return NOT_APPLICABLE
    modern = MODERN.search(inputs.text("sslPolicy"))
    return PASS if modern else fail("accepts versions of TLS before 1.2", "sslPolicy")


def _ingress(inputs: Inputs) -> Result:
    annotations = inputs.at("metadata.annotations")
    names = list(annotations) if isinstance(annotations, Inputs) else []
    for name in names:
        if name.endswith("-snippet"):
            return fail("puts text of its own into the proxy's configuration", "metadata.annotations")
    if CERTIFICATE in names:
        return PASS
    covered = [str(host) for tls in inputs.each("spec.tls") for host in tls.list("hosts") or ("*",)]
    for rule in inputs.each("spec.rules"):
        host = rule.text("host")
        if not any(pattern == "*" or (host and fnmatchcase(host, pattern)) for pattern in covered):
            return fail(f"has no TLS for {host or 'requests without a host'}", "spec.tls")
    return PASS if covered else fail("has no TLS", "spec.tls")


def _spec(*hosts: str) -> dict[str, Any]:
    return {"spec": {"rules": [{"host": "api.example.com"}], "tls": [{"hosts": list(hosts)}] if hosts else []}}


POLICY = Policy(
    id="tls-on-every-ingress",
    title="Load balancers and ingresses use TLS",
    why="Requests to a model carry personal data and tokens.",
    fix="use HTTPS with a certificate and a TLS 1.2 policy; HTTP may only redirect",
    settings=("tracking.expose.certificate",),
    severity=PolicySeverity.HIGH,
    enforcement=Enforcement.MANDATORY,
    applies_to=(LISTENER, INGRESS),
    controls={
        "aws-fsbp": ("ELB.1", "ELB.17", "ELB.18"),
        "checkov": ("CKV_AWS_2", "CKV_AWS_103", "CKV2_AWS_20", "CKV_K8S_153"),
        "cis-eks": ("5.4.5",),
        "aws-guard": ("alb-http-to-https-redirection",),
        "hipaa": ("164.312(e)(2)(ii)",),
        "gdpr": ("32(1)(a)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-1",
    check=check,
    remediate=lambda resource, _: {"sslPolicy": TLS_1_2} if resource.inputs.text("protocol") in ENCRYPTED else {},
    admission=lambda _: Admission(
        (INGRESS,),
        (
            must(
                "variables.annotations.all(k, !k.endsWith('-snippet'))",
                "puts text of its own into the proxy's configuration",
            ),
            must(
                f"{text(CERTIFICATE)} in variables.annotations || (size(variables.tls) > 0"
                " && object.spec.?rules.orValue([]).all(r, variables.tls.exists(t, size(t.?hosts.orValue([])) == 0"
                " || t.hosts.exists(p, p == '*' || r.?host.orValue('') == p"
                " || (p.startsWith('*') && r.?host.orValue('').endsWith(p.substring(1)))))))",
                "has no TLS for one of its hosts",
            ),
        ),
        variables={
            "annotations": "object.metadata.?annotations.orValue({})",
            "tls": "object.spec.?tls.orValue([])",
        },
    ),
    samples=(
        passes(LISTENER, {"protocol": "HTTPS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}),
        passes(
            LISTENER,
            {
                "protocol": "HTTP",
                "defaultActions": [{"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}],
            },
        ),
        fails(LISTENER, {"protocol": "HTTP", "defaultActions": [{"type": "forward"}]}),
        fails(LISTENER, {"protocol": "HTTPS"}),
        waits(LISTENER, {"protocol": UNKNOWN}),
        skips(LISTENER, {"protocol": "UDP"}),
        passes(INGRESS, _spec("*.example.com")),
        fails(INGRESS, _spec("other.example.com")),
        fails(INGRESS, _spec()),
    ),
)
