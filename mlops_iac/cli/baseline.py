"""Reads what a preview compares with: nothing, the local state, exports of Pulumi stacks, or another git ref."""

from __future__ import annotations

import io
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from mlops_iac.cli.exports import STDIN, exported_baseline
from mlops_iac.cli.git import git
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError, Severity
from mlops_iac.engines.codes import BAD_BASELINE
from mlops_iac.graph.nodes import Graph, Layer
from mlops_iac.pipeline import Baseline, baseline_of, request_at, run_phases


def load_baseline(
    against: tuple[str, ...], graph: Graph, folder: Path, overrides: tuple[str, ...], only: tuple[Layer, ...]
) -> tuple[Baseline, tuple[Layer, ...]]:
    """The baseline that ``--against`` names, and the layers of ``only`` that can be compared with it.

    Without ``against`` it is the local state where there is one. A value that ends in ``.json``, or is a file or a
    folder and no git ref, names exports of Pulumi stacks. Raises ``DiagnosticsError`` for a value that is none of
    these, and for a state that cannot be trusted.
    """
    if not against or against == ("local",):
        return local_baseline(folder, graph.environment), only
    if against == ("none",):
        return Baseline(), only
    if all(_names_exports(value, folder) for value in against):
        return _exports(against, graph, only)
    if len(against) == 1:
        return git_baseline(against[0], folder, overrides), only
    odd = next(value for value in against if not _names_exports(value, folder))
    raise _failure(f"--against {odd} is no file, and only files can be given together", "give one ref, or files only")


def _exports(against: tuple[str, ...], graph: Graph, only: tuple[Layer, ...]) -> tuple[Baseline, tuple[Layer, ...]]:
    baseline, exported = exported_baseline([Path(value) for value in against], graph)
    compared = tuple(layer for layer in only if layer in exported)
    if not compared:
        raise _failure(f"no export of {' or '.join(only)} was given", f"given: {', '.join(exported)}")
    left = [stack.layer for stack in graph.stacks if stack.layer in only and stack.layer not in exported]
    if left:
        note = f"not compared, since no export of it was given: {', '.join(left)}"
        hint = "`pulumi stack export --file LAYER.json` in stacks/LAYER writes one"
        notes = (*baseline.notes, Diagnostic(BAD_BASELINE, note, hint, severity=Severity.INFO))
        baseline = replace(baseline, notes=notes)
    return baseline, compared


def _names_exports(value: str, folder: Path) -> bool:
    if value == STDIN or value.endswith(".json"):
        return True
    return Path(value).exists() and _commit(value, folder) is None


def local_baseline(folder: Path, environment: str) -> Baseline:
    """The snapshots of an environment that the local target keeps in the system's folder."""
    from mlops_iac.engines.local.store import Store

    store = Store(folder)
    snapshots = {
        project: snapshot
        for project, stack in store.stacks()
        if stack == environment and (snapshot := store.load(project, stack)).resources
    }
    return baseline_of(snapshots, "the local state")


def git_baseline(ref: str, folder: Path, overrides: tuple[str, ...]) -> Baseline:
    """The system as it was declared at ``ref``, compiled with the same overrides, as if it were deployed."""
    from mlops_iac.plan.deployed import snapshot_of_graph

    commit = _commit(ref, folder)
    if commit is None:
        raise _failure(
            f"cannot compare against {ref!r}: not a commit of the git repository around {folder}, and not a file",
            "give none, local, the path of a `pulumi stack export`, or a ref that `git rev-parse` knows",
        )
    name = f"{ref} ({commit[:10]})"
    with tempfile.TemporaryDirectory(prefix="mlops-iac-") as temporary:
        archive = git(folder, "archive", "--format=tar", commit, ".")
        if archive is None:
            return Baseline(f"{name}, where this system did not exist yet")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            # Python 3.11.4 brought filters, Debian 12 has 3.11.2. The archive is git's own.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(temporary)  # noqa: S202
        if not (Path(temporary) / "system.yaml").exists():
            return Baseline(f"{name}, where this system did not exist yet")
        request = request_at(Path(temporary), overrides)
        request = replace(request, compose=replace(request.compose, exports=folder.resolve()))
        run = run_phases(request, until="compile")
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    return Baseline(name, snapshot_of_graph(run.graph), system=run.system)


def _commit(ref: str, folder: Path) -> str | None:
    found = git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return found.decode().strip() if found is not None else None


def _failure(message: str, hint: str) -> DiagnosticsError:
    return DiagnosticsError([Diagnostic(BAD_BASELINE, message, hint)])
