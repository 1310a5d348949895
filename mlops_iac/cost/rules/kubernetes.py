"""Kubernetes objects: they run on nodes that are priced by themselves, but for load balancers that AWS makes for them.

A network load balancer is billed by the hour and for the largest of what it carries, which is taken to be its data.
Sources: https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html,
https://aws.amazon.com/elasticloadbalancing/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView


def _object(resource: ResourceView, context: Context) -> Iterator[Entry]:
    yield Free("runs on the cluster's nodes, which are billed")


def _service(resource: ResourceView, context: Context) -> Iterator[Entry]:
    if resource.inputs.text("spec.type") != "LoadBalancer":
        yield Free("runs on the cluster's nodes, which are billed")
        return
    yield context.charge("load balancer", "elb", "nlb", HOURS, basis="730 h")
    traffic = context.assumed(resource, "load_balancer_gb")
    yield context.charge("traffic", "elb", "nlb-lcu", traffic, basis=f"{traffic:,.10g} GB assumed, one LCU hour each")


def _claim(resource: ResourceView, context: Context) -> Iterator[Entry]:
    yield Gap("volume", "the storage class decides which kind of volume AWS bills")


RULES = (
    Rule(("kubernetes:*",), "https://aws.amazon.com/eks/pricing/", _object),
    Rule(("kubernetes:core/v1:Service",), "https://aws.amazon.com/elasticloadbalancing/pricing/", _service),
    Rule(("kubernetes:core/v1:PersistentVolumeClaim",), "https://aws.amazon.com/ebs/pricing/", _claim),
)
