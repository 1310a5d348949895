"""ECR repositories: what their images take.

Source: https://aws.amazon.com/ecr/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    stored = context.assumed(resource, "image_gb")
    yield context.charge("images", "ecr", "storage", stored, basis=f"{stored:,.10g} GB assumed")


RULES = (Rule(("aws:ecr/repository:Repository",), "https://aws.amazon.com/ecr/pricing/", _price),)
