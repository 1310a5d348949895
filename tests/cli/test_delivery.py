"""``delivery`` writes, compares, and leaves alone what somebody wrote by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run

GITHUB = "+delivery={provider: github, repository: acme/small, approve: {prod: [leads], staging: [leads]}}"
WORKFLOW = ".github/workflows/mlops-iac-small.yml"


@pytest.fixture
def repository(system: Path) -> Path:
    """The repository around the system."""
    (system.parent / ".git").mkdir()
    return system.parent


def test_files_are_written_to_the_repository_and_name_the_folder(system: Path, repository: Path, run: Run) -> None:
    result = run("delivery", "-C", system, GITHUB)
    assert result.exit_code == 0, result.stderr
    text = (repository / WORKFLOW).read_text(encoding="utf-8")
    assert "mlops-iac preview -C small env=prod" in text
    assert "arn:aws:iam::111122223333:role/mlops-iac/small-prod-ci-apply" in text
    assert run("delivery", "-C", system, GITHUB, "--check").exit_code == 0
    assert "is current" in run("delivery", "-C", system, GITHUB).stdout


def test_a_stale_file_is_shown_and_fails(system: Path, repository: Path, run: Run) -> None:
    run("delivery", "-C", system, GITHUB)
    result = run("delivery", "-C", system, GITHUB, "+delivery.branch=trunk", "--check")
    assert result.exit_code == 1
    assert "+      - trunk" in result.stdout
    assert "mlops-iac delivery -C" in result.stderr
    assert "trunk" not in (repository / WORKFLOW).read_text(encoding="utf-8")


def test_a_file_of_somebody_is_not_overwritten(system: Path, repository: Path, run: Run) -> None:
    own = repository / ".gitlab-ci.yml"
    own.write_text("test: {script: [make]}\n", encoding="utf-8")
    arguments = ("delivery", "-C", system, GITHUB, "delivery.provider=gitlab")
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "MI7302" in refused.stderr
    assert own.read_text(encoding="utf-8") == "test: {script: [make]}\n"
    assert run(*arguments, "--force").exit_code == 0
    assert "mlops-iac preview" in own.read_text(encoding="utf-8")


def test_setup_says_what_no_file_can(system: Path, repository: Path, run: Run) -> None:
    result = run("delivery", "-C", system, GITHUB, "--setup")
    assert "required reviewers leads" in result.stdout
    assert "small-pulumi-state-111122223333" in result.stdout
    assert not (repository / WORKFLOW).exists()


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ((), "MI3634"),
        ((GITHUB, "delivery.provider=circleci"), "MI3630"),
        ((GITHUB, "delivery.repository='a b'"), "MI2"),
        ((GITHUB, "+delivery.environments=[dev]"), "MI3632"),
    ],
)
def test_what_cannot_be_delivered_is_an_error(
    overrides: tuple[str, ...], code: str, system: Path, repository: Path, run: Run
) -> None:
    result = run("delivery", "-C", system, *overrides)
    assert result.exit_code == 1
    assert code in result.stderr
    assert list(repository.glob(".github/**/*.yml")) == []


def test_a_folder_outside_of_the_repository_is_refused(system: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "elsewhere").mkdir()
    result = run("delivery", "-C", system, GITHUB, "--root", tmp_path / "elsewhere")
    assert result.exit_code == 1
    assert "MI7303" in result.stderr
