"""KMS keys: the key, up to two older versions that rotation leaves and AWS bills, and requests.

Source: https://aws.amazon.com/kms/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    rotated = resource.inputs.flag("enableKeyRotation")
    basis = "one key; with yearly rotation three after two years" if rotated else "one key"
    requests = context.assumed(resource, "key_requests")
    yield context.charge("key", "kms", "key", 1, 3 if rotated else 1, basis)
    yield context.charge("requests", "kms", "requests", requests / 1e6, basis=f"{requests:,.10g} assumed")


RULES = (Rule(("aws:kms/key:Key",), "https://aws.amazon.com/kms/pricing/", _price),)
