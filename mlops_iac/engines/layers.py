"""In which order layers are applied and destroyed, and what one that fails keeps from being tried: for every engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from mlops_iac.diagnostics import Diagnostic, Severity
from mlops_iac.engines.codes import NOT_TRIED
from mlops_iac.engines.schedule import run_in_order
from mlops_iac.graph.nodes import LAYERS, Layer, Stack, layer_of
from mlops_iac.graph.values import StackOutput, references
from mlops_iac.state.checkpoint import STACK_REFERENCE, parse_urn
from mlops_iac.state.snapshot import Snapshot

Needs = Mapping[Layer, Collection[Layer]]
"""The layers that each layer waits for."""


class Finished(Protocol):
    """How the work on a layer ended."""

    @property
    def ok(self) -> bool:
        """Whether everything was carried out."""
        ...


R = TypeVar("R", bound=Finished)


@dataclass(frozen=True, slots=True)
class Layered(Generic[R]):
    """What was done layer by layer. ``untried`` names for each layer the failed one that it waits for; ``unbegun`` are
    those that a stop came before."""

    results: Mapping[Layer, R]
    untried: Mapping[Layer, Layer]
    unbegun: tuple[Layer, ...]

    def notes(self) -> tuple[Diagnostic, ...]:
        """Says which layers were not tried, and why."""
        return tuple(
            Diagnostic(
                NOT_TRIED,
                f"the {layer} layer was not tried: it waits for the {cause} layer, which failed",
                "run the command again when that is put right; what was finished is kept",
                severity=Severity.WARNING,
            )
            for layer, cause in self.untried.items()
        )


def read_layers(stack: Stack) -> frozenset[Layer]:
    """The other layers whose outputs a stack reads."""
    values = (*(node.inputs for node in stack.nodes), stack.outputs)
    found = (ref.layer for value in values for ref in references(value) if isinstance(ref, StackOutput))
    return frozenset(map(Layer, found)) - {stack.layer}


def order_of_up(stacks: Iterable[Stack]) -> Needs:
    """Each of the stacks after those of them that it reads."""
    by_layer = {stack.layer: stack for stack in stacks}
    return {layer: read_layers(by_layer[layer]) & by_layer.keys() for layer in LAYERS if layer in by_layer}


def order_of_destroy(states: Iterable[Snapshot], stacks: Iterable[Stack]) -> Needs:
    """Each of the deployed layers after those that read it: by what is declared now, and by what Pulumi's engine
    recorded that the deployed program read."""
    reads: dict[Layer, set[Layer]] = {}
    for state in states:
        found = reads.setdefault(layer_or_last(state.project), set())
        for resource in state.resources:
            if resource.type == STACK_REFERENCE:
                # Named as the stack that it reads: organization/project/stack.
                read = layer_of(parse_urn(resource.urn).name.rpartition("/")[0])
                found |= {read} if read is not None else set()
    for stack in stacks:
        if stack.layer in reads:
            reads[stack.layer] |= read_layers(stack)
    return {
        layer: {user for user, read in reads.items() if layer in read and user is not layer}
        for layer in reversed(LAYERS)
        if layer in reads
    }


def layer_or_last(project: str) -> Layer:
    """The layer that a project is of; one of another shape counts as of the last."""
    return layer_of(project) or LAYERS[-1]


def run_layers(needs: Needs, work: Callable[[Layer], R], *, parallel: int, cancelled: Callable[[], bool]) -> Layered[R]:
    """Do ``work`` for each layer after those that it needs; one that fails keeps back what waits for it, nothing else.

    An exception of ``work`` ends the run and is raised. Results are in the order of ``needs``. After a stop nothing
    counts as kept back: its cause did not fail.
    """
    results: dict[Layer, R] = {}
    guard = threading.Lock()

    def run(name: str) -> bool:
        result = work(Layer(name))
        with guard:
            results[Layer(name)] = result
        return result.ok

    outcome = run_in_order(
        {layer.value: [other.value for other in others] for layer, others in needs.items()},
        run,
        parallel=parallel,
        cancelled=cancelled,
    )
    stopped = outcome.stopped or cancelled()
    untried = {} if stopped else {layer: Layer(outcome.skipped[layer]) for layer in needs if layer in outcome.skipped}
    return Layered(
        {layer: results[layer] for layer in needs if layer in results},
        untried,
        tuple(layer for layer in needs if layer not in results and layer not in untried),
    )
