"""SageMaker endpoints: instances between the limits of autoscaling, serverless memory, and the data of requests.

Half of a request's size counts as coming in, half as going out. The second fleet of a rollout is not counted.
Source: https://aws.amazon.com/sagemaker/ai/pricing/ (real-time and serverless inference)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry, Gap
from mlops_iac.cost.rule import Context, Rule, charge
from mlops_iac.cost.sagemaker import instance_price
from mlops_iac.cost.table import HOURS
from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import ResourceView

_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
_TARGET = "aws:appautoscaling/target:Target"
_SERVERLESS_SECONDS = 0.2


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    variants = [
        variant
        for configuration in context.stack.targets_of(resource, "endpointConfigName", _CONFIGURATION)
        for field in ("productionVariants", "shadowProductionVariants")
        for variant in configuration.inputs.each(field)
    ]
    if not variants:
        yield Gap("instances", "its configuration is not part of the system")
    for variant in variants:
        yield from _variant(resource, variant, len(variants), context)
    traffic = context.assumed(resource, "requests") * context.assumed(resource, "request_kb") / 1e6 / 2
    service = "sagemaker-hosting" if any(v.has("instanceType") for v in variants) else "sagemaker-serverless-inference"
    for what, item in (("requests", "data-in"), ("answers", "data-out")):
        yield context.charge(what, service, item, traffic, basis=f"{traffic:,.10g} GB from the assumed requests")


def _variant(resource: ResourceView, variant: Inputs, number: int, context: Context) -> Iterator[Entry]:
    name = variant.text("variantName", "AllTraffic")
    if variant.has("serverlessConfig"):
        memory = int((variant.number("serverlessConfig.memorySizeInMb") or 1024) // 1024)
        seconds = context.assumed(resource, "requests") / number * _SERVERLESS_SECONDS
        yield context.charge(
            f"serverless compute of {name}",
            "sagemaker-serverless-inference",
            f"memory-{memory}GB",
            seconds,
            basis=f"assumed requests x {_SERVERLESS_SECONDS:,.10g} s",
        )
        if variant.has("serverlessConfig.provisionedConcurrency"):
            yield Gap(f"provisioned concurrency of {name}", "its use is not assumed")
        return
    kind = variant.text("instanceType")
    least, most = _instances(resource, variant, name, context)
    what = f"instances of {kind}"
    price = instance_price(context.table, "hosting", kind, context.region)
    if price is None:
        yield Gap(what, context.missing("sagemaker-hosting", kind))
        return
    yield charge(what, price, least * HOURS, most * HOURS, f"{least:,.10g} to {most:,.10g} instances x 730 h")
    size = variant.number("volumeSizeInGb")
    if size:
        yield context.charge(
            "volumes",
            "sagemaker-storage",
            "endpoint-storage",
            size * least,
            size * most,
            f"{size:,.10g} GB x {least:,.10g} to {most:,.10g} instances",
        )


def _instances(resource: ResourceView, variant: Inputs, name: str, context: Context) -> tuple[float, float]:
    fixed = variant.number("initialInstanceCount") or 1.0
    wanted = f"endpoint/{resource.inputs.text('name')}/variant/{name}"
    for target in context.stack.of_type(_TARGET):
        if target.inputs.is_known("resourceId") and target.inputs.text("resourceId") == wanted:
            least = target.inputs.number("minCapacity")
            most = target.inputs.number("maxCapacity")
            least = fixed if least is None else least
            return least, max(most or 0.0, least)
    return fixed, fixed


RULES = (Rule(("aws:sagemaker/endpoint:Endpoint",), "https://aws.amazon.com/sagemaker/ai/pricing/", _price),)
