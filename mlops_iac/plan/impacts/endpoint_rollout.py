"""Endpoint updates: SageMaker starts a new fleet beside the old one and moves the traffic as the strategy says.

Nobody waits meanwhile. How long it takes: the launch of the new fleet, then the bake time after each step of the
traffic (a canary has two), then the wait before the old fleet ends. A rolling update launches and bakes batch by batch.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Minutes, Scene, Touched, each, listed
from mlops_iac.plan.impacts.endpoint_downtime import ENDPOINT, LAUNCH
from mlops_iac.plan.model import Op
from mlops_iac.policies.inputs import Inputs

_CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"


def _find(scene: Scene) -> Iterator[Impact]:
    updated = (found for found in scene.of_type(ENDPOINT) if found.op is Op.UPDATE and _switches(found))
    yield from each(updated, lambda found: _judge(scene, found))


def _switches(found: Touched) -> bool:
    """Whether the endpoint gets another configuration; a change of the strategy alone starts nothing."""
    return any(item.path == "endpointConfigName" for item in found.change.diff)


def _judge(scene: Scene, found: Touched) -> Iterator[Impact]:
    config = found.new.at("deploymentConfig", Inputs({}))
    strategy, minutes = strategy_of(config)
    alarms = _alarms(config)
    gradual = "all at once" not in strategy
    watched = f"goes back by itself on {alarms} alarm{'s' * (alarms != 1)}" if alarms else "no alarm brings it back"
    reasons = listed(_reasons(scene.of_component(found.component, _CONFIGURATION)))
    why = f" ({reasons})" if reasons else ""
    yield Impact(
        ImpactKind.ROLLOUT,
        ImpactSeverity.LOW if alarms and gradual else ImpactSeverity.MEDIUM,
        found.component,
        (found.name,),
        f"endpoint {found.label} moves to a new fleet{why}: {strategy}; {watched}; callers notice nothing",
        "watch its alarms until the old fleet has ended; a second change waits for this one",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html",
        minutes,
    )


def _reasons(configurations: Iterator[Touched]) -> Iterator[str]:
    """What differs in the configuration that the endpoint moves to."""
    for found in configurations:
        for item in found.change.diff:
            if item.path not in ("name", "tags"):
                yield item.path.rpartition(".")[2].partition("[")[0]


def _alarms(config: Inputs) -> int:
    """How many alarms roll back."""
    return len(config.at("autoRollbackConfiguration", Inputs({})).list("alarms"))


def strategy_of(config: Inputs) -> tuple[str, Minutes]:
    """A deployment configuration in words, and how long it takes."""
    low, high = LAUNCH
    if config.has("rollingUpdatePolicy"):
        size = config.number("rollingUpdatePolicy.maximumBatchSize.value") or 50
        bake = (config.number("rollingUpdatePolicy.waitIntervalInSeconds") or 0) / 60
        batches = math.ceil(100 / size)
        minutes = (math.ceil(batches * (low + bake)), math.ceil(batches * (high + bake)))
        return f"rolling, {size:g}% of the instances at a time, {batches} x {bake:g} min bake", minutes
    routing = config.at("blueGreenUpdatePolicy.trafficRoutingConfiguration", Inputs({}))
    end = (config.number("blueGreenUpdatePolicy.terminationWaitInSeconds") or 0) / 60
    bake = (routing.number("waitIntervalInSeconds") or 0) / 60
    kind = routing.text("type", "ALL_AT_ONCE")
    steps, words = 1, "all at once"
    if kind == "CANARY":
        steps, words = 2, f"canary of {routing.number('canarySize.value') or 0:g}%"
    elif kind == "LINEAR":
        size = routing.number("linearStepSize.value") or 100
        steps, words = math.ceil(100 / size), f"linear in steps of {size:g}%"
    waits = steps * bake + end
    return f"{words}, {steps} x {bake:g} min bake", (math.ceil(low + waits), math.ceil(high + waits))


RULE = ImpactRule("endpoint-rollout", "An endpoint moves to a new fleet by its rollout strategy.", _find)
