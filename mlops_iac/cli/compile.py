"""``mlops-iac compile``: the graph of each layer as files that people and other tools can read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from mlops_iac.cli.options import request_for, system_options
from mlops_iac.graph.forms.json_form import graph_json
from mlops_iac.graph.forms.manifests import kubernetes_manifests
from mlops_iac.graph.forms.operator import FORGES, OperatorOptions, clone_url, operator_files
from mlops_iac.graph.forms.pulumi_yaml import pulumi_yaml
from mlops_iac.graph.nodes import Stack
from mlops_iac.pipeline import Run, run_phases


@click.command(short_help="Write graphs, Pulumi YAML, manifests or operator objects.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to.",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["layers", "operator"]),
    default="layers",
    show_default=True,
    help="layers: one folder a layer. operator: Stack objects of the Pulumi Kubernetes Operator.",
)
@click.option(
    "--repository", metavar="URL", help="operator: git repository of the projects.  [default: that of `delivery`]"
)
@click.option("--branch", help="operator: branch that is deployed.  [default: that of `delivery`, or main]")
@click.option("--projects", default="stacks", show_default=True, help="operator: folder of the projects in it.")
@click.option("--image", help="operator: workspace image with the pulumi CLI and mlops-iac[pulumi].")
@click.option("--organization", default="organization", show_default=True, help="operator: Pulumi organization.")
@click.option("--namespace", default="pulumi", show_default=True, help="operator: namespace of the objects.")
@click.option("--service-account", default="pulumi", show_default=True, help="operator: identity of the workspaces.")
@click.option("--backend", metavar="URL", help="operator: state backend, such as s3://bucket.")
@click.option("--secrets-provider", metavar="URL", help="operator: secrets provider, such as awskms://alias/pulumi.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="VARIABLE=SECRET/KEY",
    help="operator: variable from a key of a Secret.  [default: PULUMI_ACCESS_TOKEN=pulumi/accessToken]",
)
@system_options
def command(
    folder: Path,
    overrides: tuple[str, ...],
    out: Path,
    target: str,
    repository: str | None,
    image: str | None,
    secrets: tuple[str, ...],
    **options: str | None,
) -> None:
    """Write the compiled system as files. The same configuration always gives the same bytes.

    For each layer: graph.json, a Pulumi YAML program, and its Kubernetes objects as manifests. Or, for those who deploy
    by GitOps, a Stack object a layer for the Pulumi Kubernetes Operator. Files of an earlier run that the system no
    longer has are removed.

    \b
    Examples:
      mlops-iac compile -C examples/fraud-detection --out build/dev
      mlops-iac compile env=prod --to operator --image IMAGE --out deploy
    """
    run = run_phases(request_for(folder, overrides), until="compile")
    graph = run.graph
    if graph is None:
        raise ValueError("the compile phase made no graph")
    wanted = None
    if target == "operator":
        declared_repository, declared_branch = _declared(run)
        repository = repository or declared_repository
        if repository is None or image is None:
            raise click.UsageError("--to operator needs --image, and --repository where `delivery` names none")
        options["branch"] = options["branch"] or declared_branch
        wanted = OperatorOptions(
            repository=repository,
            image=image,
            secrets=dict(map(_secret, secrets or _DEFAULT_SECRETS)),
            overrides=tuple(each for each in overrides if not each.startswith("env=")),
            **{name: value for name, value in options.items() if value is not None},
        )
    if wanted is None:
        written = {path: text for stack in graph.stacks for path, text in layer_files(stack).items()}
    else:
        written = operator_files(graph, wanted)
    for stale in sorted(_earlier_files(out) - set(written)):
        (out / stale).unlink()
    for path, text in written.items():
        file = out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    listing = json.dumps(sorted(written), indent=2) + "\n"
    (out / MANIFEST).write_text(listing, encoding="utf-8")
    click.echo(f"wrote {len(written)} files for {len(graph.stacks)} layers to {out}")


def _declared(run: Run) -> tuple[str | None, str | None]:
    """The repository's address and the branch that the section `delivery` names."""
    delivery = run.system.find("delivery", "delivery") if run.system is not None else None
    if delivery is None:
        return None, None
    spec = delivery.spec
    own = spec.provider if spec.provider in FORGES else "github"
    return clone_url(spec.forge or own, spec.repository), spec.branch


_DEFAULT_SECRETS = ("PULUMI_ACCESS_TOKEN=pulumi/accessToken",)


def _secret(text: str) -> tuple[str, tuple[str, str]]:
    """The environment variable of ``VARIABLE=SECRET/KEY``, and where its value is."""
    found = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)=([a-z0-9][a-z0-9.-]*)/([A-Za-z0-9._-]+)", text)
    if found is None:
        raise click.UsageError(f"--secret {text!r} is not VARIABLE=SECRET/KEY; a value itself is never given here")
    return found[1], (found[2], found[3])


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
