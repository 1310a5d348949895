"""Runs a scenario with the local engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import StackResult
from mlops_iac.engines.layers import run_layers
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.refresh import refresh_stack
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Store
from mlops_iac.graph.nodes import Graph, Layer, Stack
from mlops_iac.plan.diff import plan_graph, plan_stack
from mlops_iac.plan.reviewed import Reviewed
from mlops_iac.render.json import preview_json
from mlops_iac.state.checkpoint import verify
from mlops_iac.state.snapshot import Snapshot

from .cloud import Cloud
from .observe import Run, Seen, order_problems, plain, records, steps_of
from .programs import STACK, SYSTEM, Scenario, Step, order


class UnsoundError(AssertionError):
    """The local engine left a state that contradicts itself or the cloud, or called in the wrong order."""


def run(scenario: Scenario, store: Store, settings: Settings | None = None) -> Iterator[Run]:
    """What each step showed. ``store`` must not know the system. Raises ``UnsoundError``.

    Whatever an ``up`` does is held to the preview of the whole run, as ``up --plan`` holds it: what was not announced
    fails, and shows as a difference.
    """
    cloud = Cloud()
    for step in scenario.steps:
        bound = replace(settings or Settings(parallel=1), reviewed=_announced(step, store))
        yield run_step(step, store, cloud, bound)


def run_step(step: Step, store: Store, cloud: Cloud, settings: Settings) -> Run:
    """One step on a cloud and a state that the steps before it have left."""
    for name, change in step.drift:
        cloud.drift(name, change)
    cloud.failing = step.failing
    runs = _Runs(step, store, cloud, settings)
    states = {layer: store.load(stack.project, stack.name) for layer, stack in step.chosen.items()}
    return {
        layer.value: seen
        for layer, seen in run_layers(order(step, states), runs.of, parallel=1, cancelled=lambda: False).results.items()
    }


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs of one step."""

    step: Step
    store: Store
    cloud: Cloud
    settings: Settings

    def of(self, layer: Layer) -> Seen:
        """What the run of one layer shows."""
        declared = self.step.chosen[layer]
        action = self.step.action
        before = self._state(declared)
        outputs = {stack.layer.value: self._state(stack).outputs for stack in self.step.stacks}
        wanted = replace(declared, nodes=(), outputs={}) if action == "destroy" else declared
        self.cloud.calls.clear()
        preview = {} if action == "refresh" else steps_of(plan_stack(wanted, before, outputs).changes, before)
        refused = failed = False
        if action != "preview":
            try:
                failed = not self._carried_out(wanted, outputs).ok
            except DiagnosticsError:
                refused = failed = True
        after = self._state(declared)
        _check(before, after, self.cloud)
        return Seen(preview, list(self.cloud.calls), refused, failed, records(after), plain(after.outputs))

    def _carried_out(self, wanted: Stack, outputs: Mapping[str, Mapping[str, object]]) -> StackResult:
        factory = self.cloud.factory()
        if self.step.action == "refresh":
            return refresh_stack(wanted.project, wanted.name, factory, self.store, self.settings)
        return apply_stack(wanted, outputs, factory, self.store, self.settings)

    def _state(self, stack: Stack) -> Snapshot:
        return self.store.load(stack.project, stack.name)


def _announced(step: Step, store: Store) -> Reviewed | None:
    """What a preview of the whole run says that an ``up`` will do."""
    if step.action != "up":
        return None
    baseline = {stack.project: store.load(stack.project, stack.name) for stack in step.stacks}
    plan = plan_graph(Graph(SYSTEM, STACK, step.stacks), baseline, "the state", only=step.only)
    changes = (change for stack in preview_json(plan)["stacks"] for change in stack["changes"])
    return Reviewed("the preview", {change["urn"]: change for change in changes})


def _check(before: Snapshot, after: Snapshot, cloud: Cloud) -> None:
    problems = [item.message for item in verify(after)]
    if not before.pending:
        # What settles an interrupted operation comes before everything else.
        problems += order_problems(cloud.calls, before, after)
    known = {resource.id for resource in after.resources if not resource.pending_replacement}
    known |= {operation.resource.id for operation in after.pending}
    kept = {resource.id for resource in before.resources if resource.retain_on_delete}
    adopted = {operation.resource.urn for operation in before.pending if operation.resource.retain_on_delete}
    there = {id: item["urn"] for id, item in cloud.objects.items() if f"::{after.project}::" in item["urn"]}
    kept |= {id for id, urn in there.items() if urn in adopted}
    pending = {operation.resource.urn for operation in after.pending}
    problems += [
        f"{id} exists and nothing knows it"
        for id, urn in there.items()
        if id not in known and id not in kept and id not in cloud.forgotten and urn not in pending
    ]
    cloud.forgotten |= kept - known
    if problems:
        raise UnsoundError("\n".join(problems))
