"""``mlops-iac policy evidence``: what a configuration shows to those who must answer for the system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops_iac.cli.git import git
from mlops_iac.cli.options import EXIT_REFUSED, request_for, system_options
from mlops_iac.graph.nodes import LAYERS, Layer
from mlops_iac.pipeline import Baseline, Run, environment_of, plan_against, run_phases

if TYPE_CHECKING:
    from mlops_iac.evidence.collect import Evidence, Revision, StackRecord


@click.command("evidence", short_help="Write the evidence and the system card.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Where the files go: SYSTEM-ENVIRONMENT-DATE with .json, .md and .html.",
)
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day that it is made for, which decides what has expired.  [default: today, UTC]",
)
@click.option("--no-state", is_flag=True, help="Do not look at the local state.")
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="local|FILE",
    help="Judge what is deployed instead of what is declared: the local state, or what `pulumi stack export` wrote "
    "(files, or folders of them); can be repeated.",
)
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    out: Path,
    date: datetime | None,
    no_state: bool,
    states: tuple[str, ...],
) -> None:
    """Write, for one environment, what the configuration shows: control by control and rule by rule, with waivers and
    where it came from, and the system card: purpose, data and where it goes, oversight, monitoring, retraining.

    It says itself what it does not prove. The same configuration, state and day give the same bytes. Exits with 2
    where a mandatory rule is violated; the files are written all the same.

    \b
    Examples:
      mlops-iac policy evidence -C examples/fraud-detection env=prod --out evidence
      for e in dev staging prod; do mlops-iac policy evidence env=$e --out evidence; done
      mlops-iac policy evidence env=prod --state exports/ --out evidence
    """
    if no_state and states:
        raise click.UsageError("--no-state and --state exclude each other")
    run = run_phases(request_for(folder, overrides, date), until="check")
    baseline, layers = (Baseline(), LAYERS) if no_state else _state(run, folder, states)
    evidence = _collect(run, folder, overrides, baseline, layers, judge_state=bool(states))
    out.mkdir(parents=True, exist_ok=True)
    for file, text in _files(evidence):
        (out / file).write_text(text, encoding="utf-8")
        click.echo(f"wrote {out / file}")
    if evidence.stops:
        click.echo(f"{evidence.stops} mandatory violations; `mlops-iac policy check` shows them", err=True)
        raise SystemExit(EXIT_REFUSED)


def _collect(
    run: Run,
    folder: Path,
    overrides: tuple[str, ...],
    baseline: Baseline,
    layers: tuple[Layer, ...],
    *,
    judge_state: bool,
) -> Evidence:
    from mlops_iac.evidence.collect import collect

    if run.graph is None or run.system is None or run.composition is None:
        raise ValueError("the check phase ran without a system")
    stacks = tuple(_records(baseline, plan_against(run, baseline, layers))) if baseline.snapshots else ()
    revision = _revision(run, folder, overrides)
    today, project = run.request.today, run.project_rules
    deployed = tuple(baseline.snapshots.values()) if judge_state else ()
    notes = run.diagnostics
    return collect(run.graph, run.system, run.composition, notes, revision, stacks, today, project, deployed)


def _state(run: Run, folder: Path, states: tuple[str, ...]) -> tuple[Baseline, tuple[Layer, ...]]:
    """What is deployed of the environment, as the local target or the given states have it."""
    from mlops_iac.cli.baseline import load_baseline, local_baseline

    if run.graph is None:
        raise ValueError("the check phase ran without a system")
    if not states or states == ("local",):
        baseline = local_baseline(folder, environment_of(run))
        if states and not baseline.snapshots:
            raise click.ClickException(f"the local target has nothing deployed of {environment_of(run)}")
        return baseline, LAYERS
    missing = [state for state in states if not Path(state).exists()]
    if missing:
        raise click.UsageError(f"--state {missing[0]} is no file and no folder")
    return load_baseline(states, run.graph, folder.resolve(), (), LAYERS)


def _revision(run: Run, folder: Path, overrides: tuple[str, ...]) -> Revision:
    from mlops_iac.evidence.collect import revision_of

    if run.composition is None:
        raise ValueError("the compose phase made no configuration")
    commit = git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    changed = git(folder, "status", "--porcelain", "--", ".") if commit else None
    return revision_of(run.composition, overrides, (commit or b"").decode().strip(), dirty=bool(changed))


def _records(baseline: Baseline, planned: Run) -> Iterator[StackRecord]:
    from mlops_iac.evidence.collect import StackRecord
    from mlops_iac.plan.model import Op

    if planned.plan is None:
        raise ValueError("the plan phase made no plan")
    changes = {
        stack.project: sum(change.custom and change.op is not Op.SAME for change in stack.changes)
        for stack in planned.plan.stacks
    }
    for project, snapshot in sorted(baseline.snapshots.items()):
        resources = sum(resource.custom for resource in snapshot.live().values())
        yield StackRecord(project, snapshot.stack, snapshot.serial, resources, changes.get(project, resources))


def _files(evidence: Evidence) -> Iterator[tuple[str, str]]:
    from mlops_iac.render.evidence import evidence_json, evidence_markdown
    from mlops_iac.render.evidence_page import evidence_page
    from mlops_iac.render.json import to_text

    stem = f"{evidence.system}-{evidence.environment}-{evidence.date}"
    yield f"{stem}.json", to_text(evidence_json(evidence))
    yield f"{stem}.md", evidence_markdown(evidence)
    yield f"{stem}.html", evidence_page(evidence)
