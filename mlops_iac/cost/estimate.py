"""What a system costs in a month: the graph, or a state, resource by resource.

Pure: the same graph, assumptions, table and date give the same estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlops_iac.cost.compare import MonthlyCost, compare
from mlops_iac.cost.model import Charge, Entry, Estimate, Free, Gap, Line
from mlops_iac.cost.registry import rule_for
from mlops_iac.cost.rule import Context
from mlops_iac.cost.stages import stage_of
from mlops_iac.cost.table import PriceTable
from mlops_iac.graph.evaluate import UNKNOWN
from mlops_iac.graph.nodes import Graph
from mlops_iac.policies.inputs import UnknownInputError
from mlops_iac.policies.policy import ResourceView, StackView, view
from mlops_iac.policies.views import view_graph
from mlops_iac.spec.system import System
from mlops_iac.spec.usage import UsageSection
from mlops_iac.state.snapshot import ResourceState, Snapshot

_ENGINE = "pulumi:"
_AWS_PROVIDER = "pulumi:providers:aws"


def estimate_graph(graph: Graph, system: System, today: str = "", table: PriceTable | None = None) -> Estimate:
    """What a compiled system costs; ``today`` (ISO date) decides on fees for old versions."""
    stack = view_graph(graph, system, today)
    return estimate_stack(
        stack, graph.system, graph.environment, system.core.cloud.region, system.core.usage, today, table
    )


def estimate_snapshots(
    snapshots: Mapping[str, Snapshot], system: System, today: str = "", table: PriceTable | None = None
) -> Estimate:
    """What a state costs, by project, with the assumptions of ``system``: what a change is compared with.

    The region is that of the state's own AWS provider.
    """
    states = [state for project in sorted(snapshots) for state in snapshots[project].live().values()]
    regions = [
        str(state.inputs["region"]) for state in states if state.type == _AWS_PROVIDER and "region" in state.inputs
    ]
    stack = StackView(tuple(_view(state) for state in states if state.custom))
    core = system.core
    region = regions[0] if regions else core.cloud.region
    return estimate_stack(stack, core.system.name, core.env.name, region, core.usage, today, table)


def monthly_cost(graph: Graph, system: System, snapshots: Mapping[str, Snapshot], today: str) -> MonthlyCost:
    """The cost of a compiled system beside that of the state it would change, by the same prices and assumptions."""
    estimate = estimate_graph(graph, system, today)
    if not any(snapshot.resources for snapshot in snapshots.values()):
        return MonthlyCost(estimate)
    return MonthlyCost(estimate, compare(estimate_snapshots(snapshots, system, today), estimate))


def estimate_stack(
    stack: StackView,
    system: str,
    environment: str,
    region: str,
    usage: UsageSection,
    today: str = "",
    table: PriceTable | None = None,
) -> Estimate:
    """What the resources of a stack cost in a region."""
    context = Context(stack, region, table or PriceTable(), usage, today)
    lines = tuple(_line(resource, context) for resource in stack.resources if not resource.type.startswith(_ENGINE))
    numbers = {name: float(value) for name, value in _numbers(usage)}
    return Estimate(system, environment, region, lines, numbers)


def _line(resource: ResourceView, context: Context) -> Line:
    entries = list(_entries(resource, context))
    return Line(
        resource.urn,
        resource.type,
        resource.name,
        stage_of(resource.urn),
        resource.component,
        resource.location,
        tuple(entry for entry in entries if isinstance(entry, Charge)),
        tuple(entry for entry in entries if isinstance(entry, Gap)),
        "" if any(isinstance(entry, Charge | Gap) for entry in entries) else _why_free(entries),
    )


def _why_free(entries: Iterable[Entry]) -> str:
    return next((entry.reason for entry in entries if isinstance(entry, Free)), "no use of it is assumed")


def _entries(resource: ResourceView, context: Context) -> Iterator[Entry]:
    rule = rule_for(resource.type)
    if rule is None:
        yield Gap("everything", f"no rule prices resources of type {resource.type}")
        return
    try:
        yield from _counted(rule.price(resource, context))
    except UnknownInputError as missing:
        yield Gap("the rest", f"{missing.path} is known only after apply")


def _counted(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries without charges for nothing at all."""
    for entry in entries:
        if not isinstance(entry, Charge) or entry.ceiling.quantity > 0:
            yield entry


def _numbers(usage: UsageSection) -> Iterator[tuple[str, float]]:
    for name in usage.__struct_fields__:
        value = getattr(usage, name)
        if isinstance(value, int | float):
            yield name, value


def _view(state: ResourceState) -> ResourceView:
    parts = state.urn.split("::")
    outputs = (state.outputs.get(name) for name in ("arn", "id", "name"))
    return view(
        state.urn,
        state.type,
        parts[-1],
        {name: value for name, value in state.inputs.items() if value is not UNKNOWN},
        sources={name: frozenset(urns) for name, urns in state.property_dependencies.items() if urns},
        identifiers=[text for text in (state.id, *outputs) if isinstance(text, str)],
    )
