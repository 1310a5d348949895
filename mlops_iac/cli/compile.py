"""``mlops-iac compile``: the graph of each layer as files that people and other tools can read."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlops_iac.cli.options import request_for, system_options
from mlops_iac.graph.forms.json_form import graph_json
from mlops_iac.graph.forms.manifests import kubernetes_manifests
from mlops_iac.graph.forms.pulumi_yaml import pulumi_yaml
from mlops_iac.graph.nodes import Stack
from mlops_iac.pipeline import run_phases


@click.command(short_help="Write graphs, Pulumi YAML and manifests.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to; it gets one folder a layer.",
)
@system_options
def command(folder: Path, overrides: tuple[str, ...], out: Path) -> None:
    """Write, for each layer: graph.json, a Pulumi YAML program, and its Kubernetes objects as manifests.

    The same configuration always gives the same bytes. Files of a layer that the system no longer has are removed.

    \b
    Example:
      mlops-iac compile -C examples/fraud-detection --out build/dev
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    stacks = run.graph.stacks if run.graph else ()
    written = {path: text for stack in stacks for path, text in layer_files(stack).items()}
    for stale in sorted(_earlier_files(out) - set(written)):
        (out / stale).unlink()
    for path, text in written.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    listing = json.dumps(sorted(written), indent=2) + "\n"
    (out / MANIFEST).write_text(listing, encoding="utf-8")
    click.echo(f"wrote {len(written)} files for {len(stacks)} layers to {out}")


MANIFEST = ".mlops-iac-files.json"
"""Lists what an earlier compile wrote, so that only its own files are ever removed."""


def layer_files(stack: Stack) -> dict[str, str]:
    """Relative path and text of every file of one layer."""
    layer = stack.layer.value
    files = {
        f"{layer}/graph.json": json.dumps(graph_json(stack), indent=2, ensure_ascii=False) + "\n",
        f"{layer}/pulumi/Pulumi.yaml": pulumi_yaml(stack),
    }
    files.update({f"{layer}/kubernetes/{name}": text for name, text in kubernetes_manifests(stack)})
    return files


def _earlier_files(out: Path) -> set[str]:
    manifest = out / MANIFEST
    if not manifest.exists():
        return set()
    listed = json.loads(manifest.read_text(encoding="utf-8"))
    return {path for path in listed if (out / path).is_file() and not Path(path).is_absolute() and ".." not in path}
