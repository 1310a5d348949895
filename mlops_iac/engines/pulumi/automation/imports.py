"""Adopts what exists already into one layer's stack, by targeted runs of its program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pulumi.automation import CommandError, events

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.events import StackResult
from mlops_iac.engines.pulumi.adoption import AdoptionLog, Order, targets
from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.automation.states import PulumiStates
from mlops_iac.engines.pulumi.codes import NO_STACK
from mlops_iac.engines.pulumi.program import FINGERPRINT_VARIABLE
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.graph.forms.json_form import fingerprint
from mlops_iac.graph.nodes import Stack
from mlops_iac.plan.adoption import ALREADY_MANAGED, Adoption, Wanted
from mlops_iac.plan.model import Op

OnEngineEvent = Callable[[events.EngineEvent], None]


class Imports:
    """Reads and adopts resources by their ids."""

    def __init__(self, site: Site, states: PulumiStates) -> None:
        self._site = site
        self._states = states

    def look(
        self, project: Project, stack: Stack, asked: Sequence[Wanted], foreseen: dict[str, Mapping[str, Any]]
    ) -> Adoption:
        """What exists under those ids, and how it differs; by the engine's own preview of an import.

        ``foreseen`` are outputs that other layers will export by then, by layer and name; this one's are added.
        """
        workspace = self._site.workspace(project)
        if not self._site.options.local and not workspace.exists():
            text = f"the {stack.layer} layer has no stack yet, so there is no state to adopt it into"
            hint = f"make an empty one: cd {project.folder} && pulumi stack init {project.address}"
            return Adoption(failures=(Diagnostic(NO_STACK, text, hint),))
        live = self._states.snapshot(project).live()
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
        failure = self._targeted("preview", project, stack, fresh, log, Order.of(fresh, foreseen))
        foreseen[stack.layer.value] = log.outputs
        return log.adoption(known, failure)

    def adopt(
        self, project: Project, stack: Stack, asked: Sequence[Wanted], as_declared: Sequence[Wanted]
    ) -> StackResult:
        """Import ``asked``; what is ``as_declared`` then gets the program's inputs in the state, as after an update."""
        log = UpdateLog(stack, self._site.emit)
        failure = self._targeted("up", project, stack, asked, log, Order.of(asked, {}, as_it_is=True))
        if failure is None and as_declared:
            look = UpdateLog(stack, lambda event: None)
            nothing = Order.of((), {})
            failure = self._targeted("preview", project, stack, as_declared, look, nothing)
            if failure is None and all(op is Op.SAME for op in look.steps.values()):
                quiet = UpdateLog(stack, lambda event: None)
                failure = self._targeted("up", project, stack, as_declared, quiet, nothing)
        self._site.keep(project)
        failures = log.failures or ((failure,) if failure is not None else ())
        return StackResult(project.name, project.stack, self._states.snapshot(project), tuple(log.done), 0, failures)

    def _targeted(
        self,
        verb: Literal["up", "preview"],
        project: Project,
        stack: Stack,
        wanted: Sequence[Wanted],
        log: OnEngineEvent,
        order: Order,
    ) -> Diagnostic | None:
        """Run the layer's program for nothing but ``wanted``; answers what the engine says where that fails."""
        environ = {FINGERPRINT_VARIABLE: fingerprint(stack), **order.write()}
        try:
            made = self._site.workspace(project, environ).made()
            run = made.up if verb == "up" else made.preview
            parallel = self._site.options.parallel
            run(target=targets(stack, wanted), on_event=log, parallel=parallel, color="never")
        except CommandError as error:
            return failure_of(error, project)
        return None
