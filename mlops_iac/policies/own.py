"""Makes policies of the rules that a configuration declares: conditions on inputs, no code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from mlops_iac.policies.inputs import Inputs
from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    canonical_type,
    fail,
    fails,
    passes,
    worst,
)
from mlops_iac.spec.system import Condition, OwnRule, PoliciesSection


def own_rules(section: PoliciesSection, environment: str = "") -> dict[Policy, Enforcement]:
    """The section's own policies with their enforcement, of which it may say something else for an environment."""
    levels = section.levels(environment)
    return {own_rule(name, rule): Enforcement(levels.get(name, rule.enforcement)) for name, rule in section.own.items()}


def own_rule(name: str, rule: OwnRule) -> Policy:
    """A declared rule as a policy; its samples are resources of the first type that it judges."""
    return Policy(
        id=name,
        title=rule.title,
        why=rule.why,
        fix=rule.fix,
        severity=PolicySeverity(rule.severity),
        enforcement=Enforcement(rule.enforcement),
        applies_to=tuple(map(canonical_type, rule.applies_to)),
        controls={framework: tuple(ids) for framework, ids in rule.controls.items()},
        source_url=rule.source,
        check=_check(rule),
        samples=(
            *(passes(rule.applies_to[0], inputs) for inputs in rule.passes),
            *(fails(rule.applies_to[0], inputs) for inputs in rule.fails),
        ),
    )


def _check(rule: OwnRule) -> Callable[[ResourceView, StackView], Result]:
    def check(resource: ResourceView, stack: StackView) -> Result:
        if not all(_breaks(condition, resource.inputs) is None for condition in rule.where):
            return NOT_APPLICABLE
        return worst(rule.require, lambda condition: _judged(condition, resource.inputs))

    return check


def _judged(condition: Condition, inputs: Inputs) -> Result:
    broken = _breaks(condition, inputs)
    return PASS if broken is None else fail(f"has {condition.input} {broken}", condition.input)


def _breaks(condition: Condition, inputs: Inputs) -> str | None:
    """How the input breaks the condition, as the end of a sentence; None where it does not."""
    path = condition.input
    if condition.is_set is not None and inputs.has(path) is not condition.is_set:
        return "not set" if condition.is_set else "set"
    if condition.is_true is not None and inputs.flag(path) is not condition.is_true:
        return "not true" if condition.is_true else "true"
    texts = [str(value) for value in inputs.list(path)] if condition.one_of or condition.none_of else []
    if condition.one_of:
        other = next((text for text in texts if not _fits(text, condition.one_of)), None if texts else "(unset)")
        if other is not None:
            return f"{other}, which is none of {', '.join(condition.one_of)}"
    forbidden = next((text for text in texts if _fits(text, condition.none_of)), None)
    if forbidden is not None:
        return f"{forbidden}, which is forbidden"
    return _out_of_bounds(condition, inputs)


def _out_of_bounds(condition: Condition, inputs: Inputs) -> str | None:
    if condition.at_least is None and condition.at_most is None:
        return None
    number = inputs.number(condition.input)
    if number is None:
        return "not set to a number"
    if condition.at_least is not None and number < condition.at_least:
        return f"{number:g}, less than {condition.at_least:g}"
    if condition.at_most is not None and number > condition.at_most:
        return f"{number:g}, more than {condition.at_most:g}"
    return None


def _fits(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
