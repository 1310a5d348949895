"""The system's budget: a monthly AWS budget on its tag, with warnings before it is spent.

Source: https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html. The tag ``ml-system``
must be activated as a cost allocation tag in the payer account; AWS offers no way to do so per system.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from mlops_iac.compile.context import BuildContext
from mlops_iac.components.component import Component, Example, Outputs, Problem
from mlops_iac.components.foundation.alerts import AlertOutputs
from mlops_iac.graph.nodes import Layer
from mlops_iac.graph.values import Ref, Value
from mlops_iac.spec.base import Spec, doc
from mlops_iac.spec.card import CardEntry, CardStage, facts
from mlops_iac.spec.quantities import Percent
from mlops_iac.spec.system import System

TOO_MANY_WARNINGS = "MI3620"
"""A budget has more thresholds than AWS Budgets takes (ten notifications)."""


class BudgetSpec(Spec, kw_only=True):
    """What the system may cost in a month, and who hears about it."""

    monthly_usd: Annotated[float, doc("Budget for a calendar month.", unit="USD", ge=1)]
    alert_at: Annotated[tuple[Percent, ...], doc("Shares of the budget at which somebody is told.")] = (
        Percent.parse("80%"),
        Percent.parse("100%"),
    )
    alert: Annotated[str, doc("Who is told.", ref="alerts")]
    forecast: Annotated[bool, doc("Also tell when the month is forecast to exceed the budget.")] = True


@dataclass(frozen=True, slots=True)
class BudgetOutputs(Outputs):
    """The budget's name."""

    name: Ref


def build(name: str, spec: BudgetSpec, ctx: BuildContext) -> BudgetOutputs:
    """One budget, filtered by the system's tag."""
    topic = ctx.get("alerts", spec.alert, AlertOutputs).topic_arn
    notifications: list[Value] = [_notification("ACTUAL", float(share.value), topic) for share in spec.alert_at]
    if spec.forecast:
        notifications.append(_notification("FORECASTED", 100.0, topic))
    budget = ctx.add(
        "budget",
        "aws:budgets/budget:Budget",
        {
            "name": ctx.namer.cloud("monthly"),
            "budgetType": "COST",
            "limitAmount": f"{spec.monthly_usd:.2f}",
            "limitUnit": "USD",
            "timeUnit": "MONTHLY",
            "costFilters": [{"name": "TagKeyValue", "values": [f"user:ml-system${ctx.core.system.name}"]}],
            "notifications": notifications,
        },
    )
    return BudgetOutputs(budget["name"])


def _notification(type: str, percent: float, topic: Value) -> Value:
    return {
        "comparisonOperator": "GREATER_THAN",
        "notificationType": type,
        "threshold": percent,
        "thresholdType": "PERCENTAGE",
        "subscriberSnsTopicArns": [topic],
    }


def check(name: str, spec: BudgetSpec, system: System) -> Iterable[Problem]:
    """No more warnings than AWS takes."""
    if len(spec.alert_at) + spec.forecast > 10:
        yield Problem(
            TOO_MANY_WARNINGS,
            ("alert_at",),
            "AWS Budgets takes at most ten notifications, the forecast's included",
            "leave out some of the shares",
        )


def card(name: str, spec: BudgetSpec, system: System) -> CardEntry:
    return CardEntry(
        CardStage.BUDGET,
        facts(
            ("a month", f"${spec.monthly_usd:,.0f}"),
            ("tells", f"{spec.alert} at {', '.join(map(str, spec.alert_at))}"),
        ),
    )


COMPONENT = Component(
    kind="budget",
    label="budget",
    layer=Layer.OPERATIONS,
    token="mlops:operations:Budget",
    spec=BudgetSpec,
    build=build,
    card=card,
    check=check,
    many=False,
    examples=(
        Example(
            "Warn at half, and when it is spent",
            {"monthly_usd": 5000, "alert_at": ["50%", "100%"], "alert": "owners"},
            {"alerts": {"owners": {"email": ["owners@example.com"]}}},
        ),
        Example(
            "Without a forecast",
            {"monthly_usd": 300, "alert": "owners", "forecast": False},
            {"alerts": {"owners": {"email": ["owners@example.com"]}}},
        ),
    ),
)
