"""What ``preview --save-plan``, ``up --plan`` and ``plan`` share: writing, reading and comparing a saved plan."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from mlops_iac import __version__
from mlops_iac.cli.git import git
from mlops_iac.cli.options import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_STALE, fail_with
from mlops_iac.cli.printing import preview_document, preview_report
from mlops_iac.cli.target import Engines
from mlops_iac.diagnostics import Diagnostic
from mlops_iac.engines.engine import Engine
from mlops_iac.graph.nodes import LAYERS, Graph
from mlops_iac.pipeline import Run
from mlops_iac.plan import saved as plans
from mlops_iac.plan.reviewed import NOT_PLANNED, Reviewed
from mlops_iac.plan.saved import Making, SavedPlan
from mlops_iac.policies.policy import Finding
from mlops_iac.render import json
from mlops_iac.render.page import PLAIN_PAGE
from mlops_iac.state.snapshot import Snapshot

_STALE = frozenset({plans.CONFIGURATION_MOVED, plans.STATE_MOVED, plans.OTHER_TOOL, plans.DRIFTED, NOT_PLANNED})


def save_plan(path: Path, run: Run, engine: str, engine_plans: Mapping[str, Any]) -> None:
    """Write the plan of a run to ``path``, whole or not at all, readable for its owner only.

    Raises ``DiagnosticsError`` when it cannot be written.
    """
    from mlops_iac.engines.files import write_atomic

    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    request = run.request
    document = plans.plan_document(
        run.graph,
        request.baseline.snapshots,
        preview_document(run),
        {form: preview_report(run, form, PLAIN_PAGE) for form in ("text", "markdown")},
        making=_making(request.compose.root),
        engine=engine,
        layers=request.only,
        overrides=request.compose.overrides,
        refused=run.refused,
        policies=[_verdict(finding) for finding in run.findings],
        salt=os.urandom(plans.SALT_BYTES),
        engine_plans=engine_plans,
    )
    write_atomic(path, json.to_text(document).encode())


def load_plan(path: Path) -> SavedPlan:
    """The plan in a file. Raises ``DiagnosticsError`` when it is not whole, or of another version."""
    from mlops_iac.engines.files import read_text

    return plans.read_plan(read_text(path), str(path), __version__)


def overrides_of(saved: SavedPlan, given: tuple[str, ...]) -> tuple[str, ...]:
    """The overrides that a plan was made with; whoever gives others means another plan."""
    if given and given != saved.overrides:
        own = " ".join(saved.overrides) or "none"
        raise click.UsageError(f"a saved plan brings its own overrides ({own}); it cannot be applied with others")
    return saved.overrides


def problems_before(
    saved: SavedPlan, graph: Graph, snapshots: Mapping[str, Snapshot], engine: str
) -> tuple[Diagnostic, ...]:
    """Why a saved plan cannot be applied to this configuration and state, before it is planned again."""
    return (
        *plans.belongs_problems(saved, graph, engine),
        *plans.refusal_problems(saved),
        *plans.configuration_problems(saved, graph),
        *plans.state_problems(saved, snapshots),
    )


def problems_after(saved: SavedPlan, run: Run) -> tuple[Diagnostic, ...]:
    """Why a saved plan cannot be applied, now that it was planned again."""
    return plans.operation_problems(saved, preview_document(run))


def refuse_drifted(saved: SavedPlan, run: Run, engine: Engine, engines: Engines, folder: Path, form: str) -> None:
    """Read from the target what the plan would touch; leave where it is not as the state says, or cannot be read.

    An apply goes by the state, and would not notice. What the plan leaves alone is not read.
    """
    from mlops_iac.cli.looking import judged

    if run.graph is None or run.plan is None:
        raise ValueError("the plan phase made no plan")
    changes = plans.touched(run.plan)
    if not changes:
        return
    looked = engine.look(run.graph, saved.layers, changes)
    if looked.stopped:
        sys.exit(EXIT_INTERRUPTED)
    if looked.failures:
        text = f"{engine.place} cannot be asked whether what {saved.source} would touch is as the state says"
        hint = "nothing was applied; run the command again when it answers"
        fail_with((Diagnostic(plans.NOT_LOOKED, text, hint), *looked.failures), folder, form)
    problems = plans.drift_problems(saved, changes, judged(looked, run), _commands(saved, engines, folder))
    if problems:
        refuse(problems, folder, form)


def _commands(saved: SavedPlan, engines: Engines, folder: Path) -> tuple[str, str]:
    """What shows the drift of a plan's layers, and what takes it into the state."""
    where = ("-C", str(folder)) if folder != Path() else ()
    only = ("--only", ",".join(saved.layers)) if saved.layers != LAYERS else ()
    words = (*where, *saved.overrides, *engines.arguments, *only)
    drift, refresh = (shlex.join(("mlops-iac", verb, *words)) for verb in ("drift", "refresh"))
    return drift, refresh


def reviewed(saved: SavedPlan) -> Reviewed:
    """What an apply of the plan may do."""
    return Reviewed(saved.source, saved.operations(), saved.engine_plans)


def refuse(problems: tuple[Diagnostic, ...], folder: Path, form: str) -> NoReturn:
    """Print why a plan is not applied, and leave: 2 where it was refused, 3 where something moved, else 1."""
    codes = {problem.code for problem in problems}
    code = EXIT_FAILURE
    if plans.PLAN_REFUSED in codes:
        code = EXIT_REFUSED
    elif codes <= _STALE:
        code = EXIT_STALE
    fail_with(problems, folder, form, code)


def tell_saved(path: Path, run: Run) -> None:
    """Say where the plan went, beside whatever standard output carries."""
    refused = "; it is refused, and cannot be applied" if run.refused else f"; apply it with `up --plan {path}`"
    click.echo(f"saved the plan to {path}{refused}", file=sys.stderr)


def _making(folder: Path) -> Making:
    from mlops_iac.engines.local.store import utc_now
    from mlops_iac.engines.lock import this_process

    holder = this_process("", utc_now())
    commit = git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    changed = git(folder, "status", "--porcelain", "--", ".") if commit else None
    return Making(
        holder.since,
        f"{holder.user}@{holder.host}",
        __version__,
        commit.decode().strip() if commit else None,
        not changed,
    )


def _verdict(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.policy.id,
        "verdict": finding.result.verdict.value,
        "enforcement": finding.enforcement.value,
        "resource": finding.resource.urn,
        "waiver": finding.waiver or None,
    }
