"""The order of layers, and what one that fails or a stop keeps from being tried."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mlops_iac.engines.layers import order_of_destroy, order_of_up, run_layers
from mlops_iac.graph.nodes import Layer, Node, Stack
from mlops_iac.graph.values import NodeKey, StackOutput
from mlops_iac.state.snapshot import ResourceState, Snapshot

FOUNDATION, DATA, SERVING, OPERATIONS = Layer.FOUNDATION, Layer.DATA, Layer.SERVING, Layer.OPERATIONS


@dataclass(frozen=True)
class Done:
    ok: bool


def stack(layer: Layer, *reads: Layer) -> Stack:
    key = NodeKey(layer.value, "aws:sqs/queue:Queue", "q")
    return Stack(layer, f"fraud-{layer}", "dev", (Node(key, {"tags": {r.value: StackOutput(r, "x") for r in reads}}),))


def state(layer: Layer, *reads: Layer) -> Snapshot:
    kind = "pulumi:pulumi:StackReference"
    urns = (f"urn:pulumi:dev::fraud-{layer}::{kind}::acme/fraud-{read}/dev" for read in reads)
    return Snapshot(f"fraud-{layer}", "dev", tuple(ResourceState(urn, kind, True, "id", {}, {}) for urn in urns))


def test_a_layer_comes_after_what_it_reads_of_those_that_are_asked_for() -> None:
    stacks = [stack(OPERATIONS, DATA, FOUNDATION), stack(DATA, FOUNDATION), stack(SERVING)]
    assert order_of_up(stacks) == {DATA: set(), SERVING: set(), OPERATIONS: {DATA}}
    assert list(order_of_up(stacks)) == [DATA, SERVING, OPERATIONS]


def test_a_layer_is_destroyed_after_those_that_read_it_now_or_read_it_when_they_were_deployed() -> None:
    states = [state(FOUNDATION), state(DATA, FOUNDATION), state(SERVING, DATA), state(OPERATIONS)]
    needs = order_of_destroy(states, [stack(SERVING), stack(OPERATIONS, FOUNDATION)])
    assert list(needs) == [OPERATIONS, SERVING, DATA, FOUNDATION]
    assert needs == {OPERATIONS: set(), SERVING: set(), DATA: {SERVING}, FOUNDATION: {DATA, OPERATIONS}}


def test_what_waits_for_a_failed_layer_is_not_tried() -> None:
    tried: list[Layer] = []

    def work(layer: Layer) -> Done:
        tried.append(layer)
        return Done(layer is not DATA)

    needs: dict[Layer, Collection[Layer]] = {FOUNDATION: (), DATA: (), SERVING: (DATA,), OPERATIONS: (SERVING,)}
    done = run_layers(needs, work, parallel=1, cancelled=lambda: False)
    assert tried == [FOUNDATION, DATA]
    assert (dict(done.untried), done.unbegun) == ({SERVING: DATA, OPERATIONS: DATA}, ())
    assert [note.message for note in done.notes()] == [
        "the serving layer was not tried: it waits for the data layer, which failed",
        "the operations layer was not tried: it waits for the data layer, which failed",
    ]


def test_after_a_stop_nothing_is_said_to_wait_for_a_failure() -> None:
    stopped: list[Layer] = []

    def work(layer: Layer) -> Done:
        stopped.append(layer)
        return Done(False)

    done = run_layers({DATA: (), SERVING: (DATA,)}, work, parallel=1, cancelled=lambda: bool(stopped))
    assert (list(done.results), done.untried, done.unbegun) == ([DATA], {}, (SERVING,))
