"""Choosing the engine and the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run


@pytest.mark.parametrize("verb", ["up", "destroy", "refresh", "cancel", "preview", "outputs"])
def test_the_local_engine_never_reaches_a_cloud(verb: str, system: Path, run: Run) -> None:
    result = run(verb, "-C", system, "--engine", "local", "--target", "cloud")
    assert result.exit_code == 1
    assert "goes through Pulumi" in result.stderr


@pytest.mark.parametrize(
    "choice", [("--engine", "pulumi"), ("--target", "cloud"), ("--engine", "pulumi", "--target", "local")]
)
@pytest.mark.parametrize("verb", ["up", "destroy", "refresh", "cancel", "preview", "outputs"])
def test_without_the_cli_nothing_happens_and_the_way_to_get_it_is_said(
    verb: str, choice: tuple[str, ...], system: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    result = run(verb, "-C", system, *choice)
    assert result.exit_code == 1
    assert "MI7220" in result.stderr and "doctor --install-pulumi" in " ".join(result.stderr.split())
    assert not (system / ".mlops-iac").exists()


def test_the_cloud_needs_the_projects_of_the_system(
    system: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
    script = tmp_path / "pulumi"
    script.write_text('#!/bin/sh\n[ "$1" = version ] && echo v3.260.0\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = run("up", "-C", system, "--engine", "pulumi", "--yes")
    assert result.exit_code == 1
    assert "MI7230" in result.stderr and "--stacks" in result.stderr
