"""Reads what ``pulumi stack export`` wrote: files, folders of files, or standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.codes import BAD_BASELINE
from mlops_iac.graph import naming
from mlops_iac.graph.nodes import LAYERS, Graph, Layer, layer_of
from mlops_iac.pipeline import Baseline
from mlops_iac.state import checkpoint
from mlops_iac.state.codes import NO_PASSPHRASE
from mlops_iac.state.passphrase import Crypter, open_with
from mlops_iac.state.snapshot import Snapshot

STDIN: Final = "-"


def read_exports(
    paths: Iterable[Path],
    unnamed: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Snapshot]:
    """The snapshot in each file, by its path; a folder stands for the ``.json`` files in it.

    ``unnamed`` answers the stem of a file name with the (project, stack) that an empty export of that name is of.
    Secrets are opened with the passphrase that the environment gives, and otherwise stay sealed. Raises
    ``DiagnosticsError`` for anything that is not a whole export.
    """
    return {_source(path): _read(path, unnamed or {}) for path in _files(paths)}


def exported_baseline(paths: Iterable[Path], graph: Graph) -> tuple[Baseline, tuple[Layer, ...]]:
    """What is really deployed, as far as ``paths`` say, and the layers that they say it of.

    Of a layer without an export only what others read of its outputs is known. Raises ``DiagnosticsError`` when a file
    is not an export, or is one of another system or environment (in a folder those of other environments are passed
    over), or when two are of the same stack.
    """
    folders = tuple(path for path in paths if path.is_dir())
    names = {
        name: (naming.project(graph.system, layer), graph.environment)
        for layer in LAYERS
        for name in (layer.value, naming.project(graph.system, layer), f"{layer}.{graph.environment}")
    }
    found: dict[str, tuple[str, Snapshot]] = {}
    problems = []
    passed_over = []
    for source, snapshot in read_exports(paths, names).items():
        ours = snapshot.project in {project for project, _ in names.values()}
        if ours and snapshot.stack == graph.environment and snapshot.project not in found:
            found[snapshot.project] = source, snapshot
        elif ours and snapshot.stack != graph.environment and Path(source).parent in folders:
            passed_over.append(f"{snapshot.project}/{snapshot.stack}")
        else:
            problems.append(_misfit(source, snapshot, graph, found))
    if not found and not problems:
        others = f"; there are {', '.join(sorted(passed_over))}" if passed_over else ""
        problems.append(
            Diagnostic(
                BAD_BASELINE,
                f"no export of {graph.system} in {graph.environment} in {', '.join(map(str, folders))}{others}",
                "write one with `pulumi stack export --file data.json`, or choose the environment with env=...",
            )
        )
    if problems:
        raise DiagnosticsError(problems)
    snapshots = {project: snapshot for project, (_, snapshot) in found.items()}
    layers = tuple(layer for layer in LAYERS if naming.project(graph.system, layer) in snapshots)
    read = {project: other for project, other in _read_outputs(snapshots.values()) if project not in snapshots}
    text = "; ".join(_described(source, snapshot) for source, snapshot in found.values())
    return Baseline(text, {**read, **snapshots}, tuple(_notes(found.values()))), layers


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(path.glob("*.json"))
        if not inside:
            raise DiagnosticsError(
                [
                    Diagnostic(
                        BAD_BASELINE,
                        f"the folder {path} holds no exports: no .json file is in it",
                        "write them with `pulumi stack export --file data.json`, one for each layer",
                    )
                ]
            )
        yield from inside


def text_of(path: Path) -> tuple[str, str]:
    """What a file or standard input holds, and its name for messages. Raises ``DiagnosticsError``."""
    from mlops_iac.engines.files import read_text

    return sys.stdin.read() if str(path) == STDIN else read_text(path), _source(path)


def _read(path: Path, unnamed: Mapping[str, tuple[str, str]]) -> Snapshot:
    text, source = text_of(path)
    return checkpoint.read(text, _unseal, source=source, unnamed=unnamed.get(path.stem), only_read=True)


def _source(path: Path) -> str:
    return "standard input" if str(path) == STDIN else str(path)


def _unseal(provider: Mapping[str, Any]) -> Crypter | None:
    from mlops_iac.engines.local.store import given_passphrases

    return open_with(given_passphrases(os.environ), provider) if provider.get("type") == "passphrase" else None


def _misfit(source: str, snapshot: Snapshot, graph: Graph, found: Mapping[str, tuple[str, Snapshot]]) -> Diagnostic:
    name = f"{snapshot.project}/{snapshot.stack}"
    if snapshot.project in found and snapshot.stack == graph.environment:
        return Diagnostic(
            BAD_BASELINE, f"{source} and {found[snapshot.project][0]} are both of {name}", "give each stack once"
        )
    hint = f"this preview is of {naming.project(graph.system, '<layer>')}/{graph.environment}"
    if snapshot.project.startswith(f"{graph.system}-"):
        hint += f"; env={snapshot.stack} previews that environment"
    return Diagnostic(BAD_BASELINE, f"{source} is the state of {name}, which is not compared here", hint)


def _read_outputs(snapshots: Iterable[Snapshot]) -> Iterator[tuple[str, Snapshot]]:
    """Of each other stack that a state read: its outputs as they then were."""
    for snapshot in snapshots:
        for resource in snapshot.resources:
            project, _, stack = str(resource.inputs.get("name", "")).rpartition("/")
            outputs = resource.outputs.get("outputs")
            if resource.type == checkpoint.STACK_REFERENCE and isinstance(outputs, Mapping):
                other = project.rpartition("/")[2]
                yield other, Snapshot(other, stack, outputs=outputs)


def _described(source: str, snapshot: Snapshot) -> str:
    layer = layer_of(snapshot.project)
    since = f" of {snapshot.written[:19]}" if snapshot.written else ""
    return f"the state of {layer or snapshot.project} in {Path(source).name}{since}"


def _notes(found: Iterable[tuple[str, Snapshot]]) -> Iterator[Diagnostic]:
    for source, snapshot in found:
        sealed = checkpoint.sealed_inputs(snapshot)
        if sealed:
            kind = (snapshot.secrets or {}).get("type")
            hint = (
                "set PULUMI_CONFIG_PASSPHRASE"
                if kind == "passphrase"
                else "to compare them too, export with `pulumi stack export --show-secrets`, and keep that file safe"
            )
            names = ", ".join(f"{checkpoint.parse_urn(urn).name}.{name}" for urn, name in sealed[:3])
            more = f" and {len(sealed) - 3} more" if len(sealed) > 3 else ""
            yield Diagnostic(
                NO_PASSPHRASE,
                f"{source} holds secrets sealed, so whether they change is not known: {names}{more}",
                hint,
                severity=Severity.WARNING,
            )
        if snapshot.pending:
            yield Diagnostic(
                BAD_BASELINE,
                f"{source} was written while an update was under way or broken off: the outcome of "
                f"{len(snapshot.pending)} operations is not in it",
                "`pulumi refresh`, then export again",
                severity=Severity.WARNING,
            )
