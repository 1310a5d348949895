"""``mlops-iac import``: take what exists already into the state, so that it is not created again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_FAILURE, exit_with, fail_with, format_option, request_for, system_options
from mlops_iac.cli.printing import print_diagnostics, write
from mlops_iac.cli.target import TargetChoice, confirm, engine_for, target_options, tell_details
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.engine import Engine
from mlops_iac.graph.nodes import Graph, Layer
from mlops_iac.pipeline import run_phases
from mlops_iac.plan.adoption import (
    NOTHING_GIVEN,
    Adoption,
    Wanted,
    import_file,
    wanted_by_name,
    wanted_in_file,
)
from mlops_iac.render.adoption import adoption_json, adoption_text
from mlops_iac.render.json import to_text
from mlops_iac.render.page import page_for

_STANDARD = "-"


@click.command(short_help="Adopt what exists already into the state.")
@click.option(
    "--id",
    "pairs",
    multiple=True,
    metavar="RESOURCE=ID",
    help="A declared resource and the id of what exists; can be repeated. RESOURCE is its logical name, its URN, "
    "TYPE::NAME, or the path of a component that is one resource.",
)
@click.option(
    "--file",
    "given",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Pulumi's import file: JSON with type, name and id of each; entries without an id are passed over.",
)
@click.option(
    "--template",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write such a file of everything that is declared and not yet in the state, and stop; - prints it.",
)
@click.option("--allow-replacement", is_flag=True, help="Also adopt what the next apply would replace.")
@target_options
@format_option("text", "json")
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    form: str,
    choice: TargetChoice,
    only: tuple[Layer, ...],
    pairs: tuple[str, ...],
    given: Path | None,
    template: Path | None,
    allow_replacement: bool,
) -> None:
    """Adopt what exists already: buckets, roles, clusters, endpoints that were made by hand or by another tool.

    Reads each resource by its id, shows how it differs from what is declared, asks, and records it in the state with
    the components and providers that it belongs to. Nothing that exists is changed: what differs is left to the next
    `up`. Refused where that would replace it, and then nothing is recorded; so it is where an id is not found.

    An id is what Pulumi's provider imports the type by: a bucket's, role's, function's or endpoint's name, a topic's or
    policy's ARN, ROLE:NAME of a role's inline policy, ROLE/ARN of an attached one, CLUSTER:NAME of a node group.
    --template shows the form of each.

    \b
    Examples:
      mlops-iac import --id raw.bucket=acme-raw --id raw.versioning=acme-raw
      mlops-iac import env=prod --engine pulumi --template import.json
      mlops-iac import env=prod --engine pulumi --file import.json
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    with engine_for(run, choice, quiet=True) as (engine, run):
        if run.graph is None:
            raise ValueError("the compile phase made no graph")
        if template is not None:
            _write_template(run.graph, engine, only, template)
            return
        adoption = engine.read_existing(run.graph, _wanted(run.graph, pairs, given, only))
        refused = () if allow_replacement else adoption.replacements()
        if form == "text" and adoption.resources and not adoption.failures:
            write(adoption_text(adoption, page_for(sys.stdout)))
        if adoption.failures or refused:
            fail_with((*adoption.failures, *refused), folder, form, EXIT_FAILURE)
        if adoption.resources:
            tell_details(engine, run, choice)
            confirm(f"Record these {len(adoption.resources)} in the state of {engine.place}?", yes=choice.yes)
            result = engine.adopt(run.graph, adoption)
            if not result.ok:
                print_diagnostics(result.failures, folder, form)
                exit_with(result)
    _tell(adoption, form)


def _wanted(graph: Graph, pairs: tuple[str, ...], file: Path | None, only: tuple[Layer, ...]) -> tuple[Wanted, ...]:
    from mlops_iac.engines.files import read_text

    split = [pair.partition("=") for pair in pairs]
    for name, _, id in split:
        if not name or not id:
            raise click.UsageError(f"--id takes RESOURCE=ID, for example raw.bucket=acme-raw, not {name!r}")
    found = wanted_by_name(graph, [(name, id) for name, _, id in split])
    if file is not None:
        in_file = wanted_in_file(graph, read_text(file), str(file))
        named = {item.urn for item in found}
        found = (*found, *(item for item in in_file if item.urn not in named))
    found = tuple(item for item in found if item.layer in only)
    if not found:
        text = "no id was given" if file is None else f"{file} gives no id yet"
        hint = "--id RESOURCE=ID names one, --template FILE writes a file to be filled in"
        raise DiagnosticsError([Diagnostic(NOTHING_GIVEN, text, hint)])
    return found


def _write_template(graph: Graph, engine: Engine, only: tuple[Layer, ...], path: Path) -> None:
    from mlops_iac.engines.files import write_atomic

    document, count = import_file(graph, engine.snapshots(graph), only)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if str(path) == _STANDARD:
        write(text)
        return
    write_atomic(path, text.encode())
    write(f"wrote {path}: {count} resources that are declared and not in the state; fill in the ids that exist\n")


def _tell(adoption: Adoption, form: str) -> None:
    if form == "json":
        write(to_text(adoption_json(adoption, adopted=bool(adoption.resources))))
        return
    if not adoption.resources:
        write("Nothing to adopt: the state has all of them.\n")
        return
    differing = sum(bool(item.diff) for item in adoption.resources)
    rest = "the next preview shows no change for them" if not differing else f"{differing} differ from what is declared"
    write(f"Adopted {len(adoption.resources)}: {rest}.\n")
