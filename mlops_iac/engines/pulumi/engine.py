"""The real engine behind our verbs: each layer's Pulumi project, run by the Automation API.

Each layer has a workspace of its own, since one workspace cannot run two commands at once; layers that read nothing of
each other run at the same time. Whatever else the user has put into a project runs as in ``pulumi up``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError, StackNotFoundError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.engine import refuse_protected, refuse_worse
from mlops_iac.engines.events import OwnPreview, RunResult, StackResult
from mlops_iac.engines.layers import Needs, order_of_destroy, order_of_up, run_layers
from mlops_iac.engines.pulumi.automation.imports import Imports
from mlops_iac.engines.pulumi.automation.previews import Previews
from mlops_iac.engines.pulumi.automation.site import PulumiOptions, Site
from mlops_iac.engines.pulumi.automation.states import PulumiStates
from mlops_iac.engines.pulumi.automation.updates import Updates
from mlops_iac.engines.pulumi.codes import NOT_OFFERED
from mlops_iac.engines.pulumi.file_backend import FileBackend
from mlops_iac.engines.pulumi.projects import Project, projects_in
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Stack
from mlops_iac.plan.adoption import Adoption, Wanted
from mlops_iac.plan.model import Op, Plan
from mlops_iac.plan.reviewed import NOT_PLANNED, Reviewed
from mlops_iac.state.snapshot import Snapshot


class PulumiEngine:
    """The stacks of the system in the folder ``root``. See ``engines.engine.Engine``."""

    def __init__(self, root: Path, system: str, environment: str, options: PulumiOptions | None = None) -> None:
        self._site = site = Site(root, options or PulumiOptions())
        if site.laptop is not None:
            site.laptop.prepare(system, root, environment, site.theirs)
        site.refuse_no_projects()
        self._projects = projects_in(site.folder, system, environment, site.options.stack)
        self._states = PulumiStates(site)
        self._updates = Updates(site, self._states, environment)
        self._previews = Previews(site, self._updates)
        self._imports = Imports(site, self._states)

    @property
    def place(self) -> str:
        """Where it applies, for a sentence."""
        return "the local target, by Pulumi's engine" if self._site.options.local else "the cloud"

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """Backend and stacks, as the CLI reports them."""
        first = self._projects[LAYERS[0]]
        stacks = sorted({project.address for project in self._projects.values()})
        return (
            ("backend", self._site.workspace(first).backend_url()),
            ("stacks", f"{', '.join(stacks)} of {', '.join(project.name for project in self._projects.values())}"),
        )

    @property
    def states(self) -> PulumiStates:
        """What the stacks of its projects hold."""
        return self._states

    def named(self, graph: Graph) -> Graph:
        """The graph with the names that the stacks have here."""
        stacks = (replace(stack, name=self._projects[stack.layer].stack) for stack in graph.stacks)
        return replace(graph, stacks=tuple(stacks))

    def snapshots(self, graph: Graph) -> dict[str, Snapshot]:
        """The state of each stack that has one, by project. Secrets whose provider needs more than a passphrase stay
        sealed."""
        found = self._states.snapshots(self._projects.values())
        return {snapshot.project: snapshot for snapshot in found if snapshot.resources or snapshot.pending}

    def own_preview(
        self, plan: Plan, graph: Graph, only: Collection[Layer] = LAYERS, *, binding: bool = False
    ) -> OwnPreview:
        """What the engine's own preview shows otherwise than ``plan``; a stack that does not exist is not made for it.

        A layer that waits for another's outputs knows less in the engine's preview, so an update that the plan
        has and the engine has not, or the other way round, counts; the values do not. ``binding`` adds Pulumi's update
        plan of each layer, secrets sealed as in its state, and raises ``DiagnosticsError`` for layers without a stack.
        """
        planned = {stack.project: stack for stack in plan.stacks}
        asked = [(project, stack, planned[stack.project]) for project, stack in self._of(graph, only)]
        with self._run(graph):
            return self._previews.own_preview(asked, binding=binding)

    def up(self, graph: Graph, only: Collection[Layer] = LAYERS, reviewed: Reviewed | None = None) -> RunResult:
        """Bring the layers to what ``graph`` declares, those that read nothing of each other at the same time.

        Layers whose state is there and that the graph no longer has are destroyed last, users first. A reviewed plan
        binds the engine through the update plan that it made itself.
        """
        if reviewed is not None:
            self._refuse_unplanned(graph, only, reviewed)
        plans = reviewed.engine_plans if reviewed is not None else {}
        stacks = {stack.layer: stack for stack in graph.stacks if stack.layer in only}
        with self._run(graph):
            needs = order_of_up(stacks.values())
            results = self._each(needs, lambda layer: self._update(layer, stacks[layer], plans.get(layer)))
            kept = {stack.layer for stack in graph.stacks}
            gone = [layer for layer in reversed(LAYERS) if layer in only and layer not in kept]
            if all(result.ok for result in results):
                for layer in gone:
                    if self._snapshot(layer).resources:
                        results.append(self._destroy(layer, None))
                        if not results[-1].ok:
                            break
            return self._result(results)

    def refresh(self, graph: Graph, only: Collection[Layer] = LAYERS) -> RunResult:
        """Read every resource and take what is found into the state."""
        stacks = {stack.layer: stack for stack in graph.stacks}
        with self._run(graph):
            deployed: dict[Layer, tuple[Layer, ...]] = dict.fromkeys(self._deployed(only), ())
            return self._result(self._each(deployed, lambda layer: self._refresh(layer, stacks.get(layer))))

    def look(self, graph: Graph, only: Collection[Layer] = LAYERS, urns: Collection[str] | None = None) -> RunResult:
        """Read every resource, or ``urns``, and say what is not as the state says; by the engine's own refresh."""
        stacks = {stack.layer: stack for stack in graph.stacks}
        with self._run(graph):
            asked = {
                layer: None if urns is None else sorted({resource.urn for resource in state.resources} & {*urns})
                for layer, state in self._deployed(only).items()
            }
            waiting: dict[Layer, tuple[Layer, ...]] = {layer: () for layer, some in asked.items() if some != []}
            look = self._updates.look
            results = self._each(waiting, lambda layer: look(self._projects[layer], stacks.get(layer), asked[layer]))
            return self._result(results)

    def read_existing(self, graph: Graph, wanted: Sequence[Wanted]) -> Adoption:
        """Read what exists by its ids, and say how it differs; by the engine's own preview of an import."""
        foreseen: dict[str, Mapping[str, Any]] = {}
        with self._run(graph):
            found = [
                self._imports.look(self._projects[stack.layer], stack, asked, foreseen)
                for stack, asked in _by_stack(graph, wanted)
            ]
        return Adoption(
            tuple(item for one in found for item in one.resources),
            tuple(item for one in found for item in one.known),
            tuple(item for one in found for item in one.failures),
        )

    def adopt(self, graph: Graph, agreed: Adoption) -> RunResult:
        """Import it, layer by layer: nothing is updated, and what differs stays as it is.

        Each layer is looked at again, since it may know more by then. What is as declared then gets the program's
        inputs in the state, as after any update. Where one fails, every layer's state is put back.
        """
        results: list[StackResult] = []
        with self._run(graph), ExitStack() as undo:
            for stack, asked in _by_stack(graph, [item.wanted for item in agreed.resources]):
                project = self._projects[stack.layer]
                now = self._imports.look(project, stack, asked, {})
                refuse_worse(agreed, now)
                # A part of what was asked for is none, and nothing was made or changed, so a state can go back.
                undo.callback(self._states.put, project, self._states.exported(project.name, project.stack))
                as_declared = [item.wanted for item in now.resources if not item.diff]
                results.append(self._imports.adopt(project, stack, asked, as_declared))
                if not results[-1].ok:
                    return self._result(results[-1:])
            undo.pop_all()
            return self._result(results)

    def destroy(self, graph: Graph, only: Collection[Layer] = LAYERS, *, forget: bool = False) -> RunResult:
        """Delete every resource of the environment, users first."""
        stacks = {stack.layer: stack for stack in graph.stacks}
        if forget and not self._site.options.local:
            hint = "take single resources out with `pulumi state delete`"
            text = "the state of resources in a real cloud is not thrown away"
            raise DiagnosticsError([Diagnostic(NOT_OFFERED, text, hint)])
        with self._run(graph, forget=forget):
            states = self._deployed(only)
            if forget:
                return self._result([self._forget(layer, state) for layer, state in states.items()])
            refuse_protected(states.values())
            needs = order_of_destroy(states.values(), graph.stacks)
            return self._result(self._each(needs, lambda layer: self._destroy(layer, stacks.get(layer))))

    def stop_if_empty(self) -> None:
        """End the emulators once no stack of any environment has resources; nothing for the cloud."""
        if self._site.emulators is None:
            return
        backend = FileBackend.at(self._site.environ["PULUMI_BACKEND_URL"], self._site.home / "checkpoints")
        if backend is not None and not backend.holds_resources():
            self._site.emulators.stop()

    def cancel(self, graph: Graph, only: Collection[Layer] = LAYERS) -> tuple[str, ...]:
        """Release the stacks that a run which is known to be dead still holds: ``pulumi cancel``."""
        released = []
        for layer in only:
            project = self._projects[layer]
            workspace = self._site.workspace(project)
            try:
                workspace.pulumi_command.run(
                    ["cancel", "--yes", "--stack", project.address], workspace.work_dir, self._site.environ
                )
            except StackNotFoundError:
                continue
            except CommandError as error:
                if "no update" not in str(error) and "409" not in str(error):
                    raise DiagnosticsError([failure_of(error, project)]) from error
                continue
            released.append(f"{project.name}, stack {project.address}")
        return tuple(released)

    def _of(self, graph: Graph, only: Collection[Layer]) -> Iterator[tuple[Project, Stack]]:
        for stack in graph.stacks:
            if stack.layer in only:
                yield self._projects[stack.layer], stack

    @contextmanager
    def _run(self, graph: Graph, *, forget: bool = False) -> Iterator[None]:
        with self._site.running():
            if not forget:
                self._site.start_emulators(graph, lambda: self.snapshots(graph).values())
            yield

    def _each(self, needs: Needs, work: Callable[[Layer], StackResult]) -> list[StackResult]:
        """``work`` over the layers, each after those that it needs; answers in their order."""
        done = run_layers(needs, work, parallel=len(LAYERS), cancelled=lambda: self._site.cli.interrupted)
        self._site.note(done.notes())
        results = dict(done.results)
        for layer in done.unbegun:
            project = self._projects[layer]
            results[layer] = StackResult(project.name, project.stack, self._snapshot(layer), stopped=True)
        return [results[layer] for layer in needs if layer in results]

    def _deployed(self, only: Collection[Layer]) -> dict[Layer, Snapshot]:
        """The state of each layer that has resources, also of those that the graph lost."""
        return {layer: state for layer in LAYERS if layer in only and (state := self._snapshot(layer)).resources}

    def _refuse_unplanned(self, graph: Graph, only: Collection[Layer], reviewed: Reviewed) -> None:
        """The engine binds itself by its own plans; layers without one are ours to watch."""
        missing = [
            stack.layer for stack in graph.stacks if stack.layer in only and stack.layer not in reviewed.engine_plans
        ]
        kept = {stack.layer for stack in graph.stacks}
        going = [
            resource.urn
            for layer in LAYERS
            if layer in only and layer not in kept
            for resource in self._snapshot(layer).resources
            if reviewed.objection(resource.urn, Op.DELETE) is not None and not resource.type.startswith("pulumi:")
        ]
        texts = [f"{reviewed.source} holds no plan of Pulumi's engine for {layer}" for layer in missing]
        texts += [f"{reviewed.source} does not delete {urn}" for urn in going]
        if texts:
            hint = "preview again with --engine pulumi, have it reviewed, and apply the new plan"
            raise DiagnosticsError(Diagnostic(NOT_PLANNED, text, hint) for text in texts)

    def _update(self, layer: Layer, stack: Stack, plan: Any) -> StackResult:
        return self._updates.update("up", self._projects[layer], stack, plan)

    def _refresh(self, layer: Layer, stack: Stack | None) -> StackResult:
        return self._updates.update("refresh", self._projects[layer], stack)

    def _destroy(self, layer: Layer, stack: Stack | None) -> StackResult:
        return self._updates.update("destroy", self._projects[layer], stack)

    def _snapshot(self, layer: Layer) -> Snapshot:
        return self._states.snapshot(self._projects[layer])

    def _forget(self, layer: Layer, state: Snapshot) -> StackResult:
        project = self._projects[layer]
        emptied = replace(state, resources=(), pending=(), outputs={})
        self._states.put(project, self._site.store.export(emptied))
        return StackResult(project.name, project.stack, emptied)

    def _result(self, results: list[StackResult]) -> RunResult:
        return RunResult(tuple(results), tuple(self._site.notes))


def _by_stack(graph: Graph, wanted: Sequence[Wanted]) -> Iterator[tuple[Stack, list[Wanted]]]:
    for stack in graph.stacks:
        asked = [item for item in wanted if item.layer is stack.layer]
        if asked:
            yield stack, asked
