"""How a new version takes over an endpoint: SageMaker's deployment policies, and the alarms that roll it back.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from mlops_iac.compile.context import Handle
from mlops_iac.components.component import Problem
from mlops_iac.diagnostics import Severity
from mlops_iac.graph.values import Value
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.quantities import Duration, Percent
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import System

BAD_STEPS = "MI3503"
"""The rollout's steps do not grow to 100%, or not as the strategy needs."""
STEPS_MERGED = "MI3504"
"""SageMaker's canary cannot have that many steps; some are left out."""
UNKNOWN_ALARM = "MI3505"
"""`rollback_on` names neither an alarm of the endpoint nor a monitor of it."""
BAD_BAKE = "MI3506"
"""The bake time is longer than SageMaker waits."""
USELESS_FIELD = "MI3507"
"""A field has no effect with the chosen strategy."""
NO_ROLLBACK = "MI3508"
"""The rollout is watched by no alarm, so it would not be rolled back."""
_OWN_ALARMS = ("errors", "latency")
_LONGEST_WAIT = 3600
_LONGEST_ROLLOUT = 28800
_DEFAULT_STEPS: Mapping[str, tuple[str, ...]] = {
    "canary": ("10%", "100%"),
    "linear": ("25%", "50%", "75%", "100%"),
    "rolling": ("50%", "100%"),
}


class RolloutSpec(Spec, kw_only=True):
    """How a new version takes over."""

    strategy: Annotated[
        Literal["all_at_once", "rolling", "blue_green", "canary", "linear"],
        doc(
            "all_at_once: a new fleet takes all traffic at once. blue_green: the same, and the old fleet is kept for "
            "the bake time. canary: a part first. linear: equal parts. rolling: a share of the instances at a time."
        ),
    ] = "blue_green"
    steps: Annotated[
        list[Percent],
        doc(
            "Share of the traffic after each step, up to 100%. SageMaker's canary has one step before the rest: "
            "further ones are left out, with a warning."
        ),
    ] = []
    bake: Annotated[Duration, doc("How long alarms are watched after each step (at most 1h).")] = Duration(600)
    rollback_on: Annotated[
        list[str] | None,
        doc(
            "Alarms that bring the old version back: `<endpoint>-errors`, `<endpoint>-latency`; unset: those that the "
            "endpoint has."
        ),
    ] = None


def steps_of(rollout: RolloutSpec) -> list[int]:
    """The rollout's steps in whole percent, the strategy's usual ones where none are given."""
    given = [step.whole for step in rollout.steps]
    return given or [Percent.parse(step).whole for step in _DEFAULT_STEPS.get(rollout.strategy, ("100%",))]


def deployment(name: str, rollout: RolloutSpec, alarms: Mapping[str, Handle]) -> dict[str, Value]:
    """The rollout of endpoint ``name`` in SageMaker's terms, watched by its ``alarms``, by what they tell."""
    config: dict[str, Value] = {}
    watched = [f"{name}-{suffix}" for suffix in alarms] if rollout.rollback_on is None else rollout.rollback_on
    if watched:
        config["autoRollbackConfiguration"] = {
            "alarms": [{"alarmName": alarms[alarm.rpartition("-")[2]]["name"]} for alarm in watched]
        }
    if rollout.strategy == "rolling":
        config["rollingUpdatePolicy"] = {
            "maximumBatchSize": _share(steps_of(rollout)[0]),
            "waitIntervalInSeconds": rollout.bake.seconds,
            "maximumExecutionTimeoutInSeconds": _LONGEST_ROLLOUT,
        }
    else:
        config["blueGreenUpdatePolicy"] = {
            "trafficRoutingConfiguration": _routing(rollout),
            "terminationWaitInSeconds": rollout.bake.seconds if rollout.strategy == "blue_green" else 0,
            "maximumExecutionTimeoutInSeconds": _LONGEST_ROLLOUT,
        }
    return config


def _routing(rollout: RolloutSpec) -> dict[str, Value]:
    wait: dict[str, Value] = {"waitIntervalInSeconds": rollout.bake.seconds}
    if rollout.strategy == "canary":
        return {"type": "CANARY", "canarySize": _share(steps_of(rollout)[0]), **wait}
    if rollout.strategy == "linear":
        return {"type": "LINEAR", "linearStepSize": _share(steps_of(rollout)[0]), **wait}
    return {"type": "ALL_AT_ONCE", **wait}


def _share(percent: int) -> dict[str, Value]:
    return {"type": "CAPACITY_PERCENT", "value": percent}


def check_rollout(name: str, rollout: RolloutSpec, own: Sequence[str], system: System) -> Iterator[Problem]:
    """What SageMaker can roll out, and alarms that can stop it: ``own`` are those that endpoint ``name`` has."""
    yield from _check_steps(rollout)
    yield from _check_rollback(name, rollout, own, system)
    if rollout.bake.seconds > _LONGEST_WAIT:
        yield Problem(
            BAD_BAKE,
            ("rollout", "bake"),
            f"SageMaker waits at most 1h after a step, not {rollout.bake}",
            "bake for 1h or less",
        )


def _check_steps(rollout: RolloutSpec) -> Iterator[Problem]:
    path = ("rollout", "steps")
    steps = steps_of(rollout)
    if rollout.steps and rollout.strategy in ("all_at_once", "blue_green"):
        yield Problem(
            USELESS_FIELD,
            path,
            f"{rollout.strategy} has one step, to 100%",
            "remove `steps`, or use canary or linear",
            Severity.WARNING,
        )
        return
    if any(step.value != step.whole for step in rollout.steps) or steps != sorted(set(steps)) or steps[-1] != 100:
        yield Problem(BAD_STEPS, path, "the steps do not grow to 100% in whole percent", "write them like [10%, 100%]")
        return
    if rollout.strategy == "canary":
        yield from _check_canary(path, steps)
    if rollout.strategy == "linear" and (
        len({right - left for left, right in zip([0, *steps], steps, strict=False)}) != 1 or not 10 <= steps[0] <= 50
    ):
        yield Problem(
            BAD_STEPS,
            path,
            "linear needs equal steps of 10% to 50%",
            "write them like [25%, 50%, 75%, 100%], or use canary",
        )
    if rollout.strategy == "rolling" and not 5 <= steps[0] <= 50:
        yield Problem(BAD_STEPS, path, "rolling replaces 5% to 50% of the instances at a time", "begin with 5% to 50%")


def _check_canary(path: tuple[str, ...], steps: list[int]) -> Iterator[Problem]:
    if len(steps) < 2 or steps[0] > 50:
        yield Problem(
            BAD_STEPS, path, "the canary gets at most 50%, then the rest follows", "write it like [10%, 100%]"
        )
    elif len(steps) > 2:
        left_out = ", ".join(f"{step}%" for step in steps[1:-1])
        yield Problem(
            STEPS_MERGED,
            path,
            f"SageMaker's canary has one step before the rest: {left_out} is left out, 100% follows {steps[0]}%",
            f"write [{steps[0]}%, 100%], or use linear with equal steps",
            Severity.WARNING,
        )


def _check_rollback(name: str, rollout: RolloutSpec, own: Sequence[str], system: System) -> Iterator[Problem]:
    usual = [f"{name}-{suffix}" for suffix in _OWN_ALARMS]
    for index, alarm in enumerate(rollout.rollback_on or []):
        path = ("rollout", "rollback_on", index)
        if alarm in usual and alarm not in own:
            yield Problem(
                UNKNOWN_ALARM,
                path,
                f"endpoint {name!r} promises no latency, so there is no alarm {alarm!r}",
                "set `slo.latency_p99`",
            )
        elif alarm not in usual and system.find("monitors", alarm) is not None:
            yield Problem(
                UNKNOWN_ALARM,
                path,
                f"the alarm of monitor {alarm!r} cannot roll back: it watches the finished endpoint, whose first "
                "rollout would wait for an alarm that does not exist yet",
                f"use {' or '.join(usual)}; let the monitor start a retraining",
            )
        elif alarm not in usual:
            yield Problem(
                UNKNOWN_ALARM,
                path,
                f"endpoint {name!r} has no alarm {alarm!r}",
                did_you_mean(alarm, usual) or f"alarms: {', '.join(usual)}",
            )
    if rollout.rollback_on == []:
        yield Problem(
            NO_ROLLBACK,
            ("rollout", "rollback_on"),
            f"no alarm watches the rollout of endpoint {name!r}",
            "remove `rollback_on` to use the endpoint's own alarms",
            Severity.WARNING,
        )
