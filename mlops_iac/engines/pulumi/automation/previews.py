"""The engine's own previews: where it disagrees with our plan, and the update plans that bind it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.events import OwnPreview
from mlops_iac.engines.files import temporary_folder
from mlops_iac.engines.pulumi.automation.site import Site
from mlops_iac.engines.pulumi.automation.updates import Updates
from mlops_iac.engines.pulumi.codes import DISAGREEMENT, NO_STACK
from mlops_iac.engines.pulumi.program import FINGERPRINT_VARIABLE
from mlops_iac.engines.pulumi.projects import Project
from mlops_iac.engines.pulumi.update_log import UpdateLog
from mlops_iac.engines.pulumi.workspace import failure_of
from mlops_iac.graph.forms.json_form import fingerprint
from mlops_iac.graph.nodes import Stack
from mlops_iac.plan.model import Op, StackPlan
from mlops_iac.policies.policy import Finding
from mlops_iac.state.checkpoint import parse_urn

Previewed = tuple[UpdateLog, Diagnostic | None]
"""What a preview told, and that it failed as a whole; the log may know why."""


class Previews:
    """Previews layers. Nothing is deployed by it, so they all run at the same time."""

    def __init__(self, site: Site, updates: Updates) -> None:
        self._site = site
        self._updates = updates

    def own_preview(self, asked: Sequence[tuple[Project, Stack, StackPlan]], *, binding: bool = False) -> OwnPreview:
        """Where the engine's preview of a layer shows otherwise than its plan, in the order of ``asked``, and the
        verdicts that it decides. With ``binding`` its update plans, unless something failed.

        Raises ``DiagnosticsError`` with ``binding`` where a layer has no stack.

        Source: https://www.pulumi.com/docs/iac/concepts/update-plans/
        """
        missing = self._missing([project for project, _, _ in asked])
        if binding and missing:
            raise DiagnosticsError(map(_no_stack, missing))
        found: list[Diagnostic] = []
        decided: list[Finding] = []
        plans: dict[str, Any] = {}
        with temporary_folder(self._site.home, "plans") as folder:
            files = {project: Path(folder) / f"{project.layer}.json" for project, _, _ in asked if binding}
            previewed = self._each(
                [(project, stack, files.get(project)) for project, stack, _ in asked if project not in missing]
            )
            for project, stack, plan in asked:
                if project in missing:
                    text = f"the {stack.layer} layer has no stack yet, so the engine's own preview of it is left out"
                    found.append(Diagnostic(NO_STACK, text, severity=Severity.INFO))
                    continue
                log, failure = previewed[project]
                decided += log.decided
                found += log.advice
                if failure is None:
                    found += _compared(plan, log)
                else:
                    found += log.others if log.failures else (failure,)
            if not any(failure for _, failure in previewed.values()):
                plans = {
                    project.layer.value: json.loads(file.read_text(encoding="utf-8")) for project, file in files.items()
                }
        return OwnPreview(tuple(found), tuple(decided), plans)

    def _missing(self, projects: Collection[Project]) -> list[Project]:
        """Projects of a cloud that have no stack: none is made for a preview, which a role that only reads could not
        do."""
        if self._site.options.local:
            return []
        with ThreadPoolExecutor(max_workers=max(1, len(projects))) as pool:
            found = pool.map(lambda project: self._site.workspace(project).exists(), projects)
            return [project for project, exists in zip(projects, found, strict=True) if not exists]

    def _each(self, asked: Sequence[tuple[Project, Stack, Path | None]]) -> dict[Project, Previewed]:
        with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
            previewed = pool.map(lambda one: self._one(*one), asked)
            return {project: one for (project, _, _), one in zip(asked, previewed, strict=True)}

    def _one(self, project: Project, stack: Stack, plan: Path | None) -> Previewed:
        log = self._updates.log(stack, lambda event: None)
        workspace = self._site.workspace(project, {FINGERPRINT_VARIABLE: fingerprint(stack)})
        try:
            workspace.made().preview(
                plan=str(plan) if plan is not None else None,
                policy_packs=self._updates.packs(project),
                on_event=log,
                parallel=self._site.options.parallel,
                color="never",
            )
        except CommandError as error:
            return log, failure_of(error, project)
        return log, None


def _compared(plan: StackPlan, log: UpdateLog) -> Iterator[Diagnostic]:
    ours = {
        change.urn: (change.op, change.source, change.component) for change in plan.changes if change.exists_outside
    }
    for urn in sorted(ours.keys() | log.steps.keys()):
        op, source, component = ours.get(urn, (Op.SAME, None, ()))
        theirs = log.steps.get(urn, Op.SAME)
        if theirs is not op:
            parsed = parse_urn(urn)
            text = f"{parsed.type} {parsed.name}: the plan says {op}, the engine {theirs}"
            hint = "trust the engine; please report it with the configuration"
            yield Diagnostic(DISAGREEMENT, text, hint, source, component, severity=Severity.WARNING)


def _no_stack(project: Project) -> Diagnostic:
    return Diagnostic(
        NO_STACK,
        f"the {project.layer} layer has no stack {project.address} yet, so the engine cannot plan it",
        f"make it once: cd {project.folder} && pulumi stack init {project.address} --secrets-provider URL; for what "
        "CI applies, `mlops-iac delivery --setup` names the URL",
    )
