"""Reasons to retrain that end, begin, or are declared and can never come true.

Triggers are told apart by what they react to and not by their names, which are numbered: a trigger that only moves
within the list is neither gone nor new.
Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from mlops_iac.components.operations.retraining import RetrainingSpec, TriggerSpec
from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactRule, ImpactSeverity, Scene, Touched, listed
from mlops_iac.plan.model import Op
from mlops_iac.policies.inputs import Inputs
from mlops_iac.spec.system import Instance

_RULE = "aws:cloudwatch/eventRule:EventRule"
_SCHEDULE = "aws:scheduler/schedule:Schedule"
_SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html"


def _find(scene: Scene) -> Iterator[Impact]:
    components = sorted({found.component for found in scene.of_type(_RULE, _SCHEDULE) if _retrains(found)})
    for component in components:
        found = list(scene.of_component(component, _RULE, _SCHEDULE))
        before = {_reaction(each.old): each for each in found if each.change.old is not None}
        after = {_reaction(each.new): each for each in found if each.change.new is not None}
        for reaction in sorted(before.keys() - after.keys()):
            if not _moves_on(before[reaction], before.keys()):
                yield _detached(scene, before[reaction])
        if scene.existed(component):
            for reaction in sorted(after.keys() - before.keys()):
                yield _new(after[reaction])
    for instance in scene.system.of_kind("retraining"):
        yield from _never(scene, instance)


def _retrains(found: Touched) -> bool:
    return found.component[:1] == ("retraining",)


def _reaction(inputs: Inputs) -> str:
    """What a trigger reacts to, as text that is the same for the same reason."""
    for name in ("scheduleExpression", "eventPattern"):
        if not inputs.is_known(name):
            return f"{inputs.text('description')} {UNKNOWN!r}"
        if inputs.has(name):
            return inputs.text(name)
    return inputs.text("description")


def _moves_on(found: Touched, former: Collection[str]) -> bool:
    """Whether the same trigger reacts to something new instead, which is told as a new trigger."""
    return found.op in (Op.UPDATE, Op.REPLACE) and _reaction(found.new) not in former


def _reason(found: Touched, inputs: Inputs) -> str:
    """What starts a run, in words: what its component says of the rule, and the alarm or bucket that it names."""
    kind = inputs.text("description", found.name).rpartition(": ")[2]
    try:
        pattern = json.loads(inputs.text("eventPattern", "{}")) if inputs.is_known("eventPattern") else {}
        detail = pattern.get("detail", {})
        names = detail.get("alarmName") or detail.get("bucket", {}).get("name") or []
    except (AttributeError, ValueError):
        names = []
    return f"{kind} ({listed(map(str, names))})" if names else kind


def _detached(scene: Scene, found: Touched) -> Impact:
    gone = scene.system.find("retraining", str(found.component[-1])) is None
    return Impact(
        ImpactKind.TRIGGER_DETACHED,
        ImpactSeverity.HIGH if gone else ImpactSeverity.MEDIUM,
        found.component,
        (found.name,),
        f"retraining {found.component[-1]} is no longer started by: {_reason(found, found.old)}"
        + ("; nothing retrains the model any more" if gone else ""),
        "make sure that another trigger notices a model that wears out",
        _SOURCE,
    )


def _new(found: Touched) -> Impact:
    changed = found.op is not Op.CREATE
    return Impact(
        ImpactKind.TRIGGER_NEW,
        ImpactSeverity.LOW,
        found.component,
        (found.name,),
        f"retraining {found.component[-1]} is from now on started by: {_reason(found, found.new)}"
        + (f" (until now: {_reason(found, found.old)})" if changed else ""),
        "look at cooldown, concurrency and spend_cap: they bound how often it runs and what it costs",
        _SOURCE,
    )


def _never(scene: Scene, instance: Instance) -> Iterator[Impact]:
    """Declared triggers for which no rule is made, said when the retraining or what it reacts to changes."""
    if not isinstance(instance.spec, RetrainingSpec) or not list(scene.of_component(instance.path)):
        return
    made = {node.name for node in scene.graph.nodes() if node.component == instance.path}
    for index, trigger in enumerate(instance.spec.on):
        kind = trigger.named()[0]
        suffix = f"{instance.name}.{kind.replace('_', '-')}-{index + 1}"
        if suffix not in made:
            yield Impact(
                ImpactKind.TRIGGER_NEVER,
                ImpactSeverity.HIGH,
                instance.path,
                (suffix,),
                f"trigger {index + 1} of retraining {instance.name} can never fire: {_why(trigger, kind)}",
                "release a version so that its endpoint and monitor are built, or remove the trigger",
                _SOURCE,
            )


def _why(trigger: TriggerSpec, kind: str) -> str:
    return f"{kind} monitor {trigger.drift or trigger.quality} has no alarm"


RULE = ImpactRule("retraining-triggers", "Retraining starts for other reasons than before.", _find)
