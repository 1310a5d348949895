"""``mlops-iac policy compile``: the rules in the language of another judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from mlops_iac.cli.options import request_for, system_options
from mlops_iac.cli.printing import write
from mlops_iac.graph.nodes import Graph
from mlops_iac.pipeline import run_phases

Objects = list[Mapping[str, Any]]


@click.command("compile")
@click.option(
    "--to",
    type=click.Choice(("kubernetes",)),
    required=True,
    help="kubernetes: ValidatingAdmissionPolicies with their bindings.",
)
@click.option("--cluster", metavar="NAME", help="Which cluster of the system, where it has several.")
@click.option(
    "--pack",
    "chosen",
    multiple=True,
    metavar="PACK",
    help="Compile these packs, with the defaults of every limit, instead of what a system chose.",
)
@system_options
def command(folder: Path, overrides: tuple[str, ...], to: str, cluster: str | None, chosen: tuple[str, ...]) -> None:
    """Write the rules that an API server can judge by itself, as objects for `kubectl apply -f -`.

    They are those that `up` puts on the system's cluster, its limits, enforcement and waivers included. Mandatory
    rules refuse an object; advisory ones warn whoever applies it.

    \b
    Examples:
      mlops-iac policy compile --to kubernetes -C examples/fraud-detection env=prod
      mlops-iac policy compile --to kubernetes --pack kubernetes-restricted
    """
    from mlops_iac.render.manifests import manifests_yaml

    if chosen and (cluster or overrides):
        raise click.UsageError("--pack needs no system: leave --cluster and overrides out")
    objects = _objects_of_packs(chosen) if chosen else _objects_of_system(folder, overrides, cluster)
    write(manifests_yaml(objects))


def _objects_of_packs(chosen: tuple[str, ...]) -> Objects:
    from mlops_iac.cli.policy import refuse_unknown_packs
    from mlops_iac.policies.checker import chosen_rules
    from mlops_iac.policies.govern import statement_objects
    from mlops_iac.policies.policy import SystemView

    refuse_unknown_packs(chosen)
    return [*statement_objects(chosen_rules(chosen), SystemView(name="mlops-iac", environment="prod"))]


def _objects_of_system(folder: Path, overrides: tuple[str, ...], cluster: str | None) -> Objects:
    from mlops_iac.policies.checker import rules_of
    from mlops_iac.policies.govern import statement_objects
    from mlops_iac.policies.views import view_system

    request = request_for(folder, overrides)
    run = run_phases(request, until="compile")
    if run.graph is None or run.system is None:
        raise ValueError("the compile phase made no graph")
    found = dict(_by_cluster(run.graph))
    if cluster is not None and cluster not in found:
        declared = f"; it has {', '.join(found)}" if found else ""
        raise click.ClickException(f"the system puts no policies on a cluster {cluster!r}{declared}")
    if cluster is None and len(found) > 1:
        raise click.ClickException(f"the system has several clusters: choose with --cluster: {', '.join(found)}")
    if found:
        return found[cluster or next(iter(found))]
    unjudged = run.system.core.policies.unjudged_namespaces
    return [*statement_objects(rules_of(run.system), view_system(run.system, request.today), unjudged)]


def _by_cluster(graph: Graph) -> Iterator[tuple[str, Objects]]:
    from mlops_iac.policies.govern import is_admission

    found: dict[str, Objects] = {}
    for node in graph.nodes():
        if is_admission(node):
            found.setdefault(str(node.component[-1]), []).append(node.inputs)
    yield from found.items()
