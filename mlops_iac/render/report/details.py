"""The data from which a script opens the details of a component or a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlops_iac.cost.model import Line as CostLine
from mlops_iac.diagnostics import Location
from mlops_iac.explanation import Explanation, Made
from mlops_iac.plan.model import Change, Op
from mlops_iac.render.explanation import origin_text, verdict_word
from mlops_iac.render.report.model import Report
from mlops_iac.render.report.parts import VALUE, place
from mlops_iac.render.results import name_of
from mlops_iac.render.spending import amount_of
from mlops_iac.render.visible import show, visible

_INPUT: Final = 110
"""Characters of an input of a resource that comes into being or ends."""


def details(report: Report) -> Any:
    """What the details are made of; rows name others by their index, to keep the page small."""
    listed = urns(report)
    number = {urn: index for index, urn in enumerate(listed)}
    made = {each.urn: (each, one) for one in report.explanations for each in one.resources}
    changes = {change.urn: change for stack in report.plan.stacks for change in stack.changes}
    old_costs = {} if report.cost is None or report.cost.difference is None else {
        change.line.urn: change.old for change in report.cost.difference.changes if change.old is not None
    }  # fmt: skip
    rules: dict[str, int] = {}
    policies: list[list[str]] = []
    for finding in (f for each, _ in made.values() for f in each.verdicts):
        if finding.policy.id not in rules:
            rules[finding.policy.id] = len(policies)
            policies.append([finding.policy.id, finding.policy.title])
    sources = {change.urn: change.source for change in changes.values()}
    return _showable(
        {
            "policies": policies,
            "words": {op.value: word for op, word in report.words.ops.items()},
            "components": {
                each.component: _component_data(each, [number[one.urn] for one in each.resources])
                for each in report.explanations
            },
            "resources": [
                _resource_data(urn, made.get(urn), changes.get(urn), sources.get(urn), old_costs.get(urn), rules)
                for urn in listed
            ],
        }
    )


def urns(report: Report) -> list[str]:
    """Every resource that can be opened: declared ones, then those that go."""
    declared = [made.urn for each in report.explanations for made in each.resources]
    changed = [change.urn for stack in report.plan.stacks for change in stack.changes if change.custom]
    return list(dict.fromkeys((*declared, *changed)))


def _component_data(each: Explanation, resources: list[int]) -> dict[str, Any]:
    prefix = f"{each.component}."
    return {
        "layer": each.layer,
        "settings": [
            [
                setting.path.removeprefix(prefix),
                show(setting.value, VALUE),
                origin_text(setting),
                setting.origin.interpolation or "" if setting.origin is not None else "",
            ]
            for setting in each.settings
        ],
        "uses": list(each.uses),
        "usedBy": list(each.used_by),
        "resources": resources,
        "cost": [amount_of(each.floor, each.gaps), amount_of(each.ceiling, each.gaps)]
        if each.ceiling or each.gaps
        else [],
    }


def _resource_data(
    urn: str,
    made: tuple[Made, Explanation] | None,
    change: Change | None,
    source: Location | None,
    old_cost: CostLine | None,
    rules: Mapping[str, int],
) -> dict[str, Any]:
    cost = made[0].cost if made is not None else old_cost
    verdicts = made[0].verdicts if made is not None else ()
    known: dict[str, Any] = {
        "urn": urn,
        "type": change.type if change is not None else made[0].type if made is not None else "",
        "name": change.name if change is not None else name_of(urn),
        "component": made[1].component if made is not None else "",
        "op": change.op.value if change is not None else "same",
        "source": place(source),
        "passes": [rules[each.policy.id] for each in verdicts if verdict_word(each) == "passes"],
        "told": [
            [rules[each.policy.id], verdict_word(each), each.result.detail]
            for each in verdicts
            if verdict_word(each) != "passes"
        ],
    }
    if cost is not None:
        known["cost"] = [round(cost.floor, 2), round(cost.ceiling, 2)]
        known["charges"] = [
            [charge.what, round(charge.floor.usd, 2), round(charge.ceiling.usd, 2), charge.basis]
            for charge in cost.charges
        ]
        known["gaps"] = [f"{gap.what}: {gap.reason}" for gap in cost.gaps]
        known["free"] = cost.free
    # Of what changes, the list of changes shows the difference; of what comes or goes, this is all that is told.
    whole = {Op.CREATE: change.new, Op.DELETE: change.old}.get(change.op) if change is not None else None
    if whole:
        known["inputs"] = [[name, show(value, _INPUT)] for name, value in sorted(whole.items())]
    return {key: value for key, value in known.items() if value not in ("", [], None)}


def _showable(value: Any) -> Any:
    """The same data with characters that do not show written as escapes, as in the markup beside it."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(key): _showable(item) for key, item in value.items()}
    return [_showable(item) for item in value] if isinstance(value, list) else value
