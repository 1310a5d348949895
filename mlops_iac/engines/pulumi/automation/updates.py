"""One layer's update, refresh or destroy by the engine, and the look at what it would refresh."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from pulumi.automation import CommandError

from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.events import Drift, OnEvent, StackResult
from mlops_iac.engines.files import write_atomic
from mlops_iac.engines.pulumi.automation.recovery import recover
from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.automation.states import PulumiStates
from mlops_iac.engines.pulumi.program import FINGERPRINT_VARIABLE
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.run_pack import needs_pack, write_pack
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.graph.evaluate import contains_secret
from mlops_iac.graph.forms.json_form import fingerprint
from mlops_iac.graph.nodes import Stack
from mlops_iac.state.snapshot import Snapshot

Verb = Literal["up", "refresh", "destroy"]


class Updates:
    """Changes the layers of one environment."""

    def __init__(self, site: Site, states: PulumiStates, environment: str) -> None:
        self._site = site
        self._states = states
        self._environment = environment
        self._packing = threading.Lock()

    def update(self, verb: Verb, project: Project, stack: Stack | None, plan: Any = None) -> StackResult:
        """Run ``verb`` over a layer; ``stack`` is what is declared of it, ``plan`` the update plan that binds it."""
        site = self._site
        resolved = recover(site, self._states, project)
        log = self.log(stack, site.emit)
        workspace = site.workspace(project, _declared(stack))
        failures: tuple[Diagnostic, ...] = ()
        failed = False
        try:
            made = workspace.made()
            if verb == "up":
                made.up(
                    plan=self._kept(project, plan),
                    policy_packs=self.packs(project),
                    on_event=log,
                    parallel=site.options.parallel,
                    continue_on_error=site.options.continue_on_error,
                    color="never",
                    suppress_outputs=True,
                    suppress_progress=True,
                    show_secrets=False,
                )
            else:
                action = made.destroy if verb == "destroy" else made.refresh
                action(on_event=log, parallel=site.options.parallel, color="never", show_secrets=False)
        except CommandError as error:
            failed = True
            failures = log.failures
            if not failures and not site.cli.interrupted:
                failures = (failure_of(error, project),)
        finally:
            (site.home / f"{project.layer}.plan.json").unlink(missing_ok=True)
            site.keep(project)
        site.note(log.advice)
        stopped = failed and site.cli.interrupted
        snapshot = self._states.snapshot(project)
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

    def look(self, project: Project, stack: Stack | None, urns: list[str] | None = None) -> StackResult:
        """What a refresh would find, of ``urns`` where they are given: ``pulumi refresh --preview-only``."""
        site = self._site
        log = self.log(stack, lambda event: None)
        workspace = site.workspace(project, _declared(stack))
        failures: tuple[Diagnostic, ...] = ()
        stopped = False
        try:
            workspace.made().preview_refresh(
                target=urns, on_event=log, parallel=site.options.parallel, color="never", show_secrets=False
            )
        except CommandError as error:
            stopped = site.cli.interrupted
            failures = log.failures or (() if stopped else (failure_of(error, project),))
        snapshot = self._states.snapshot(project)
        drift = _without_secrets(log.drift, snapshot)
        return StackResult(project.name, project.stack, snapshot, (), log.same, failures, drift=drift, stopped=stopped)

    def packs(self, project: Project) -> list[str]:
        """The policy pack of this run, where the layer has something that is not judged yet."""
        site, policies = self._site, self._site.options.policies
        if policies is None or not needs_pack(project, policies):
            return []
        with self._packing:
            return [str(write_pack(site.home, site.root, self._environment, policies))]

    def log(self, stack: Stack | None, on_event: OnEvent) -> UpdateLog:
        """What reads the events of a run over ``stack``."""
        policies = self._site.options.policies
        return UpdateLog(stack, on_event, waiting=policies.waiting if policies is not None else None)

    def _kept(self, project: Project, plan: Any) -> str | None:
        """The file of an update plan, for the time of the update."""
        if plan is None:
            return None
        file = self._site.home / f"{project.layer}.plan.json"
        write_atomic(file, json.dumps(plan).encode())
        return str(file)


def _declared(stack: Stack | None) -> dict[str, str]:
    """What tells a program which graph it is to register; nothing for a layer that the graph lost."""
    return {FINGERPRINT_VARIABLE: fingerprint(stack)} if stack is not None else {}


def _without_secrets(found: Iterable[Drift], snapshot: Snapshot) -> tuple[Drift, ...]:
    known = {resource.urn: resource.inputs for resource in snapshot.resources}
    return tuple(kept for drift in found if (kept := _comparable(drift, known.get(drift.urn, {}))))


def _comparable(drift: Drift, known: Mapping[str, Any]) -> Drift | None:
    """A drift without its secrets, which an event shows otherwise than the state; None where nothing else differs."""
    hidden = {name for name, value in known.items() if contains_secret(value)}
    diff, shown = (
        tuple(change for change in some if re.split(r"[.\[]", change.path)[0] not in hidden)
        for some in (drift.diff, drift.to_read)
    )
    if not diff and not drift.gone:
        return None
    actual = {name: known[name] if name in hidden else value for name, value in drift.actual.items()}
    return replace(drift, diff=diff, shown=shown, actual=actual)
