"""The local target as one object: apply, refresh and destroy a whole system on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mlops_iac.engines.engine import refuse_protected, refuse_worse
from mlops_iac.engines.events import OnEvent, OwnPreview, RunResult, StackResult
from mlops_iac.engines.layers import Needs, R, layer_or_last, order_of_destroy, order_of_up, run_layers
from mlops_iac.engines.local.adoption import StackAdoption, adopt_stack
from mlops_iac.engines.local.emulators import EmulatorOptions, Emulators
from mlops_iac.engines.local.executor import apply_stack
from mlops_iac.engines.local.patience import Patience
from mlops_iac.engines.local.progress import Progress
from mlops_iac.engines.local.provider import ProviderFactory
from mlops_iac.engines.local.refresh import refresh_stack
from mlops_iac.engines.local.settings import Refusal, Settings, nothing_refuses
from mlops_iac.engines.local.store import Store
from mlops_iac.engines.signals import on_signals
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Stack, layer_of
from mlops_iac.plan.adoption import Adoption, Wanted
from mlops_iac.plan.model import Op, Plan
from mlops_iac.plan.reviewed import Reviewed
from mlops_iac.state.snapshot import Snapshot

LOST_HINT: Final = (
    "`mlops-iac refresh` starts an empty one and drops them from the state; "
    "`mlops-iac destroy --forget` empties the state"
)


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How the local target runs.

    ``endpoint``: an AWS emulator that runs already; without it a moto server of this system's own is used.
    ``context``: a kubeconfig context that the user named; without it the ``KUBEBUILDER_ASSETS`` API server,
    else objects are recorded. ``force`` takes the lock over from a run on another host. ``refusal`` is asked before
    anything is created or changed. ``patience``: how calls are repeated that AWS's emulator refuses for now.
    """

    parallel: int = 8
    endpoint: str | None = None
    context: str | None = None
    force: bool = False
    command: str = "mlops-iac"
    on_event: OnEvent = lambda event: None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    refusal: Refusal = nothing_refuses
    patience: Patience = field(default_factory=Patience)


class LocalEngine:
    """The state below ``root`` and the emulators that its resources live in.

    Every method raises ``DiagnosticsError`` when the state is damaged, locked or cannot be written, and when
    an emulator cannot be reached; ``up`` and ``destroy`` also when a protected resource would go.
    """

    def __init__(self, root: Path, options: LocalOptions | None = None) -> None:
        self._options = options or LocalOptions()
        self._store = Store(root, environ=self._options.environ)
        given = self._options
        self._emulators = Emulators(
            self._store.folder, EmulatorOptions(given.endpoint, given.context, given.environ, given.patience)
        )

    @property
    def states(self) -> Store:
        """The state folder."""
        return self._store

    @property
    def place(self) -> str:
        """Where it applies, for a sentence."""
        return "the local target"

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """Nothing: everything stays on this machine."""
        return ()

    def load_snapshots(self, environment: str | None = None) -> dict[str, Snapshot]:
        """The state of every stack by project, of one environment where it is given. Takes no lock."""
        return {
            project: self._store.load(project, stack)
            for project, stack in self._store.stacks()
            if environment in (None, stack)
        }

    def named(self, graph: Graph) -> Graph:
        """The graph as it is: stacks are called as the environment is."""
        return graph

    def snapshots(self, graph: Graph) -> dict[str, Snapshot]:
        """The state of each stack of the environment by project. Takes no lock."""
        return {
            project: snapshot
            for project, snapshot in self.load_snapshots(graph.environment).items()
            if snapshot.resources or snapshot.pending
        }

    def own_preview(
        self, plan: Plan, graph: Graph, only: Collection[Layer] = LAYERS, *, binding: bool = False
    ) -> OwnPreview:
        """Nothing: the plan was made by the function that decides each operation, which is decided again by an apply
        and held against the reviewed plan."""
        return OwnPreview()

    def up(self, graph: Graph, only: Collection[Layer] = LAYERS, reviewed: Reviewed | None = None) -> RunResult:
        """Bring every layer in order to what ``graph`` declares; one that reads a layer with a failure is not tried.

        Stacks of the same system and environment that the graph no longer has are deleted last, users first.
        """
        with self._run() as settings:
            settings = replace(settings, reviewed=reviewed)
            states = self.load_snapshots(graph.environment)
            self._emulators.refuse_lost(states.values(), LOST_HINT)
            factory = self._emulators.factory()
            outputs = {
                layer.value: states[project].outputs
                for project in states
                if (layer := layer_of(project)) is not None and layer not in only
            }
            stacks = {stack.layer: stack for stack in graph.stacks if stack.layer in only}

            def apply(layer: Layer) -> StackResult:
                result = apply_stack(stacks[layer], outputs, factory, self._store, settings)
                outputs[layer.value] = result.outputs
                return result

            results = self._each(order_of_up(stacks.values()), apply, settings)
            if not all(result.ok for result in results):
                return self._result(results)
            kept = {stack.project for stack in graph.stacks}
            for gone in _last_first(states[project] for project in states if project not in kept):
                ours = gone.project.startswith(f"{graph.system}-") and _is_of(gone.project, only)
                if ours and self._is_left(gone):
                    results.append(self._delete_all(gone, factory, settings))
                    if not results[-1].ok:
                        break
            return self._result(results)

    def refresh(self, graph: Graph | None = None, only: Collection[Layer] = LAYERS) -> RunResult:
        """Read every resource and take what is found into the state; of ``graph``'s environment, or of all.

        An emulator that is gone is started again, empty: what it held is then dropped from the state.
        """
        return self._read(graph, only, keep=True)

    def look(self, graph: Graph, only: Collection[Layer] = LAYERS, urns: Collection[str] | None = None) -> RunResult:
        """Read every resource, or ``urns``, and say what is not as the state says; the state stays as it is."""
        self._emulators.refuse_lost(self.snapshots(graph).values(), LOST_HINT)
        return self._read(graph, only, keep=False, urns=urns)

    def read_existing(self, graph: Graph, wanted: Sequence[Wanted]) -> Adoption:
        """Read what exists by its ids, and say how it differs from what is declared; nothing is recorded."""
        return _joined(self._thought(graph, wanted).values())

    def adopt(self, graph: Graph, agreed: Adoption) -> RunResult:
        """Take what was read into the state, a stack at a time, whole or not at all."""
        with self._run() as settings:
            thought = self._thought(graph, [item.wanted for item in agreed.resources])
            refuse_worse(agreed, _joined(thought.values()))
            results = []
            for stack in graph.stacks:
                if stack.layer not in thought:
                    continue
                made = thought[stack.layer]
                progress = Progress(settings.on_event, settings.monotonic)
                ledger = self._store.open(stack.project, stack.name)
                try:
                    ledger.edit(put=made.put)
                    ledger.set_outputs(made.outputs)
                finally:
                    snapshot = ledger.close()
                for item in made.resources:
                    progress.finish(Op.CREATE, item.wanted.urn, progress.start(), None)
                results.append(StackResult(stack.project, stack.name, snapshot, tuple(progress.done)))
            return self._result(results)

    def _thought(self, graph: Graph, wanted: Sequence[Wanted]) -> dict[Layer, StackAdoption]:
        """What an adoption would put into each stack that it is about."""
        states = self.load_snapshots(graph.environment)
        self._emulators.refuse_lost(states.values(), LOST_HINT)
        self._store.prepare()
        factory = self._emulators.factory()
        outputs = {layer.value: states[name].outputs for name in states if (layer := layer_of(name)) is not None}
        found: dict[Layer, StackAdoption] = {}
        for stack in graph.stacks:
            asked = {item.urn: item for item in wanted if item.layer is stack.layer}
            if asked:
                state = states.get(stack.project) or Snapshot(stack.project, stack.name)
                made = adopt_stack(stack, state, outputs, asked, factory, self._store.clock)
                found[stack.layer] = made
                if not made.failures:
                    outputs[stack.layer.value] = made.outputs
        return found

    def _read(
        self, graph: Graph | None, only: Collection[Layer], *, keep: bool, urns: Collection[str] | None = None
    ) -> RunResult:
        with self._run() as settings:
            factory = self._emulators.factory()
            results = [
                refresh_stack(project, stack, factory, self._store, settings, keep=keep, urns=urns)
                for project, stack in self._store.stacks()
                if graph is None
                or (stack == graph.environment and project.startswith(f"{graph.system}-") and _is_of(project, only))
            ]
            return self._result(results)

    def destroy(self, graph: Graph, only: Collection[Layer] = LAYERS, *, forget: bool = False) -> RunResult:
        """Delete every resource of every stack of the environment, users first.

        ``forget`` empties the state without a call, for resources whose emulator is gone.
        """
        with self._run() as settings:
            states = {
                project: state
                for project, state in self.load_snapshots(graph.environment).items()
                if _is_of(project, only)
            }
            if forget:
                return self._result([self._forget(snapshot) for snapshot in _last_first(states.values())])
            self._emulators.refuse_lost(states.values(), LOST_HINT)
            refuse_protected(states.values())
            factory = self._emulators.factory()
            held = [state for state in states.values() if self._is_left(state)]

            def delete(layer: Layer) -> RunResult:
                results: list[StackResult] = []
                for state in held:
                    if layer_or_last(state.project) is layer and all(result.ok for result in results):
                        results.append(self._delete_all(state, factory, settings))
                return RunResult(tuple(results))

            done = self._each(order_of_destroy(held, graph.stacks), delete, settings)
            return self._result([stack for result in done for stack in result.stacks])

    def stop_if_empty(self) -> None:
        """End the emulators once no stack of any environment has resources."""
        if not any(snapshot.resources for snapshot in self.load_snapshots().values()):
            self.stop()

    def cancel(self, graph: Graph, only: Collection[Layer] = LAYERS) -> tuple[str, ...]:
        """Release the lock that a run on another host left; a dead run of this host needs none of that."""
        with self._store.locked(self._options.command, force=True) as previous:
            return () if previous is None else (f"the lock of {previous}",)

    def stop(self) -> None:
        """End the emulators that this system started; their resources go with them."""
        with self._store.locked(self._options.command, force=self._options.force):
            self._emulators.stop()

    @contextmanager
    def _run(self) -> Iterator[Settings]:
        """Hold the lock, and turn SIGINT and SIGTERM into a request to finish what is in flight."""
        asked = threading.Event()
        self._emulators.notes.clear()
        with (
            self._store.locked(self._options.command, force=self._options.force),
            on_signals(asked.set),
        ):
            yield Settings(self._options.parallel, self._options.on_event, asked.is_set, refusal=self._options.refusal)

    def _each(self, needs: Needs, work: Callable[[Layer], R], settings: Settings) -> list[R]:
        """``work`` over the layers, one at a time; what needs one that failed is left out, and told."""
        done = run_layers(needs, work, parallel=1, cancelled=settings.cancelled)
        self._emulators.notes.extend(done.notes())
        return list(done.results.values())

    def _is_left(self, state: Snapshot) -> bool:
        """Whether a deletion has anything to do, be it the end of one that died after its last resource."""
        unfinished = self._store.is_unfinished(state.project, state.stack)
        return bool(state.resources or state.pending or unfinished)

    def _delete_all(self, snapshot: Snapshot, factory: ProviderFactory, settings: Settings) -> StackResult:
        empty = Stack(layer_or_last(snapshot.project), snapshot.project, snapshot.stack, ())
        return apply_stack(empty, {}, factory, self._store, settings)

    def _forget(self, snapshot: Snapshot) -> StackResult:
        emptied = self._store.save(replace(snapshot, resources=(), pending=(), outputs={}))
        return StackResult(snapshot.project, snapshot.stack, emptied)

    def _result(self, results: list[StackResult]) -> RunResult:
        return RunResult(tuple(results), tuple(self._emulators.notes))


def _joined(stacks: Iterable[StackAdoption]) -> Adoption:
    found = list(stacks)
    return Adoption(
        tuple(item for stack in found for item in stack.resources),
        tuple(item for stack in found for item in stack.known),
        tuple(item for stack in found for item in stack.failures),
    )


def _last_first(snapshots: Any) -> list[Snapshot]:
    return sorted(snapshots, key=lambda item: LAYERS.index(layer_or_last(item.project)), reverse=True)


def _is_of(project: str, only: Collection[Layer]) -> bool:
    return layer_or_last(project) in only
