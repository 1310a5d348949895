"""The budget check: does the system fit what it may cost, and do the assumptions speak of components that exist?"""

from __future__ import annotations

from typing import Final

from mlops_iac.compose.composition import Composition
from mlops_iac.cost.model import Estimate
from mlops_iac.diagnostics import ConfigPath, Diagnostic, Severity, format_path
from mlops_iac.spec.suggest import did_you_mean
from mlops_iac.spec.system import System

OVER_BUDGET: Final = "MI6500"
"""The least that the system costs is over its budget."""
USAGE_OF_NOTHING: Final = "MI6501"
"""``usage.components`` speaks of a component that the system does not have."""


def budget_diagnostics(system: System, estimate: Estimate, composition: Composition) -> tuple[Diagnostic, ...]:
    """A warning at ``budget.monthly_usd`` where the estimate's floor is over it, and one for every assumption about a
    component that does not exist.

    Where the environment's gate ``within_budget`` refuses such a system, there is nothing left to warn of.
    """
    return (*_over_budget(system, estimate, composition), *_usage_of_nothing(system, composition))


def _over_budget(system: System, estimate: Estimate, composition: Composition) -> list[Diagnostic]:
    budget = system.find("budget", "budget")
    if budget is None or estimate.floor <= budget.spec.monthly_usd or "within_budget" in system.core.env.gates:
        return []
    named = ", ".join(f"{line.name} (${line.floor:,.0f})" for line in estimate.largest())
    gaps = f", not counting {len(estimate.unknown)} unknown prices" if estimate.unknown else ""
    path: ConfigPath = ("budget", "monthly_usd")
    return [
        Diagnostic(
            OVER_BUDGET,
            f"the system costs at least ${estimate.floor:,.0f} a month{gaps}; "
            f"its budget is ${budget.spec.monthly_usd:,.0f}",
            f"the largest parts are {named}; `mlops-iac cost` shows them all",
            composition.location_of(path, value=True),
            path,
            Severity.WARNING,
        )
    ]


def _usage_of_nothing(system: System, composition: Composition) -> list[Diagnostic]:
    found = []
    declared = [format_path((instance.kind, instance.name)) for instance in system.instances]
    for section, components in system.core.usage.components.items():
        for name in components:
            if system.find(section, name) is not None:
                continue
            path: ConfigPath = ("usage", "components", section, name)
            wanted = format_path((section, name))
            found.append(
                Diagnostic(
                    USAGE_OF_NOTHING,
                    f"`usage.components` assumes something of `{wanted}`, which the system does not have",
                    did_you_mean(wanted, declared) or "name a section and a component in it",
                    composition.location_of(path),
                    path,
                    Severity.WARNING,
                )
            )
    return found
