"""What a pricing rule is, and what it may read: one resource, its neighbours, the price table and the assumed use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mlops_iac.cost.model import Amount, Charge, Entry, Gap
from mlops_iac.cost.table import Price, PriceTable
from mlops_iac.policies.policy import ResourceView, StackView
from mlops_iac.spec.usage import Assumption, UsageSection


@dataclass(frozen=True, slots=True)
class Context:
    """What prices a resource besides itself. ``today`` (ISO date) decides on fees for old versions."""

    stack: StackView
    region: str
    table: PriceTable
    usage: UsageSection
    today: str = ""

    def assumed(self, resource: ResourceView, name: Assumption) -> float:
        """The assumption that holds for a resource: its component's own, else everybody's."""
        own = self.own_assumption(resource, name)
        common: float = getattr(self.usage, name)
        return common if own is None else own

    def own_assumption(self, resource: ResourceView, name: Assumption) -> float | None:
        """What the system assumes for the resource's component alone, if it does."""
        if not resource.component:
            return None
        section = str(resource.component[0])
        component = str(resource.component[1]) if len(resource.component) > 1 else section
        return self.usage.components.get(section, {}).get(component, {}).get(name)

    def charge(
        self,
        what: str,
        service: str,
        item: str,
        floor: float,
        ceiling: float | None = None,
        basis: str = "",
    ) -> Charge | Gap:
        """A charge for an item of the table; a gap where the table does not have it. Without ``ceiling`` the
        quantity is fixed."""
        price = self.table.find(service, item, self.region)
        if price is None:
            return Gap(what, self.missing(service, item))
        return charge(what, price, floor, ceiling, basis)

    def missing(self, service: str, item: str) -> str:
        """Why an item of the table has no price here."""
        return f"the table has no price of {service} {item} in {self.region}"


def charge(
    what: str,
    price: Price,
    floor: float,
    ceiling: float | None = None,
    basis: str = "",
    *,
    ceiling_price: Price | None = None,
) -> Charge:
    """A charge for quantities in the price's unit; ``ceiling_price`` where the price itself may rise."""
    most = Amount(floor if ceiling is None else ceiling, ceiling_price or price)
    return Charge(what, Amount(floor, price), most, basis)


@dataclass(frozen=True, slots=True)
class Rule:
    """How resources of some types are billed.

    ``types`` are type tokens; one that ends in ``*`` stands for every type that starts so. ``price`` gives charges,
    gaps or the reason why the resource is free. Reading an input that is known only after apply makes a gap.
    """

    types: tuple[str, ...]
    source_url: str
    price: Callable[[ResourceView, Context], Iterable[Entry]]
