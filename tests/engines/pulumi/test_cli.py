"""Finding, judging and installing the pulumi CLI; no network, and no CLI needed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.engines.pulumi.cli import find_cli
from mlops_iac.engines.pulumi.codes import INSTALL_FAILED, NO_CLI, WRONG_CLI


def program(folder: Path, text: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "pulumi"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return str(folder)


def refusal(path: str, root: Path, *, install: bool = False) -> Diagnostic:
    with pytest.raises(DiagnosticsError) as caught:
        find_cli({"PATH": path}, root=root, install=install)
    (found,) = caught.value.diagnostics
    return found


def test_the_cli_on_path_is_taken_and_says_its_version(tmp_path: Path) -> None:
    cli = find_cli({"PATH": program(tmp_path / "bin", "echo v3.260.0")}, root=tmp_path / "root")
    assert str(cli.version) == "3.260.0"


def test_without_one_on_path_the_installed_one_is_taken(tmp_path: Path) -> None:
    program(tmp_path / "root" / "bin", "echo v3.250.1")
    cli = find_cli({"PATH": str(tmp_path)}, root=tmp_path / "root")
    assert cli.command == str(tmp_path / "root" / "bin" / "pulumi")


def test_none_at_all_says_how_to_get_one(tmp_path: Path) -> None:
    found = refusal(str(tmp_path), tmp_path / "root")
    assert found.code == NO_CLI
    assert str(tmp_path / "root") in found.message
    assert "--install-pulumi" in found.hint


@pytest.mark.parametrize(("version", "says"), [("v3.100.0", "3.200.0"), ("v4.0.0", "SDK is of version 3")])
def test_a_version_that_does_not_fit_is_refused(version: str, says: str, tmp_path: Path) -> None:
    found = refusal(program(tmp_path, f"echo {version}"), tmp_path / "root")
    assert found.code == WRONG_CLI
    assert says in found.message


def test_a_program_that_does_not_run_is_said(tmp_path: Path) -> None:
    found = refusal(program(tmp_path, "exit 3"), tmp_path / "root")
    assert found.code == NO_CLI
    assert "exit status 3" in found.message


def test_an_installation_without_a_network_fails_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    # urllib keeps the opener that it first made, with the proxies of that moment.
    monkeypatch.setattr("urllib.request._opener", None)
    found = refusal(str(tmp_path), tmp_path / "root", install=True)
    assert found.code == INSTALL_FAILED
    assert "refused" in found.message
    assert "proxy" in found.hint
    assert not (tmp_path / "root" / "bin" / "pulumi").exists()
