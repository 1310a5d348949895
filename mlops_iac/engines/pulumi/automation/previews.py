"""The engine's own previews: where it disagrees with our plan, and the update plans that bind it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.events import OwnPreview
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

    def own_preview(self, asked: Sequence[tuple[Project, Stack, StackPlan]]) -> OwnPreview:
        """Where the engine's preview of a layer shows otherwise than its plan, in the order of ``asked``, and the
        verdicts that it decides.

        A layer that waits for another's outputs knows less in the engine's preview, so an update that the plan
        has and the engine has not, or the other way round, counts; the values do not.
        """
        missing = self._missing([project for project, _, _ in asked])
        there = [(project, stack) for project, stack, _ in asked if project not in missing]
        previewed = dict(zip((project.layer for project, _ in there), self._each(there), strict=True))
        found: list[Diagnostic] = []
        decided: list[Finding] = []
        for project, stack, plan in asked:
            if project in missing:
                text = f"the {stack.layer} layer has no stack yet, so the engine's own preview of it is left out"
                found.append(Diagnostic(NO_STACK, text, severity=Severity.INFO))
                continue
            log, failure = previewed[project.layer]
            decided += log.decided
            found += log.advice
            if failure is None:
                found += _compared(plan, log)
            else:
                found += log.others if log.failures else (failure,)
        return OwnPreview(tuple(found), tuple(decided))

    def own_plans(self, asked: Sequence[tuple[Project, Stack]]) -> dict[str, Any]:
        """The update plan of each layer. Raises ``DiagnosticsError`` where one has no stack or cannot be planned.

        Source: https://www.pulumi.com/docs/iac/concepts/update-plans/
        """
        missing = self._missing([project for project, _ in asked])
        if missing:
            raise DiagnosticsError(map(_no_stack, missing))
        with tempfile.TemporaryDirectory(dir=self._site.home, prefix="plans-") as folder:
            files = [Path(folder) / f"{project.layer}.json" for project, _ in asked]
            failures = [
                told
                for log, failure in self._each(asked, files)
                if failure is not None
                for told in log.failures or (failure,)
            ]
            if failures:
                raise DiagnosticsError(failures)
            plans = zip(asked, files, strict=True)
            return {project.layer.value: json.loads(file.read_text(encoding="utf-8")) for (project, _), file in plans}

    def _missing(self, projects: Collection[Project]) -> list[Project]:
        """Projects of a cloud that have no stack: none is made for a preview, which a role that only reads could not
        do."""
        if self._site.options.local:
            return []
        with ThreadPoolExecutor(max_workers=max(1, len(projects))) as pool:
            found = pool.map(lambda project: self._site.workspace(project).exists(), projects)
            return [project for project, exists in zip(projects, found, strict=True) if not exists]

    def _each(self, asked: Sequence[tuple[Project, Stack]], plans: Sequence[Path] = ()) -> list[Previewed]:
        with ThreadPoolExecutor(max_workers=max(1, len(asked))) as pool:
            return list(pool.map(self._one, asked, plans or [None] * len(asked)))

    def _one(self, asked: tuple[Project, Stack], plan: Path | None) -> Previewed:
        project, stack = asked
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
        change.urn: (change.op, change.source, change.component)
        for change in plan.changes
        if change.custom and not change.type.startswith("pulumi:")
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
