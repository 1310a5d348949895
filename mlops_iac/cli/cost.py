"""``mlops-iac cost``: what the system costs in a month, from the price table in the package."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.baseline import load_baseline
from mlops_iac.cli.options import format_option, request_for, system_options
from mlops_iac.cli.printing import sources_in, write
from mlops_iac.cost.budget import budget_diagnostics
from mlops_iac.cost.compare import Difference, compare
from mlops_iac.cost.estimate import estimate_graph, estimate_snapshots
from mlops_iac.cost.model import Estimate
from mlops_iac.cost.sweep import combinations
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import BAD_BASELINE
from mlops_iac.graph.nodes import LAYERS
from mlops_iac.pipeline import Run, run_phases
from mlops_iac.render import cost, json
from mlops_iac.render.page import page_for


@click.command(short_help="Estimate the monthly cost.")
@click.option(
    "--against",
    metavar="none|local|REF|FILE",
    help="Show the difference to the local state, a git ref such as origin/main, or a folder with a "
    "`pulumi stack export` of each layer.  [default: none]",
)
@click.option(
    "-m",
    "--variants",
    multiple=True,
    metavar="KEY=A,B,C",
    help="Compare these values of a key side by side; several keys make every combination.",
)
@click.option("--details", is_flag=True, help="Show every resource with its quantities and prices.")
@format_option("text", "json", "markdown")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    against: str | None,
    variants: tuple[str, ...],
    details: bool,
    form: str,
) -> None:
    """Estimate what the system costs in a month: floor and ceiling of every resource, by stage.

    Needs no cloud account and no network: prices are list prices in a table of the package, with their sources
    (`mlops-iac prices`). How much the system is used is assumed; `usage:` in system.yaml says it better. A price that
    is not known is named, and never counted as zero. A base is priced with today's assumptions and prices.

    \b
    Examples:
      mlops-iac cost -C examples/fraud-detection env=prod
      mlops-iac cost -C examples/fraud-detection --against origin/main
      mlops-iac cost -m clusters.research.pools.a10g.instance_type=g5.12xlarge,g6.12xlarge
    """
    if variants:
        _compare_variants(folder, overrides, variants, against, form)
        return
    run = run_phases(request_for(folder, overrides), until="compile")
    if run.system is None or run.composition is None:
        raise ValueError("the spec phase made no system")
    estimate = _estimate(run)
    difference = _difference(run, estimate, folder, overrides, against)
    diagnostics = budget_diagnostics(run.system, estimate, run.composition)
    if form == "json":
        write(json.to_text(cost.cost_json(estimate, difference=difference, diagnostics=diagnostics)))
    elif form == "markdown":
        write(cost.cost_markdown(estimate, difference))
    else:
        write(
            cost.cost_text(
                estimate,
                page_for(sys.stdout),
                difference=difference,
                diagnostics=diagnostics,
                sources=sources_in(run),
                details=details,
            )
        )


def _compare_variants(
    folder: Path, overrides: tuple[str, ...], sweeps: tuple[str, ...], against: str | None, form: str
) -> None:
    if against is not None or form == "markdown":
        raise click.UsageError("-m compares variants with each other: without --against, as text or json")
    try:
        chosen = combinations(sweeps)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    variants = [_variant(folder, overrides, choice) for choice in chosen]
    if form == "json":
        write(json.to_text(cost.variants_json(variants)))
    else:
        write(cost.variants_text(variants, page_for(sys.stdout)))


def _variant(folder: Path, overrides: tuple[str, ...], choice: tuple[str, ...]) -> cost.Variant:
    try:
        run = run_phases(request_for(folder, (*overrides, *choice)), until="compile")
    except DiagnosticsError:
        click.echo(f"variant {' '.join(choice)}", err=True)
        raise
    return cost.Variant(choice, _estimate(run))


def _estimate(run: Run) -> Estimate:
    if run.graph is None or run.system is None:
        raise ValueError("the compile phase made no graph")
    return estimate_graph(run.graph, run.system, run.request.today)


def _difference(
    run: Run, estimate: Estimate, folder: Path, overrides: tuple[str, ...], against: str | None
) -> tuple[str, Difference] | None:
    if against is None or against == "none" or run.system is None or run.graph is None:
        return None
    baseline, compared = load_baseline((against,), run.graph, folder.resolve(), overrides, LAYERS)
    missing = [stack.layer for stack in run.graph.stacks if stack.layer not in compared]
    if missing:
        raise DiagnosticsError(
            [
                Diagnostic(
                    BAD_BASELINE,
                    f"a difference of cost needs the state of every layer; there is none of {', '.join(missing)}",
                    "give the folder that holds an export of each",
                )
            ]
        )
    base = estimate_snapshots(baseline.snapshots, run.system, run.request.today)
    return baseline.text, compare(base, estimate)
