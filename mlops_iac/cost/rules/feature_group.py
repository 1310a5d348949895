"""SageMaker feature groups: what the online store keeps, reads and writes; the offline store is billed as a bucket.

Source: https://aws.amazon.com/sagemaker/ai/pricing/ (Feature Store)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Free, Gap
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    inputs = resource.inputs
    if not inputs.flag("onlineStoreConfig.enableOnlineStore"):
        yield Free("the offline store is billed as storage of its bucket")
        return
    if inputs.text("onlineStoreConfig.storageType", "Standard") != "Standard":
        yield Gap("online store", "the table has no price of the in-memory store")
        return
    stored = context.assumed(resource, "feature_gb")
    reads, writes = context.assumed(resource, "feature_reads"), context.assumed(resource, "feature_writes")
    yield context.charge(
        "online storage", "sagemaker-feature-store", "online-storage", stored, basis=f"{stored:,.10g} GB assumed"
    )
    if inputs.text("throughputConfig.throughputMode", "OnDemand") != "OnDemand":
        yield Gap("throughput", "the table has no price of provisioned throughput")
        return
    yield context.charge(
        "reads", "sagemaker-feature-store", "online-read", reads / 1e6, basis=f"{reads:,.10g} units assumed"
    )
    yield context.charge(
        "writes", "sagemaker-feature-store", "online-write", writes / 1e6, basis=f"{writes:,.10g} units assumed"
    )


RULES = (Rule(("aws:sagemaker/featureGroup:FeatureGroup",), "https://aws.amazon.com/sagemaker/ai/pricing/", _price),)
