"""Ports for administrators and databases are not open to the world.

Source: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19
"""

from __future__ import annotations

from typing import Any, Final

from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.policies.networks import GROUP, INGRESS, RULE, Rule, rules_of
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
    waits,
    worst,
)

PORTS: Final = frozenset(
    {20, 21, 22, 23, 25, 110, 135, 143, 445, 1433, 1434, 2049, 2379, 3000, 3306, 3389, 4333, 5000, 5432, 5500, 5601}
    | {5900, 6006, 6379, 6443, 8080, 8088, 8265, 8888, 9092, 9200, 9300, 10250, 27017}
)
"""Security Hub's high-risk ports, and those of notebooks, Ray, TensorBoard, MLflow, Redis, Kafka and Kubernetes."""


def check(resource: ResourceView, stack: StackView) -> Result:
    """No rule lets every address in to one of the ports."""
    return worst([rule for rule in rules_of(resource) if rule.ingress], _closed)


def _closed(rule: Rule) -> Result:
    if rule.protocol not in ("tcp", "udp", "-1"):
        return PASS
    first, last = rule.ports
    port = min((port for port in PORTS if first <= port <= last), default=None)
    if port is not None and rule.anywhere:
        return fail(f"opens port {port} to the internet", rule.where)
    return PASS


def _rule(first: Any, last: Any, cidr: Any) -> dict[str, Any]:
    return {"ingress": [{"protocol": "tcp", "fromPort": first, "toPort": last, "cidrBlocks": [cidr]}]}


POLICY = Policy(
    id="sg-no-open-admin-ports",
    title="Administration and database ports are not open to the internet",
    why="Such ports are found within minutes, and tried with every known password.",
    fix="limit the source to a CIDR block or a security group",
    severity=PolicySeverity.CRITICAL,
    enforcement=Enforcement.MANDATORY,
    applies_to=(GROUP, RULE, INGRESS),
    controls={
        "aws-security-hub": ("EC2.53", "EC2.54"),
        "aws-fsbp": ("EC2.19",),
        "checkov": ("CKV_AWS_24", "CKV_AWS_25"),
        "hipaa": ("164.312(e)(1)",),
    },
    source_url="https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19",
    check=check,
    samples=(
        passes(GROUP, _rule(443, 443, "0.0.0.0/0")),
        passes(GROUP, _rule(22, 22, "10.0.0.0/8")),
        fails(GROUP, _rule(0, 1024, "0.0.0.0/0")),
        fails(INGRESS, {"ipProtocol": "tcp", "fromPort": 8888, "toPort": 8888, "cidrIpv6": "::/0"}),
        fails(RULE, {"type": "ingress", "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}),
        waits(GROUP, _rule(22, 22, UNKNOWN)),
        skips(GROUP, {"name": "closed"}),
    ),
)
