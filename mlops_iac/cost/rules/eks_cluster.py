"""EKS control planes: by the hour, and more for a version whose standard support has ended.

Extended support follows standard support and lasts a year, so standard support ends a year before what the list of
supported versions says.
Sources: https://aws.amazon.com/eks/pricing/, https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.policy import ResourceView
from mlops_iac.policies.support import supported


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    yield context.charge("control plane", "eks", "cluster", HOURS, basis="730 h")
    version = resource.inputs.text("version")
    if not supported("eks", version, _a_year_after(context.today)):
        yield context.charge(
            "extended support",
            "eks",
            "cluster-extended-support",
            HOURS,
            basis=f"730 h; standard support of Kubernetes {version} has ended",
        )


def _a_year_after(today: str) -> str:
    year, dash, rest = today.partition("-")
    return f"{int(year) + 1}{dash}{rest}" if year.isdigit() else ""


RULES = (Rule(("aws:eks/cluster:Cluster",), "https://aws.amazon.com/eks/pricing/", _price),)
