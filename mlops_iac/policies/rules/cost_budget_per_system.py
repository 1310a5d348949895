"""Somebody is told before a system has spent too much.

Source: https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
"""

from __future__ import annotations

from typing import Final

from mlops_iac.policies.policy import (
    NOT_APPLICABLE,
    PASS,
    Enforcement,
    Policy,
    PolicySeverity,
    ResourceView,
    Result,
    StackView,
    fail,
    fails,
    neighbour,
    passes,
    skips,
)
from mlops_iac.policies.serving import ENDPOINT, TRAINING_JOB

BUDGET = "aws:budgets/budget:Budget"
COSTLY: Final = (
    ENDPOINT,
    TRAINING_JOB,
    "aws:eks/cluster:Cluster",
    "aws:rds/instance:Instance",
    "aws:sagemaker/notebookInstance:NotebookInstance",
    "aws:sagemaker/pipeline:Pipeline",
)


def check(resource: ResourceView, stack: StackView) -> Result:
    """A budget notifies somebody; what costs much belongs to a system that has one."""
    if resource.type == BUDGET:
        return PASS if resource.inputs.has("notifications") else fail("tells nobody", "notifications")
    system = resource.tags.get("ml-system")
    if not system:
        return NOT_APPLICABLE
    return (
        PASS
        if any(f"ml-system${system}" in name for name in stack.once(_filters))
        else fail(f"belongs to {system}, which has no budget")
    )


def _filters(stack: StackView) -> tuple[str, ...]:
    return tuple(
        str(value)
        for budget in stack.of_type(BUDGET)
        for entry in budget.inputs.each("costFilters")
        for value in entry.list("values")
    )


_TAGGED = {"tags": {"ml-system": "fraud"}}
_BUDGET = neighbour(BUDGET, {"costFilters": [{"name": "TagKeyValue", "values": ["user:ml-system$fraud"]}]})


POLICY = Policy(
    id="cost-budget-per-system",
    title="Every system has a budget that tells somebody",
    why="A forgotten GPU node costs more in a month than the rest of the system.",
    fix="declare budget: {monthly_usd, alert}",
    settings=("budget.monthly_usd",),
    severity=PolicySeverity.MEDIUM,
    enforcement=Enforcement.ADVISORY,
    applies_to=(BUDGET, *COSTLY),
    controls={"nist-ai-rmf": ("MEASURE-2.12",)},
    source_url="https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html",
    check=check,
    samples=(
        passes(ENDPOINT, _TAGGED, _BUDGET),
        fails(ENDPOINT, _TAGGED),
        fails(ENDPOINT, {"tags": {"ml-system": "other"}}, _BUDGET),
        passes(BUDGET, {"notifications": [{"threshold": 80}]}),
        fails(BUDGET, {"budgetType": "COST"}),
        skips(ENDPOINT, {}),
    ),
    spans=True,
)
