"""Parameters of Systems Manager: standard ones are free, advanced ones are not.

Source: https://aws.amazon.com/systems-manager/pricing/#Parameter_Store
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    tier = resource.inputs.text("tier", "Standard")
    if tier == "Standard":
        yield Free("standard parameters are free")
    else:
        yield Gap("parameter", f"the table has no price of parameters of the tier {tier}")


RULES = (Rule(("aws:ssm/parameter:Parameter",), "https://aws.amazon.com/systems-manager/pricing/", _price),)
