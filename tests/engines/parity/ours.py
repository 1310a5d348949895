"""Runs a scenario with the local engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.refresh import refresh_stack
from mlops_iac.engines.local.settings import Settings
from mlops_iac.engines.local.store import Store
from mlops_iac.plan.diff import plan_stack
from mlops_iac.state.checkpoint import verify
from mlops_iac.state.snapshot import Snapshot

from .cloud import Cloud
from .observe import Seen, order_problems, plain, records, steps_of
from .programs import PROJECT, STACK, Scenario, Step


class UnsoundError(AssertionError):
    """The local engine left a state that contradicts itself or the cloud, or called in the wrong order."""


def run(scenario: Scenario, store: Store, settings: Settings | None = None) -> Iterator[Seen]:
    """What each step showed. ``store`` must not know the stack. Raises ``UnsoundError``."""
    cloud = Cloud()
    for step in scenario.steps:
        yield run_step(step, store, cloud, settings or Settings(parallel=1))


def run_step(step: Step, store: Store, cloud: Cloud, settings: Settings) -> Seen:
    """One step on a cloud and a state that the steps before it have left."""
    before = store.load(PROJECT, STACK)
    for name, change in step.drift:
        cloud.drift(name, change)
    cloud.calls.clear()
    cloud.failing = step.failing
    wanted = replace(step.stack, nodes=(), outputs={}) if step.action == "destroy" else step.stack
    preview = {} if step.action == "refresh" else steps_of(plan_stack(wanted, before, {}).changes, before)
    refused = failed = False
    try:
        if step.action == "refresh":
            result = refresh_stack(PROJECT, STACK, cloud.factory(), store, settings)
        else:
            result = apply_stack(wanted, {}, cloud.factory(), store, settings)
        failed = not result.ok
    except DiagnosticsError:
        refused = failed = True
    after = store.load(PROJECT, STACK)
    _check(before, after, cloud)
    return Seen(preview, list(cloud.calls), refused, failed, records(after), plain(after.outputs))


def _check(before: Snapshot, after: Snapshot, cloud: Cloud) -> None:
    problems = [item.message for item in verify(after)]
    if not before.pending:
        # What settles an interrupted operation comes before everything else.
        problems += order_problems(cloud.calls, before, after)
    known = {resource.id for resource in after.resources if not resource.pending_replacement}
    known |= {operation.resource.id for operation in after.pending}
    kept = {resource.id for resource in before.resources if resource.retain_on_delete}
    adopted = {operation.resource.urn for operation in before.pending if operation.resource.retain_on_delete}
    kept |= {id for id, item in cloud.objects.items() if item["urn"] in adopted}
    pending = {operation.resource.urn for operation in after.pending}
    problems += [
        f"{id} exists and nothing knows it"
        for id, item in cloud.objects.items()
        if id not in known and id not in kept and id not in cloud.forgotten and item["urn"] not in pending
    ]
    cloud.forgotten |= kept - known
    if problems:
        raise UnsoundError("\n".join(problems))
