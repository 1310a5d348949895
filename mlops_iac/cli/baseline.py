"""Reads what a preview compares with: nothing, the local state, or another git ref of the same repository."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

from mlops_iac.cli.git import git
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.codes import BAD_BASELINE
from mlops_iac.pipeline import Baseline, baseline_of, request_at, run_phases


def load_baseline(against: str | None, folder: Path, overrides: tuple[str, ...], environment: str) -> Baseline:
    """The baseline that ``--against`` names; without it, the local state where there is one.

    Raises ``DiagnosticsError`` for an unknown ref, and for a state that cannot be trusted.
    """
    if against == "none":
        return Baseline()
    if against is None or against == "local":
        return local_baseline(folder, environment)
    return git_baseline(against, folder, overrides)


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

    commit = git(folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise DiagnosticsError(
            [
                Diagnostic(
                    BAD_BASELINE,
                    f"cannot compare against {ref!r}: not a commit of the git repository around {folder}",
                    "give none, local, or a branch, tag or commit that `git rev-parse` knows",
                )
            ]
        )
    name = f"{ref} ({commit.decode().strip()[:10]})"
    with tempfile.TemporaryDirectory(prefix="mlops-iac-") as temporary:
        archive = git(folder, "archive", "--format=tar", commit.decode().strip(), ".")
        if archive is None:
            return Baseline(f"{name}, where this system did not exist yet")
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(temporary, filter="data")
        if not (Path(temporary) / "system.yaml").exists():
            return Baseline(f"{name}, where this system did not exist yet")
        run = run_phases(request_at(Path(temporary), overrides), until="compile")
    if run.graph is None:
        raise ValueError("the compile phase made no graph")
    return Baseline(name, snapshot_of_graph(run.graph))
