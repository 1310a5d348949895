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
    assert "Once in GitHub Actions:" in result.stdout
    again = run("delivery", "-C", system, GITHUB).stdout
    assert "is current" in again
    assert "Once in" not in again


def test_the_key_of_the_state_can_be_named(system: Path, repository: Path, run: Run) -> None:
    named = run("delivery", "-C", system, GITHUB, "+delivery.state_bucket=acme.state", "--setup").stdout
    assert "awskms://alias/acme-state?region=eu-west-1" in named
    named = run("delivery", "-C", system, GITHUB, "+delivery.state_key=team/state", "--setup").stdout
    assert "awskms://alias/team/state?region=eu-west-1" in named


def test_a_provider_without_identity_needs_nothing_in_the_account(system: Path, repository: Path, run: Run) -> None:
    told = run("delivery", "-C", system, GITHUB, "delivery.provider=travis", "--setup").stdout
    assert "nothing: changes are previewed without an account" in told
    assert "pulumi" not in told


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
    told = " ".join(result.stdout.split())
    assert "required reviewers leads" in told
    assert "make the bucket small-pulumi-state-111122223333" in told
    secrets = "--secrets-provider 'awskms://alias/small-pulumi-state-111122223333?region=eu-west-1'"
    assert f'pulumi -C small/stacks/"$layer" stack init prod {secrets}' in result.stdout
    assert "mlops-iac up -C small env=prod --engine pulumi" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines() if not line.startswith("    "))
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
