"""Each verb in this process: what it prints, where, and how it leaves."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mlops_iac.cli.main import VERBS

from .conftest import SYSTEM, Run

ROOT = Path(__file__).parents[2]
READING = ("validate", "preview", "outputs")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("verb", READING)
def test_a_valid_system_is_fine(verb: str, system: Path, run: Run) -> None:
    result = run(verb, "-C", system)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("verb", READING)
def test_json_is_json_and_nothing_else(verb: str, system: Path, run: Run) -> None:
    result = run(verb, "-C", system, "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["version"] == 1


def test_validate_counts_what_was_declared(system: Path, run: Run) -> None:
    document = json.loads(run("validate", "-C", system, "--format", "json").stdout)
    preview = json.loads(run("preview", "-C", system, "--format", "json").stdout)
    assert document["resources"] == preview["summary"]["create"] > 0


@pytest.mark.parametrize("overrides", [(), ("env=prod",), ("+buckets.more={classification: internal}",)], ids=str)
def test_the_preview_fits_its_schema(overrides: tuple[str, ...], system: Path, run: Run) -> None:
    schema = json.loads((ROOT / "schemas" / "preview.schema.json").read_text(encoding="utf-8"))
    result = run("preview", "-C", system, "--format", "json", *overrides)
    Draft202012Validator(schema).validate(json.loads(result.stdout))


def test_options_and_overrides_may_come_in_any_order(system: Path, run: Run) -> None:
    given = ["-C", str(system), "env=prod", "--format", "json", "buckets.raw.keep=60d"]
    orders = (given, ["env=prod", *given[:2], *given[3:]], [*given[2:3], given[5], *given[3:5], *given[:2]])
    outputs = {run("preview", *order).stdout for order in orders}
    assert len(outputs) == 1
    assert json.loads(outputs.pop())["environment"] == "prod"


def test_the_current_folder_is_the_default(system: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with_folder = run("preview", "-C", system)
    monkeypatch.chdir(system)
    assert run("preview").stdout == with_folder.stdout


@pytest.mark.parametrize("override", ["+buckets.new={classification: internal}", "~buckets.raw.keep", "env=staging"])
def test_every_kind_of_override_works(override: str, system: Path, run: Run) -> None:
    result = run("validate", "-C", system, override)
    assert (result.exit_code, result.stderr) == (0, "")


def test_bad_input_leaves_with_1_and_says_where(system: Path, run: Run) -> None:
    (system / "system.yaml").write_text(SYSTEM.replace("classification", "clasification"), encoding="utf-8")
    result = run("preview", "-C", system)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "system.yaml:8:9" in result.stderr
    assert "did you mean `classification`?" in result.stderr
    assert "^" in result.stderr


@pytest.mark.parametrize("verb", ["validate", "preview", "outputs"])
def test_bad_input_as_json_goes_to_standard_output(verb: str, system: Path, run: Run) -> None:
    (system / "system.yaml").write_text(SYSTEM.replace("classification", "clasification"), encoding="utf-8")
    result = run(verb, "-C", system, "--format", "json")
    assert (result.exit_code, result.stderr) == (1, "")
    found = json.loads(result.stdout)["diagnostics"]
    assert {item["code"] for item in found} == {"MI2001"}


@pytest.mark.parametrize("verb", [("preview",), ("policy", "check"), ("up", "--yes")], ids=" ".join)
def test_a_mandatory_violation_leaves_with_2(verb: tuple[str, ...], system: Path, run: Run) -> None:
    (system / "system.yaml").write_text(SYSTEM.replace(', tags: {cost-center: "1"}', ""), encoding="utf-8")
    result = run(*verb, "-C", system)
    assert result.exit_code == 2
    assert "gov-required-tags" in result.stdout + result.stderr
    assert not (system / ".mlops-iac").exists()


def test_changes_leave_with_10_only_when_asked(system: Path, run: Run) -> None:
    assert run("preview", "-C", system).exit_code == 0
    assert run("preview", "-C", system, "--exit-code").exit_code == 10
    git(system, "init", "-q")
    git(system, "add", ".")
    git(system, "commit", "-qm", "first")
    assert run("preview", "-C", system, "--exit-code", "--against", "HEAD").exit_code == 0


def test_preview_against_a_commit_shows_only_what_changed(system: Path, run: Run) -> None:
    git(system, "init", "-q")
    git(system, "add", ".")
    git(system, "commit", "-qm", "first")
    (system / "system.yaml").write_text(SYSTEM.replace("30d", "60d"), encoding="utf-8")
    document = json.loads(run("preview", "-C", system, "--against", "HEAD", "--format", "json").stdout)
    summary = document["summary"]
    assert (summary["update"], summary["create"], summary["replace"], summary["delete"]) == (1, 0, 0, 0)
    changed = [c for stack in document["stacks"] for c in stack["changes"] if c["op"] == "update"]
    assert [c["name"] for c in changed] == ["raw.lifecycle"]


@pytest.mark.parametrize("arguments", [("preview", "--nope"), ("preview", "--format", "xml"), ("nope",)], ids=" ".join)
def test_a_usage_error_is_bad_input_and_no_policy_violation(arguments: tuple[str, ...], run: Run) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Try 'mlops-iac" in result.stderr


def test_an_unknown_commit_is_a_diagnostic(system: Path, run: Run) -> None:
    result = run("preview", "-C", system, "--against", "nowhere")
    assert result.exit_code == 1
    assert "MI7033" in result.stderr


@pytest.mark.parametrize("verb", ["up", "destroy"])
def test_without_a_terminal_nothing_is_applied_unasked(verb: str, system: Path, run: Run) -> None:
    result = run(verb, "-C", system)
    assert result.exit_code == 1
    assert "MI7031" in result.stderr and "--yes" in result.stderr
    assert not list(system.glob(".mlops-iac/**/*.json"))


def test_refresh_and_destroy_of_nothing_change_nothing(system: Path, run: Run) -> None:
    for arguments in (("refresh", "--exit-code"), ("destroy", "--yes")):
        result = run(*arguments, "-C", system)
        assert result.exit_code == 0, result.output
    assert json.loads(run("outputs", "-C", system, "--format", "json").stdout)["version"] == 1


def test_compile_removes_its_own_stale_files_only(system: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    assert run("compile", "-C", system, "--out", out, "+images.own={}").exit_code == 0
    assert (out / "models" / "graph.json").exists()
    (out / "models" / "notes.txt").write_text("mine", encoding="utf-8")
    assert run("compile", "-C", system, "--out", out).exit_code == 0
    assert not (out / "models" / "graph.json").exists()
    assert (out / "models" / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("raw.bucket", "system.yaml:8"),
        ("buckets.raw", "raw.versioning"),
        ("system.yaml:8", "raw.bucket"),
        ("buckets.raw.keep", "system.yaml:8"),
    ],
)
def test_explain_goes_both_ways(what: str, expected: str, system: Path, run: Run) -> None:
    result = run("explain", what, "-C", system)
    assert result.exit_code == 0, result.output
    assert expected in result.stdout
    document = json.loads(run("explain", what, "-C", system, "--format", "json").stdout)
    assert document["kind"] == "explanation" and document["components"]


def test_explain_of_nothing_suggests_a_name(system: Path, run: Run) -> None:
    result = run("explain", "raw.buckt", "-C", system)
    assert result.exit_code == 1
    assert "raw.bucket" in result.stderr


@pytest.mark.parametrize(("form", "start"), [("mermaid", "flowchart"), ("svg", "<svg"), ("html", "<!doctype html>")])
def test_graph_draws_every_component(form: str, start: str, system: Path, run: Run) -> None:
    result = run("graph", "-C", system, "--format", form)
    assert result.exit_code == 0
    assert result.stdout.lower().startswith(start)
    assert "raw" in result.stdout


def test_policy_list_and_explain(run: Run) -> None:
    listed = json.loads(run("policy", "list", "--format", "json").stdout)
    assert {"s3-require-tls"} <= {item["id"] for item in listed["policies"]}
    told = run("policy", "explain", "s3-require-tls")
    assert told.exit_code == 0 and "TLS" in told.stdout
    wrong = run("policy", "explain", "s3-require-tsl")
    assert wrong.exit_code == 1 and "s3-require-tls" in wrong.stderr


def test_schema_prints_writes_and_checks(tmp_path: Path, run: Run) -> None:
    printed = json.loads(run("schema").stdout)
    Draft202012Validator.check_schema(printed)
    assert run("schema", "--write", tmp_path).exit_code == 0
    assert run("schema", "--check", tmp_path).exit_code == 0
    (tmp_path / "system.schema.json").write_text("{}", encoding="utf-8")
    stale = run("schema", "--check", tmp_path)
    assert stale.exit_code == 1 and "system.schema.json" in stale.stderr


def test_doctor_looks_for_every_target(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code in (0, 1)
    for target in ("core", "local target", "pulumi engine"):
        assert target in result.stdout


def test_doctor_tells_an_environment_without_pip_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ok       Python package pip: installed" in run("doctor").stdout
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    assert "missing  Python package pip: uv pip install pip" in run("doctor").stdout


def test_what_init_makes_validates_and_previews(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "churn"
    assert run("init", folder).exit_code == 0
    for arguments in (("validate",), ("validate", "env=prod"), ("preview",), ("preview", "env=prod")):
        result = run(*arguments, "-C", folder)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
    again = run("init", folder)
    assert again.exit_code == 1 and "system.yaml" in again.stderr


@pytest.mark.parametrize("name", ["1st", "-x", "ä", "a", "x" * 21])
def test_init_refuses_a_name_that_no_cloud_takes(name: str, tmp_path: Path, run: Run) -> None:
    result = run("init", tmp_path / "new", "--name", name)
    assert result.exit_code == 1
    assert not (tmp_path / "new").exists()


def test_an_internal_error_shows_no_traceback(system: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("mlops_iac.compile.driver.compile_graph", broken)
    result = run("validate", "-C", system)
    assert result.exit_code == 1
    assert "internal error: RuntimeError: boom" in result.stderr
    assert "MLOPS_IAC_TRACEBACK=1" in result.stderr
    assert "Traceback" not in result.output
    monkeypatch.setenv("MLOPS_IAC_TRACEBACK", "1")
    assert isinstance(run("validate", "-C", system).exception, RuntimeError)


def test_an_interrupt_leaves_with_130(system: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlops_iac.compile.driver.compile_graph", interrupted)
    result = run("preview", "-C", system)
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_cost_and_prices_need_no_state(system: Path, run: Run) -> None:
    estimate = run("cost", "-C", system)
    assert estimate.exit_code == 0, estimate.output
    assert "raw.bucket" in estimate.stdout
    assert run("prices").stdout.startswith("Price table of ")


def test_diff_needs_no_state(system: Path, run: Run) -> None:
    assert "A promotion to prod carries" in run("diff", "env=dev", "env=prod", "-C", system).stdout


def test_every_verb_is_run_by_some_test() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    # A word alone proves nothing: it must be the first argument of a call, of `-m mlops_iac`, or a case of a parameter.
    before = r'(?:\(\[?|"mlops_iac", |"verb", \[[^\]]*)'
    assert [verb for verb in VERBS if not re.search(f'{before}"{verb}"', text)] == []


def test_only_some_layers_are_planned(system: Path, run: Run) -> None:
    document = json.loads(run("preview", "-C", system, "--only", "data", "--format", "json").stdout)
    assert [stack["layer"] for stack in document["stacks"]] == ["data"]
    whole = json.loads(run("preview", "-C", system, "--format", "json").stdout)
    assert len(whole["stacks"]) > 1


def test_a_layer_that_does_not_exist_is_a_usage_error(system: Path, run: Run) -> None:
    result = run("preview", "-C", system, "--only", "data,servin")
    assert result.exit_code == 1
    assert "'servin' is not a layer; choose from foundation, data" in result.stderr
