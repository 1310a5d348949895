"""``preview --save-plan``, ``plan`` and ``up --plan``, by the commands that a pipeline runs."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store

from .conftest import Run


@pytest.fixture
def plan(system: Path, tmp_path: Path, run: Run) -> Path:
    """A saved plan of the small system, which was never applied."""
    file = tmp_path / "small.plan.json"
    result = run("preview", "-C", system, "buckets.raw.keep=60d", "--save-plan", file)
    assert result.exit_code == 0, result.output
    assert f"saved the plan to {file}" in result.stderr
    return file


def test_a_plan_is_for_its_owner_only_and_shows_what_was_reviewed(run: Run, plan: Path) -> None:
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    shown = run("plan", "show", plan)
    assert shown.exit_code == 0
    assert "overrides  buckets.raw.keep=60d" in shown.stdout and "buckets.raw" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert json.loads(run("plan", "show", plan, "--format", "json").stdout) == json.loads(plan.read_text("utf-8"))
    assert run("plan", "show", plan, "--format", "markdown").stdout.startswith("| saved plan |")


def test_a_plan_that_fits_says_so(run: Run, system: Path, plan: Path) -> None:
    result = run("plan", "check", plan, "-C", system)
    assert (result.exit_code, result.stdout) == (0, f"{plan} still fits.\n")


def test_an_edited_configuration_makes_it_stale(run: Run, system: Path, plan: Path) -> None:
    file = system / "system.yaml"
    file.write_text(file.read_text("utf-8") + "  models: {classification: internal}\n", "utf-8")
    for arguments in (("plan", "check", plan, "-C", system), ("up", "-C", system, "--plan", plan)):
        result = run(*arguments)
        assert result.exit_code == 3, result.output
        assert "buckets.models was added" in result.stderr and "system.yaml:9:3" in result.stderr
    assert not (system / ".mlops-iac" / "state").exists()


def test_a_comment_does_not(run: Run, system: Path, plan: Path) -> None:
    file = system / "system.yaml"
    file.write_text("# more\n" + file.read_text("utf-8"), "utf-8")
    assert run("plan", "check", plan, "-C", system).exit_code == 0


def test_a_moved_state_makes_it_stale(run: Run, system: Path, plan: Path, deployed: Store) -> None:
    result = run("up", "-C", system, "--plan", plan)
    assert result.exit_code == 3
    assert "the state of data moved after" in " ".join(result.stderr.split())


def test_another_environment_or_other_overrides_are_refused(run: Run, system: Path, plan: Path) -> None:
    result = run("up", "-C", system, "env=prod", "--plan", plan)
    assert result.exit_code == 1 and "brings its own overrides" in result.stderr
    result = run("up", "-C", system, "--only", "data", "--plan", plan)
    assert result.exit_code == 1 and "leave --only out" in result.stderr


@pytest.mark.parametrize("cut", [0, 1, 500, -2])
def test_a_damaged_plan_is_refused(run: Run, system: Path, plan: Path, cut: int) -> None:
    text = plan.read_text("utf-8")
    plan.write_text(text[:cut], "utf-8")
    result = run("up", "-C", system, "--plan", plan)
    assert result.exit_code == 1 and "MI6010" in result.stderr
    assert "Traceback" not in result.output


def test_a_plan_that_was_tampered_with_is_refused(run: Run, system: Path, plan: Path) -> None:
    document = json.loads(plan.read_text("utf-8"))
    document["preview"]["stacks"][0]["changes"][0]["op"] = "delete"
    plan.write_text(json.dumps(document), "utf-8")
    result = run("up", "-C", system, "--plan", plan)
    assert result.exit_code == 1 and "checksum does not match" in result.stderr


def test_a_refused_plan_is_saved_and_stays_refused(run: Run, system: Path, tmp_path: Path) -> None:
    file = tmp_path / "refused.json"
    policy = "+policies.own.no-buckets={title: none, fix: none, applies_to: ['aws:s3/bucket:Bucket'], require: [{input: bucket, is_set: false}]}"
    assert run("preview", "-C", system, policy, "--save-plan", file).exit_code == 2
    document = json.loads(file.read_text("utf-8"))
    assert document["refused"] and {"no-buckets"} <= {item["rule"] for item in document["policies"]}
    result = run("up", "-C", system, "--plan", file)
    assert result.exit_code == 2 and "was refused by a policy or a gate" in result.stderr


def test_a_plan_is_made_against_the_state_that_it_is_for(run: Run, system: Path, tmp_path: Path) -> None:
    result = run("preview", "-C", system, "--against", "none", "--save-plan", tmp_path / "x.json")
    assert result.exit_code == 1 and "leave --against out" in result.stderr


def test_a_plan_that_cannot_be_written_is_an_error(run: Run, system: Path, tmp_path: Path) -> None:
    result = run("preview", "-C", system, "--save-plan", tmp_path / "no" / "folder.json")
    assert result.exit_code == 1 and "cannot write" in result.stderr
