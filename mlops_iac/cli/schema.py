"""``mlops-iac schema``: the JSON Schemas that editors and pipelines use."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlops_iac.cli.options import EXIT_FAILURE, guarded


@click.command(short_help="Print or write the JSON Schemas.")
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write every schema below DIR.",
)
@click.option(
    "--check",
    type=click.Path(path_type=Path, file_okay=False),
    help="Fail if the schemas in DIR are not current.",
)
@guarded
def command(folder: Path | None, check: Path | None) -> None:
    """Print the JSON Schema of a system (draft 2020-12), or write or check all schemas.

    What is printed also knows the components that other installed packages offer; what is written or checked does not.

    An editor with a YAML language server completes and checks system.yaml when its first line names the schema:
    `# yaml-language-server: $schema=path/to/system.schema.json`.

    \b
    Examples:
      mlops-iac schema > system.schema.json
      mlops-iac schema --check schemas
    """
    import json

    from mlops_iac.components.registry import registry
    from mlops_iac.spec.schema import check_schemas, schema_document, write_schemas

    if check is not None:
        stale = check_schemas(check)
        for name in stale:
            click.echo(f"{check / name} is not what the specs say; run `mlops-iac schema --write {check}`", err=True)
        sys.exit(EXIT_FAILURE if stale else 0)
    if folder is not None:
        write_schemas(folder)
        click.echo(f"wrote the schemas to {folder}")
    else:
        for problem in registry().problems():
            click.echo(f"left out: {problem.message}\n  hint  {problem.hint}", err=True)
        click.echo(json.dumps(schema_document(), indent=2))
