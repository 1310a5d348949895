"""Lambda functions: calls, and memory by the time that they take.

Source: https://aws.amazon.com/lambda/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlops_iac.cost.model import Entry
from mlops_iac.cost.rule import Context, Rule
from mlops_iac.policies.policy import ResourceView


def _price(resource: ResourceView, context: Context) -> Iterator[Entry]:
    arm = "-arm" if "arm64" in resource.inputs.list("architectures") else ""
    calls = context.assumed(resource, "invocations")
    seconds = context.assumed(resource, "invocation_ms") / 1000
    memory = resource.inputs.number("memorySize") or 128
    yield context.charge("calls", "lambda", f"requests{arm}", calls / 1e6, basis=f"{calls:,.10g} assumed")
    yield context.charge(
        "compute",
        "lambda",
        f"duration{arm}",
        calls * seconds * memory / 1024,
        basis=f"{calls:,.10g} calls x {seconds:,.10g} s x {memory:,.10g} MB",
    )


RULES = (Rule(("aws:lambda/function:Function",), "https://aws.amazon.com/lambda/pricing/", _price),)
