"""The real engine behind our verbs: each layer's Pulumi project, run by the Automation API.

Each layer has a workspace of its own, since one workspace cannot run two commands at once; layers that read nothing of
each other run at the same time. Whatever else the user has put into a project runs as in ``pulumi up``.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from pulumi.automation import CommandError, StackNotFoundError, events

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.engine import read_layers, refuse_protected, refuse_worse
from mlops_iac.engines.events import Drift, Event, EventKind, OnEvent, Resolution, RunResult, StackResult
from mlops_iac.engines.files import write_atomic
from mlops_iac.engines.local.calls import provider_of
from mlops_iac.engines.local.emulators import EmulatorOptions, Emulators
from mlops_iac.engines.local.provider import ProviderFactory
from mlops_iac.engines.local.recovery import resolve_pending
from mlops_iac.engines.local.store import FOLDER, Store
from mlops_iac.engines.pulumi.adoption import AdoptionLog, Order, targets
from mlops_iac.engines.pulumi.cli import find_cli
from mlops_iac.engines.pulumi.codes import DISAGREEMENT, NO_PROJECT, NO_STACK, NOT_OFFERED, PENDING_CREATES, RECOVERED
from mlops_iac.engines.pulumi.file_backend import FileBackend
from mlops_iac.engines.pulumi.laptop import FACTORY, Laptop
from mlops_iac.engines.pulumi.plugin_server import factory_named
from mlops_iac.engines.pulumi.program import FINGERPRINT_VARIABLE, OVERRIDES_VARIABLE
from mlops_iac.engines.pulumi.projects import Project, projects_in
from mlops_iac.engines.pulumi.run_pack import RunPolicies, needs_pack, write_pack
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.engines.pulumi.workspace import Workspace, failure_of
from mlops_iac.engines.schedule import run_in_order
from mlops_iac.engines.signals import on_signals
from mlops_iac.graph.evaluate import contains_secret
from mlops_iac.graph.forms.json_form import fingerprint
from mlops_iac.graph.naming import STACKS
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, Stack
from mlops_iac.plan.adoption import ALREADY_MANAGED, Adoption, Wanted
from mlops_iac.plan.model import Op, Plan
from mlops_iac.plan.reviewed import NOT_PLANNED, Reviewed
from mlops_iac.state import checkpoint
from mlops_iac.state.checkpoint import parse_urn
from mlops_iac.state.snapshot import Snapshot

OnEngineEvent = Callable[[events.EngineEvent], None]
Verb = Literal["up", "refresh", "destroy", "preview"]
EXPORT_VERSION: Final = 3
_FALLBACK: Final = "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"


@dataclass(frozen=True, slots=True)
class PulumiOptions:
    """How the engine runs.

    ``local``: against the emulators of this machine instead of the cloud; ``factory`` (``module:function``) then makes
    the providers. ``stacks``: folder of the projects, by default ``stacks`` beside the system's YAML. ``stack``: name
    of every layer's stack, instead of the one whose settings name the environment. ``overrides``: those that the graph
    was composed with. ``policies``: what the offline check of the graph left to be judged while the engine runs; None
    judges nothing. ``install``: let Pulumi's installer fetch a CLI where there is none.
    ``continue_on_error``: within a layer, go on with what does not depend on what failed. Not the default, as it is not
    Pulumi's, whose engine (3.260) may hang then or write an invalid state: tests/engines/parity/known.py names when.
    """

    local: bool = False
    parallel: int = 8
    stacks: Path | None = None
    stack: str | None = None
    overrides: tuple[str, ...] = ()
    policies: RunPolicies | None = None
    context: str | None = None
    factory: str = FACTORY
    install: bool = False
    continue_on_error: bool = False
    force: bool = False
    command: str = "mlops-iac"
    on_event: OnEvent = lambda event: None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


class PulumiEngine:
    """The stacks of the system in the folder ``root``. See ``engines.engine.Engine``."""

    def __init__(self, root: Path, system: str, environment: str, options: PulumiOptions | None = None) -> None:
        self._root = root
        self._environment = environment
        self._options = options or PulumiOptions()
        self._home = root / FOLDER / "pulumi"
        self._cli = find_cli(self._options.environ, install=self._options.install)
        path = self._options.environ.get("PATH", "")
        self._environ: dict[str, str] = {
            OVERRIDES_VARIABLE: json.dumps(self._options.overrides),
            # The programs run in the Python that runs this one, whether or not its environment is activated.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), path]),
            "PULUMI_PYTHON_CMD": self._options.environ.get("PULUMI_PYTHON_CMD") or sys.executable,
            # A checkout may lack what `pulumi stack init` wrote into the settings; the state names the provider too.
            _FALLBACK: self._options.environ.get(_FALLBACK) or "true",
        }
        self._emulators: Emulators | None = None
        folder = self._options.stacks or root / STACKS
        if self._options.local:
            laptop = Laptop(self._home, context=self._options.context, factory=self._options.factory)
            laptop.prepare(system, root, environment, folder)
            self._environ |= laptop.environ(path)
            self._emulators = Emulators(
                self._home, EmulatorOptions(context=self._options.context, environ=self._options.environ)
            )
            folder = laptop.projects
        elif not (folder / LAYERS[0].value / "Pulumi.yaml").exists():
            raise DiagnosticsError(
                [
                    Diagnostic(
                        NO_PROJECT,
                        f"there are no Pulumi projects of this system in {folder}",
                        "`mlops-iac init` writes them for a new system; name another folder with --stacks",
                    )
                ]
            )
        self._projects = projects_in(folder, system, environment, self._options.stack)
        self._store = Store(self._home, environ={**self._options.environ, **self._environ})
        self._guard = threading.Lock()
        self._notes: list[Diagnostic] = []
        self._backends: dict[Layer, FileBackend | None] = {}

    @property
    def place(self) -> str:
        """Where it applies, for a sentence."""
        return "the local target, by Pulumi's engine" if self._options.local else "the cloud"

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """Backend and stacks, as the CLI reports them."""
        first = self._projects[LAYERS[0]]
        stacks = sorted({project.address for project in self._projects.values()})
        return (
            ("backend", self._workspace(first).backend_url()),
            ("stacks", f"{', '.join(stacks)} of {', '.join(project.name for project in self._projects.values())}"),
        )

    def named(self, graph: Graph) -> Graph:
        """The graph with the names that the stacks have here."""
        stacks = (replace(stack, name=self._projects[stack.layer].stack) for stack in graph.stacks)
        return replace(graph, stacks=tuple(stacks))

    def snapshots(self, graph: Graph) -> dict[str, Snapshot]:
        """The state of each stack that has one, by project. Secrets whose provider needs more than a passphrase stay
        sealed."""
        with ThreadPoolExecutor(max_workers=len(LAYERS)) as pool:
            found = pool.map(self._snapshot, self._projects.values())
            return {snapshot.project: snapshot for snapshot in found if snapshot.resources or snapshot.pending}

    def disagreements(self, plan: Plan, graph: Graph, only: Collection[Layer] = LAYERS) -> tuple[Diagnostic, ...]:
        """What the engine's own preview shows otherwise than ``plan``; a stack that does not exist is not made for it.

        A layer that waits for another's outputs knows less in the engine's preview, so an update that the plan
        has and the engine has not, or the other way round, counts; the values do not.
        """
        found: list[Diagnostic] = []
        planned = {stack.project: stack for stack in plan.stacks}
        with self._run(graph):
            for stack in graph.stacks:
                if stack.layer not in only:
                    continue
                if not self._options.local and not self._workspace(self._projects[stack.layer]).exists():
                    text = f"the {stack.layer} layer has no stack yet, so the engine's own preview of it is left out"
                    found.append(Diagnostic(NO_STACK, text, severity=Severity.INFO))
                    continue
                log, failures = self._previewed(stack)
                found += (*failures, *log.advice)
                if failures:
                    continue
                ours = {
                    change.urn: (change.op, change.source, change.component)
                    for change in planned[stack.project].changes
                    if change.custom and not change.type.startswith("pulumi:")
                }
                for urn in sorted(ours.keys() | log.steps.keys()):
                    op, source, component = ours.get(urn, (Op.SAME, None, ()))
                    if log.steps.get(urn, Op.SAME) is not op:
                        parsed = parse_urn(urn)
                        text = (
                            f"{parsed.type} {parsed.name}: the plan says {op}, the engine {log.steps.get(urn, Op.SAME)}"
                        )
                        hint = "trust the engine; please report it with the configuration"
                        found.append(Diagnostic(DISAGREEMENT, text, hint, source, component, severity=Severity.WARNING))
        return tuple(found)

    def own_plans(self, graph: Graph, only: Collection[Layer] = LAYERS) -> dict[str, Any]:
        """Pulumi's update plan of each layer, secrets sealed as in its state.

        Raises ``DiagnosticsError`` for layers of a cloud that have no stack: none is made for a plan, which a role that
        only reads could not do.
        Source: https://www.pulumi.com/docs/iac/concepts/update-plans/
        """
        wanted = [self._projects[stack.layer] for stack in graph.stacks if stack.layer in only]
        if not self._options.local:
            missing = [_no_stack(project) for project in wanted if not self._workspace(project).exists()]
            if missing:
                raise DiagnosticsError(missing)
        found: dict[str, Any] = {}
        with self._run(graph), tempfile.TemporaryDirectory(dir=self._home, prefix="plans-") as folder:
            for stack in graph.stacks:
                if stack.layer in only:
                    file = Path(folder) / f"{stack.layer}.json"
                    _, failures = self._previewed(stack, file)
                    if failures:
                        raise DiagnosticsError(failures)
                    found[stack.layer.value] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def up(self, graph: Graph, only: Collection[Layer] = LAYERS, reviewed: Reviewed | None = None) -> RunResult:
        """Bring the layers to what ``graph`` declares, those that read nothing of each other at the same time.

        Layers whose state is there and that the graph no longer has are destroyed last, users first. A reviewed plan
        binds the engine through the update plan that it made itself.
        """
        if reviewed is not None:
            self._refuse_unplanned(graph, only, reviewed)
        plans = reviewed.engine_plans if reviewed is not None else {}
        stacks = {stack.layer: stack for stack in graph.stacks if stack.layer in only}
        needs = {layer: read_layers(stack) & stacks.keys() for layer, stack in stacks.items()}
        with self._run(graph):
            results = self._each(needs, lambda layer: self._update("up", layer, stacks[layer], plans.get(layer)))
            kept = {stack.layer for stack in graph.stacks}
            gone = [layer for layer in reversed(LAYERS) if layer in only and layer not in kept]
            if all(result.ok for result in results):
                for layer in gone:
                    if self._snapshot(self._projects[layer]).resources:
                        results.append(self._update("destroy", layer, None))
                        if not results[-1].ok:
                            break
            return self._result(results)

    def refresh(self, graph: Graph, only: Collection[Layer] = LAYERS) -> RunResult:
        """Read every resource and take what is found into the state."""
        stacks = {stack.layer: stack for stack in graph.stacks if stack.layer in only}
        with self._run(graph):
            deployed = {layer: () for layer in stacks if self._snapshot(self._projects[layer]).resources}
            return self._result(self._each(deployed, lambda layer: self._update("refresh", layer, stacks[layer])))

    def read_existing(self, graph: Graph, wanted: Sequence[Wanted]) -> Adoption:
        """Read what exists by its ids, and say how it differs; by the engine's own preview of an import."""
        with self._run(graph):
            found = [self._adoptable(stack, asked) for stack, asked in _by_stack(graph, wanted)]
        return Adoption(
            tuple(item for one in found for item in one.resources),
            tuple(item for one in found for item in one.known),
            tuple(item for one in found for item in one.failures),
        )

    def adopt(self, graph: Graph, agreed: Adoption) -> RunResult:
        """Import it, layer by layer: nothing is updated, and what differs stays as it is.

        Each layer is looked at again, since it may know more by then. What is as declared then gets the program's
        inputs in the state, as after any update.
        """
        results: list[StackResult] = []
        with self._run(graph):
            for stack, asked in _by_stack(graph, [item.wanted for item in agreed.resources]):
                now = self._adoptable(stack, asked)
                refuse_worse(agreed, now)
                result = self._import_into(stack, asked, [item.wanted for item in now.resources if not item.diff])
                results.append(result)
                if not result.ok:
                    break
            return self._result(results)

    def _adoptable(self, stack: Stack, asked: Sequence[Wanted]) -> Adoption:
        project = self._projects[stack.layer]
        workspace = self._workspace(project)
        if not self._options.local and not workspace.exists():
            text = f"the {stack.layer} layer has no stack yet, so there is no state to adopt it into"
            hint = f"make an empty one: cd {project.folder} && pulumi stack init {project.address}"
            return Adoption(failures=(Diagnostic(NO_STACK, text, hint),))
        live = self._snapshot(project).live()
        failures = []
        known = []
        for item in asked:
            if item.urn in live and item.id in (live[item.urn].id, live[item.urn].import_id):
                known.append(item)
            elif item.urn in live:
                text = f"it is in the state already, as {live[item.urn].id}"
                hint = f"`pulumi state delete '{item.urn}'` takes it out and leaves it running"
                failures.append(item.diagnostic(ALREADY_MANAGED, text, hint))
        if failures:
            return Adoption((), tuple(known), tuple(failures))
        fresh = [item for item in asked if item not in known]
        if not fresh:
            return Adoption((), tuple(known))
        log = AdoptionLog(stack, fresh)
        failure = self._targeted("preview", stack, fresh, log, Order.of(fresh))
        return log.adoption(known, failure)

    def _import_into(self, stack: Stack, asked: Sequence[Wanted], as_declared: Sequence[Wanted]) -> StackResult:
        project = self._projects[stack.layer]
        log = UpdateLog(stack, self._emit)
        before = self.export_state(project.name, project.stack)
        failure = self._targeted("up", stack, asked, log, Order.of(asked, as_it_is=True))
        if failure is not None:
            # A part of what was asked for is none: nothing was made or changed, so the state can go back.
            self._import(project, json.dumps(before))
        if failure is None and as_declared:
            look = UpdateLog(stack, lambda event: None)
            failure = self._targeted("preview", stack, as_declared, look, None)
            if failure is None and all(op is Op.SAME for op in look.steps.values()):
                failure = self._targeted("up", stack, as_declared, UpdateLog(stack, lambda event: None), None)
        backend = self._backend(project)
        if backend is not None:
            backend.keep(project)
        failures = log.failures or ((failure,) if failure is not None else ())
        return StackResult(project.name, project.stack, self._snapshot(project), tuple(log.done), 0, failures)

    def _targeted(
        self,
        verb: Literal["up", "preview"],
        stack: Stack,
        wanted: Sequence[Wanted],
        log: OnEngineEvent,
        order: Order | None,
    ) -> Diagnostic | None:
        """Run the layer's program for nothing but ``wanted``; answers what the engine says where that fails."""
        project = self._projects[stack.layer]
        environ = {FINGERPRINT_VARIABLE: fingerprint(stack), **(order.write() if order is not None else {})}
        try:
            made = self._workspace(project, environ).made()
            run = made.up if verb == "up" else made.preview
            run(target=targets(stack, wanted), on_event=log, parallel=self._options.parallel, color="never")
        except CommandError as error:
            return failure_of(error, project)
        return None

    def look(self, graph: Graph, only: Collection[Layer] = LAYERS) -> RunResult:
        """Read every resource and say what is not as the state says: ``pulumi refresh --preview-only``."""
        stacks = {stack.layer: stack for stack in graph.stacks if stack.layer in only}
        with self._run(graph):
            deployed = {layer: () for layer in stacks if self._snapshot(self._projects[layer]).resources}
            return self._result(self._each(deployed, lambda layer: self._looked_at(stacks[layer])))

    def _looked_at(self, stack: Stack) -> StackResult:
        project = self._projects[stack.layer]
        log = self._log(stack, lambda event: None)
        workspace = self._workspace(project, {FINGERPRINT_VARIABLE: fingerprint(stack)})
        failures: tuple[Diagnostic, ...] = ()
        try:
            made = workspace.made()
            made.preview_refresh(on_event=log, parallel=self._options.parallel, color="never", show_secrets=False)
        except CommandError as error:
            failures = log.failures or (failure_of(error, project),)
        snapshot = self._snapshot(project)
        drift = _without_secrets(log.drift, snapshot)
        return StackResult(project.name, project.stack, snapshot, (), log.same, failures, drift=drift)

    def destroy(self, graph: Graph, only: Collection[Layer] = LAYERS, *, forget: bool = False) -> RunResult:
        """Delete every resource of the environment, users first."""
        stacks = {stack.layer: stack for stack in graph.stacks}
        if forget and not self._options.local:
            hint = "take single resources out with `pulumi state delete`"
            text = "the state of resources in a real cloud is not thrown away"
            raise DiagnosticsError([Diagnostic(NOT_OFFERED, text, hint)])
        with self._run(graph, forget=forget):
            states = {
                layer: state
                for layer in LAYERS
                if layer in only and (state := self._snapshot(self._projects[layer])).resources
            }
            if forget:
                return self._result([self._forget(layer, state) for layer, state in states.items()])
            refuse_protected(states.values())
            needs: dict[Layer, set[Layer]] = {layer: set() for layer in reversed(LAYERS) if layer in states}
            for layer, stack in stacks.items():
                for read in read_layers(stack) & needs.keys():
                    if layer in needs:
                        needs[read].add(layer)
            return self._result(self._each(needs, lambda layer: self._update("destroy", layer, stacks.get(layer))))

    def stop_if_empty(self) -> None:
        """End the emulators once no stack of any environment has resources; nothing for the cloud."""
        if self._emulators is None:
            return
        backend = FileBackend.at(self._environ["PULUMI_BACKEND_URL"], self._home / "checkpoints")
        if backend is not None and not backend.holds_resources():
            self._emulators.stop()

    def cancel(self, graph: Graph, only: Collection[Layer] = LAYERS) -> tuple[str, ...]:
        """Release the stacks that a run which is known to be dead still holds: ``pulumi cancel``."""
        released = []
        for layer in only:
            project = self._projects[layer]
            workspace = self._workspace(project)
            try:
                workspace.pulumi_command.run(
                    ["cancel", "--yes", "--stack", project.address], workspace.work_dir, self._environ
                )
            except StackNotFoundError:
                continue
            except CommandError as error:
                if "no update" not in str(error) and "409" not in str(error):
                    raise DiagnosticsError([failure_of(error, project)]) from error
                continue
            released.append(f"{project.name}, stack {project.address}")
        return tuple(released)

    def export_state(self, project: str, stack: str) -> dict[str, Any]:
        """A stack's state as ``pulumi stack export`` writes it, secrets sealed."""
        return self._workspace(self._project(project)).exported() or {"version": EXPORT_VERSION, "deployment": {}}

    def import_state(self, project: str, stack: str, document: Mapping[str, Any]) -> None:
        """Put a ``pulumi stack export`` in the place of a stack's state."""
        found = self._project(project)
        self._import(found, json.dumps(document))

    @contextmanager
    def _run(self, graph: Graph, *, forget: bool = False) -> Iterator[None]:
        """Hold our lock, start the emulators, and pass interrupts on."""
        self._notes = []
        self._cli.interrupted = False
        with (
            self._store.locked(self._options.command, force=self._options.force),
            on_signals(self._cli.interrupt),
        ):
            if self._emulators is not None and not forget:
                self._start_emulators(graph)
            yield

    def _start_emulators(self, graph: Graph) -> None:
        """One process starts the servers: plugins of layers that run at the same time would start one each."""
        assert self._emulators is not None
        if self._options.factory != FACTORY:
            return
        hint = "`mlops-iac destroy --forget` with the same options empties the state"
        self._emulators.refuse_lost(self.snapshots(graph).values(), hint)
        make = self._emulators.factory()
        for node in graph.nodes():
            if node.type == "pulumi:providers:aws":
                make("aws", {"allowedAccountIds": node.inputs.get("allowedAccountIds")})
                break
        if any(node.type.startswith("kubernetes:") for node in graph.nodes()):
            make("kubernetes", {})
        self._notes += self._emulators.notes

    def _each(
        self, needs: Mapping[Layer, Collection[Layer]], work: Callable[[Layer], StackResult]
    ) -> list[StackResult]:
        results: dict[Layer, StackResult] = {}

        def run(name: str) -> bool:
            result = work(Layer(name))
            with self._guard:
                results[Layer(name)] = result
            return result.ok

        outcome = run_in_order(
            {layer.value: [other.value for other in others] for layer, others in needs.items()},
            run,
            parallel=len(LAYERS),
            cancelled=lambda: self._cli.interrupted,
        )
        for layer in needs:
            if outcome.stopped and layer not in results and layer.value not in outcome.skipped:
                project = self._projects[layer]
                results[layer] = StackResult(project.name, project.stack, self._snapshot(project), stopped=True)
        return [results[layer] for layer in needs if layer in results]

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
            for resource in self._snapshot(self._projects[layer]).resources
            if reviewed.objection(resource.urn, Op.DELETE) is not None and not resource.type.startswith("pulumi:")
        ]
        texts = [f"{reviewed.source} holds no plan of Pulumi's engine for {layer}" for layer in missing]
        texts += [f"{reviewed.source} does not delete {urn}" for urn in going]
        if texts:
            hint = "preview again with --engine pulumi, have it reviewed, and apply the new plan"
            raise DiagnosticsError(Diagnostic(NOT_PLANNED, text, hint) for text in texts)

    def _update(self, verb: Verb, layer: Layer, stack: Stack | None, plan: Any = None) -> StackResult:
        project = self._projects[layer]
        resolved = self._recover(project)
        log = self._log(stack, self._emit)
        environ = {FINGERPRINT_VARIABLE: fingerprint(stack)} if stack is not None else {}
        workspace = self._workspace(project, environ)
        backend = self._backend(project)
        failures: tuple[Diagnostic, ...] = ()
        failed = False
        try:
            made = workspace.made()
            if verb == "up":
                made.up(
                    plan=self._kept(layer, plan),
                    policy_packs=self._packs(project),
                    on_event=log,
                    parallel=self._options.parallel,
                    continue_on_error=self._options.continue_on_error,
                    color="never",
                    suppress_outputs=True,
                    suppress_progress=True,
                    show_secrets=False,
                )
            else:
                action = made.destroy if verb == "destroy" else made.refresh
                action(on_event=log, parallel=self._options.parallel, color="never", show_secrets=False)
        except CommandError as error:
            failed = True
            failures = log.failures
            if not failures and not self._cli.interrupted:
                failures = (failure_of(error, project),)
        finally:
            (self._home / f"{layer}.plan.json").unlink(missing_ok=True)
            if backend is not None:
                backend.keep(project)
        with self._guard:
            self._notes += log.advice
        stopped = failed and self._cli.interrupted
        snapshot = self._snapshot(project)
        return StackResult(
            project.name,
            project.stack,
            snapshot,
            tuple(log.done) if verb != "refresh" else (),
            log.same,
            failures,
            log.unreached if failed and not stopped and verb == "up" else {},
            resolved,
            _without_secrets(log.drift, snapshot) if verb == "refresh" else (),
            stopped,
        )

    def _packs(self, project: Project) -> list[str]:
        """The policy pack of this run, where the layer has something that is not judged yet."""
        policies = self._options.policies
        if policies is None or not needs_pack(project, policies):
            return []
        with self._guard:
            return [str(write_pack(self._home, self._root, self._environment, policies))]

    def _log(self, stack: Stack | None, on_event: OnEvent) -> UpdateLog:
        policies = self._options.policies
        return UpdateLog(stack, on_event, waiting=policies.waiting if policies is not None else None)

    def _kept(self, layer: Layer, plan: Any) -> str | None:
        """The file of an update plan, for the time of the update."""
        if plan is None:
            return None
        file = self._home / f"{layer}.plan.json"
        write_atomic(file, json.dumps(plan).encode())
        return str(file)

    def _previewed(self, stack: Stack, plan: Path | None = None) -> tuple[UpdateLog, tuple[Diagnostic, ...]]:
        project = self._projects[stack.layer]
        log = self._log(stack, lambda event: None)
        workspace = self._workspace(project, {FINGERPRINT_VARIABLE: fingerprint(stack)})
        try:
            workspace.made().preview(
                plan=str(plan) if plan is not None else None,
                policy_packs=self._packs(project),
                on_event=log,
                parallel=self._options.parallel,
                color="never",
            )
        except CommandError as error:
            return log, log.failures or (failure_of(error, project),)
        return log, ()

    def _recover(self, project: Project) -> tuple[Resolution, ...]:
        """Settle what an earlier run had begun and not ended.

        The emulators are asked what became of it. A real cloud is not asked by us: updates and deletes are settled by
        the engine's refresh; a create raises ``DiagnosticsError``, since to repeat it might make a second one.
        """
        backend = self._backend(project)
        if backend is not None:
            backend.check(project)
            for holder in backend.release_dead(project):
                text = f"{project.name}: released the lock of an earlier run that is dead ({holder})"
                self._notes.append(Diagnostic(RECOVERED, text, severity=Severity.INFO))
        snapshot = self._snapshot(project)
        if not snapshot.pending:
            return ()
        if self._emulators is not None:
            return self._ask_emulators(project, snapshot)
        creating = [item.resource for item in snapshot.pending if item.type in ("creating", "importing")]
        if creating:
            raise DiagnosticsError(_pending(project, resource.urn) for resource in creating)
        log = UpdateLog(None, self._emit)
        try:
            self._workspace(project).made().refresh(on_event=log, color="never", show_secrets=False)
        except CommandError as error:
            raise DiagnosticsError(log.failures or [failure_of(error, project)]) from error
        verdict = "the engine read what really exists"
        return tuple(Resolution(item.type, item.resource.urn, verdict) for item in snapshot.pending)

    def _ask_emulators(self, project: Project, snapshot: Snapshot) -> tuple[Resolution, ...]:
        factory = self._provider_factory()
        with tempfile.TemporaryDirectory(dir=self._home, prefix="recovery-") as folder:
            scratch = Store(Path(folder), environ={**self._options.environ, **self._environ})
            scratch.prepare()
            scratch.save(snapshot)
            ledger = scratch.open(snapshot.project, snapshot.stack)
            resolved = resolve_pending(ledger, lambda resource: provider_of(resource, ledger, factory))
            self._import(project, scratch.export(ledger.close()))
        for item in resolved:
            message = f"interrupted while {item.type}: {item.verdict}"
            parsed = parse_urn(item.urn)
            self._emit(Event(EventKind.RESOLVED, None, item.urn, parsed.type, parsed.name, message=message))
        return resolved

    def _provider_factory(self) -> ProviderFactory:
        if self._options.factory != FACTORY:
            factory: ProviderFactory = factory_named(self._options.factory)
            return factory
        assert self._emulators is not None
        return self._emulators.factory()

    def _forget(self, layer: Layer, state: Snapshot) -> StackResult:
        project = self._projects[layer]
        emptied = replace(state, resources=(), pending=(), outputs={})
        self._import(project, self._store.export(emptied))
        return StackResult(project.name, project.stack, emptied)

    def _import(self, project: Project, text: str) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self._home, suffix=".json", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            self._workspace(project).imported(file.name)

    def _snapshot(self, project: Project) -> Snapshot:
        document = self._workspace(project).exported()
        if document is None or not (document.get("deployment") or {}).get("resources"):
            return Snapshot(project.name, project.stack)
        expected = (project.name, project.stack)
        source = f"the state of {project.name}, stack {project.address}"
        return checkpoint.read(json.dumps(document), self._store.unseal, source=source, expected=expected)

    def _backend(self, project: Project) -> FileBackend | None:
        with self._guard:
            if project.layer not in self._backends:
                url = self._workspace(project).backend_url()
                self._backends[project.layer] = FileBackend.at(url, self._home / "checkpoints")
            return self._backends[project.layer]

    def _workspace(self, project: Project, environ: Mapping[str, str] | None = None) -> Workspace:
        return Workspace(project, self._cli, {**self._environ, **(environ or {})})

    def _project(self, name: str) -> Project:
        return next(project for project in self._projects.values() if project.name == name)

    def _emit(self, event: Event) -> None:
        with self._guard:
            self._options.on_event(event)

    def _result(self, results: list[StackResult]) -> RunResult:
        return RunResult(tuple(results), tuple(self._notes))


def _no_stack(project: Project) -> Diagnostic:
    return Diagnostic(
        NO_STACK,
        f"the {project.layer} layer has no stack {project.address} yet, so the engine cannot plan it",
        f"make it once: cd {project.folder} && pulumi stack init {project.address} --secrets-provider URL; for what "
        "CI applies, `mlops-iac delivery --setup` names the URL",
    )


def _by_stack(graph: Graph, wanted: Sequence[Wanted]) -> Iterator[tuple[Stack, list[Wanted]]]:
    for stack in graph.stacks:
        asked = [item for item in wanted if item.layer is stack.layer]
        if asked:
            yield stack, asked


def _pending(project: Project, urn: str) -> Diagnostic:
    parsed = parse_urn(urn)
    return Diagnostic(
        PENDING_CREATES,
        f"{project.name}: an earlier run was interrupted while it created {parsed.type} {parsed.name}; whether that "
        "exists is not known, and creating it again might make a second one",
        f"look whether it exists; then in {project.folder}: `pulumi refresh --import-pending-creates '{urn}' "
        "--import-pending-creates ID` adopts it, `pulumi refresh --clear-pending-creates` says that it does not exist",
    )


def _without_secrets(found: Iterable[Drift], snapshot: Snapshot) -> tuple[Drift, ...]:
    known = {resource.urn: resource.inputs for resource in snapshot.resources}
    return tuple(kept for drift in found if (kept := _comparable(drift, known.get(drift.urn, {}))))


def _comparable(drift: Drift, known: Mapping[str, Any]) -> Drift | None:
    """A drift without its secrets, which an event shows otherwise than the state; None where nothing else differs."""
    hidden = {name for name, value in known.items() if contains_secret(value)}
    diff = tuple(change for change in drift.diff if re.split(r"[.\[]", change.path)[0] not in hidden)
    if not diff and not drift.gone:
        return None
    actual = {name: known[name] if name in hidden else value for name, value in drift.actual.items()}
    return replace(drift, diff=diff, actual=actual)
