"""S3 buckets: what they store in the standard class, and requests, at the price of the first tier.

Older versions of objects are counted as part of what is stored.
Source: https://aws.amazon.com/s3/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    stored = context.assumed(resource, "stored_gb")
    puts = context.assumed(resource, "object_puts")
    gets = context.assumed(resource, "object_gets")
    yield context.charge("storage", "s3", "standard-storage-tier1", stored, basis=f"{stored:,.10g} GB assumed")
    yield context.charge("writes", "s3", "standard-put-requests", puts / 1000, basis=f"{puts:,.10g} assumed")
    yield context.charge("reads", "s3", "standard-get-requests", gets / 1000, basis=f"{gets:,.10g} assumed")


RULES = (Rule(("aws:s3/bucket:Bucket",), "https://aws.amazon.com/s3/pricing/", _price),)
