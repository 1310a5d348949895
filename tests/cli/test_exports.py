"""``preview --against`` with what ``pulumi stack export`` wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store

from .conftest import Run


@pytest.fixture
def exports(deployed: Store, tmp_path: Path) -> Path:
    """A folder with an export of each layer of the small system; there is no local state beside it any more."""
    folder = tmp_path / "exports"
    folder.mkdir()
    for project, stack in deployed.stacks():
        text = deployed.export(deployed.load(project, stack))
        (folder / f"{project.removeprefix('small-')}.json").write_text(text, encoding="utf-8")
    shutil.rmtree(deployed.folder)
    return folder


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_nothing_changes_against_what_is_deployed(run: Run, system: Path, exports: Path) -> None:
    result = run("preview", "-C", system, "--against", exports, "--exit-code")
    assert result.exit_code == 0, result.output
    assert not (system / ".mlops-iac").exists()


def test_an_edit_shows_in_the_layer_that_is_asked_for(run: Run, system: Path, exports: Path) -> None:
    edited = ("buckets.raw.keep=60d", "--exit-code", "--format", "json")
    result = run("preview", "-C", system, "--against", exports, "--only", "data", *edited)
    assert result.exit_code == 10, result.output
    document = json.loads(result.stdout)
    assert [stack["layer"] for stack in document["stacks"]] == ["data"]
    changed = [change["name"] for change in document["stacks"][0]["changes"] if change["op"] != "same"]
    assert changed == ["raw.lifecycle"]


def test_a_layer_without_an_export_is_not_compared(run: Run, system: Path, exports: Path) -> None:
    arguments = ("preview", "-C", system, "--against", exports / "foundation.json", "--exit-code")
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "not compared, since no export of it was given: data" in unwrapped(result.stdout)
    refused = run(*arguments, "--only", "data")
    assert refused.exit_code == 1 and "no export of data was given" in unwrapped(refused.stderr)


def test_several_files_and_standard_input_are_exports_too(run: Run, system: Path, exports: Path) -> None:
    files = [item for path in sorted(exports.iterdir()) for item in ("--against", path)]
    assert run("preview", "-C", system, *files, "--exit-code").exit_code == 0
    text = (exports / "foundation.json").read_text(encoding="utf-8")
    piped = run("preview", "-C", system, "--against", "-", "--exit-code", input=text)
    assert piped.exit_code == 0 and "standard input" in piped.stdout


def test_a_stack_that_is_still_empty_counts_by_its_name(run: Run, system: Path, exports: Path) -> None:
    (exports / "data.json").write_text('{"version": 3, "deployment": {"manifest": {}}}', encoding="utf-8")
    result = run("preview", "-C", system, "--against", exports, "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["summary"]["create"] > 0


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("broken.json", '{"version": 3,\n', ("MI7002", "broken.json:2:1")),
        ("other.json", "[1]", ("MI7003", "neither a Pulumi checkpoint nor a stack export")),
        ("binary.json", b"\xff\xfe", ("MI7002", "not UTF-8")),
        ("newer.json", '{"version": 9, "deployment": {}}', ("MI7004", "version 9")),
        ("unnamed.json", '{"version": 3, "deployment": {}}', ("MI7003", "names no stack")),
        ("gone.json", None, ("MI7001", "No such file")),
    ],
)
def test_anything_else_is_refused(
    run: Run, system: Path, tmp_path: Path, name: str, text: str | bytes | None, expected: tuple[str, str]
) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("preview", "-C", system, "--against", file)
    assert result.exit_code == 1
    assert all(part in unwrapped(result.stderr) for part in expected), result.stderr


def test_the_state_of_another_environment_is_refused(run: Run, system: Path, exports: Path) -> None:
    result = run("preview", "-C", system, "env=prod", "--against", exports / "data.json")
    assert result.exit_code == 1
    assert "small-data/dev" in result.stderr and "env=dev" in result.stderr
    result = run("preview", "-C", system, "env=prod", "--against", exports)
    assert result.exit_code == 1
    assert "there are small-data/dev, small-foundation/dev" in unwrapped(result.stderr)


def test_a_stack_is_given_once(run: Run, system: Path, exports: Path) -> None:
    shutil.copy(exports / "data.json", exports / "data-too.json")
    result = run("preview", "-C", system, "--against", exports)
    assert result.exit_code == 1 and "both of small-data/dev" in result.stderr


def test_files_and_a_ref_do_not_go_together(run: Run, system: Path, exports: Path) -> None:
    result = run("preview", "-C", system, "--against", exports, "--against", "main")
    assert result.exit_code == 1 and "--against main is no file" in result.stderr


def test_an_empty_folder_is_no_state(run: Run, system: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    result = run("preview", "-C", system, "--against", tmp_path / "nothing")
    assert result.exit_code == 1 and "no .json file" in result.stderr


def test_evidence_is_of_what_is_deployed(run: Run, system: Path, exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence"
    arguments = ("policy", "evidence", "-C", system, "--date", "2026-06-30", "--out", out)
    done = run(*arguments, "--state", exports, "buckets.raw.keep=60d")

    (document,) = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*.json")]
    assert done.exit_code == 0, done.output
    assert document["judged"] == "deployed" and document["resources"] > 0
    assert {stack["project"] for stack in document["state"]} == {"small-foundation", "small-data"}
    assert sum(stack["changes"] for stack in document["state"]) == 1
    assert "judged as it is deployed" in next(out.glob("*.md")).read_text(encoding="utf-8")

    assert run(*arguments, "--state", "local").exit_code == 1, "nothing is left of the local state"
    assert run(*arguments, "--state", tmp_path / "nowhere").exit_code == 1
    assert run(*arguments, "--state", exports, "--no-state").exit_code == 1
    run(*arguments)
    (document,) = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*.json")]
    assert document["judged"] == "declared"
