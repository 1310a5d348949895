"""Wrong input, as users write it: each is answered with a code, the place and what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .conftest import SYSTEM, Run

ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ENDPOINT = """\
models: {fraud-scorer: {stages: [prod], released: {prod: 1}}}
images: {serve: {}}
endpoints:
  fraud-api: {model: {registry: fraud-scrorer, artifacts: raw, image: serve}, instance_type: ml.m5.large}
"""
CYCLE = """\
pipelines:
  train:
    steps:
      one: {kind: processing, script: a.py, instance_type: ml.m5.large, after: [two]}
      two: {kind: processing, script: a.py, instance_type: ml.m5.large, after: [one]}
"""

BROKEN = [
    pytest.param("system.yaml", SYSTEM + "monitor: {}\n", "9:1", "did you mean `monitors`?", id="unknown section"),
    pytest.param("system.yaml", SYSTEM.replace("keep:", "kep:"), "8:39", "did you mean `keep`?", id="unknown key"),
    pytest.param("system.yaml", SYSTEM.replace("30d}", "30}"), "8:45", "400d", id="wrong type"),
    pytest.param("system.yaml", SYSTEM.replace("30d", "30 days"), "8:45", "400d", id="malformed duration"),
    pytest.param("system.yaml", SYSTEM.replace("confidential", "secret"), "8:25", "restricted", id="not a choice"),
    pytest.param("system.yaml", SYSTEM.replace(", purpose: scoring", ""), "5:1", "add `purpose`", id="missing key"),
    pytest.param("system.yaml", SYSTEM + ENDPOINT, "12:33", "did you mean `fraud-scorer`?", id="unknown reference"),
    pytest.param("system.yaml", SYSTEM + CYCLE, "12:", "after", id="cycle of steps"),
    pytest.param("system.yaml", SYSTEM + "buckets: {}\n", "9:1", "first", id="duplicate key"),
    pytest.param("system.yaml", SYSTEM + "x: [1, 2\n", "9:4", "", id="bad YAML"),
    pytest.param("system.yaml", SYSTEM.replace("  raw", "\traw"), "8:1", "spaces", id="tab"),
    pytest.param("system.yaml", "", "", "", id="empty file"),
    pytest.param("system.yaml", "- a\n- b\n", "1:1", "", id="a list"),
    pytest.param("system.yaml", SYSTEM.encode() + b"x: \xff\xfe\n", "9:4", "UTF-8", id="not UTF-8"),
    pytest.param("system.yaml", ALIASES, "", "", id="alias bomb"),
    pytest.param("system.yaml", SYSTEM + "x: &x [*x]\n", "9:", "", id="recursive alias"),
    pytest.param("system.yaml", SYSTEM + "x: " + "[" * 100 + "\n", "9:", "", id="deep nesting"),
    pytest.param(
        "system.yaml", SYSTEM.replace('"111122223333"', "011122223333"), "6:37", "quotes", id="account number"
    ),
    pytest.param("system.yaml", SYSTEM.replace("scoring", "'${system.nam}'"), "5:", "system.nam", id="unresolved"),
    pytest.param("system.yaml", SYSTEM.replace("scoring", "'${system.purpose}'"), "5:", "itself", id="circular"),
    pytest.param("system.yaml", SYSTEM.replace("env: dev", "env: dve"), "2:10", "dev", id="missing option"),
    pytest.param("system.yaml", SYSTEM.replace("  - env: dev\n", ""), "1:1", "", id="missing group"),
]


@pytest.mark.parametrize(("file", "text", "place", "says"), BROKEN)
def test_a_broken_file(file: str, text: str | bytes, place: str, says: str, system: Path, run: Run) -> None:
    (system / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run("validate", "-C", system, "--format", "json")
    assert result.exit_code == 1
    errors = [found for found in json.loads(result.stdout)["diagnostics"] if found["severity"] == "error"]
    assert errors
    for found in errors:
        assert found["code"].startswith("MI")
        assert found["message"] and found["hint"] and found["location"]
    assert any(found["location"].startswith(f"{file}:{place}") for found in errors), errors
    assert any(says in f"{found['message']} {found['hint']} {found['related']}" for found in errors), errors
    shown = run("validate", "-C", system)
    assert shown.exit_code == 1
    assert "Traceback" not in shown.output
    assert errors[0]["code"] in shown.stderr


OVERRIDES = [
    pytest.param("buckets.raw.kep=30d", "keep", id="misspelt key"),
    pytest.param("buckets.raw.keep", "=", id="no value"),
    pytest.param("+buckets.raw.keep=1d", "buckets.raw.keep=1d", id="exists already"),
    pytest.param("~buckets.rwa", "raw", id="removes nothing"),
    pytest.param("env=prd", "prod", id="unknown option"),
    pytest.param("buckets.raw.keep=1d,2d", "", id="sweep"),
    pytest.param("hydra.run.dir=/tmp/x", "", id="hydra"),
    pytest.param("+x._target_=os.system", "", id="target"),
    pytest.param("env=../../outside", "", id="path escape"),
    pytest.param("a=[[[", "", id="unbalanced"),
    pytest.param("=", "", id="nothing"),
]


@pytest.mark.parametrize(("override", "says"), OVERRIDES)
def test_a_bad_override_is_located_in_its_own_text(override: str, says: str, system: Path, run: Run) -> None:
    result = run("validate", "-C", system, override, "--format", "json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)["diagnostics"][0]
    assert found["code"].startswith("MI10")
    assert found["location"].startswith("override:1:")
    assert found["hint"]
    assert says in f"{found['message']} {found['hint']}"


def test_all_errors_of_a_phase_come_at_once_in_order(system: Path, run: Run) -> None:
    text = SYSTEM.replace("owner: ml@example.com", "owner: nobody").replace("eu-west-1", "Ireland") + "bukets: {}\n"
    (system / "system.yaml").write_text(text, encoding="utf-8")
    found = json.loads(run("validate", "-C", system, "--format", "json").stdout)["diagnostics"]
    assert [item["location"] for item in found] == ["system.yaml:5:30", "system.yaml:6:17", "system.yaml:9:1"]


def test_a_missing_folder_and_a_folder_without_a_system(tmp_path: Path, run: Run) -> None:
    missing = run("validate", "-C", tmp_path / "nowhere")
    assert missing.exit_code == 1 and "MI1001" in missing.stderr
    empty = run("validate", "-C", tmp_path)
    assert empty.exit_code == 1 and "MI1002" in empty.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(system: Path, run: Run) -> None:
    (system / "system.yaml").chmod(0)
    result = run("validate", "-C", system)
    assert result.exit_code == 1 and "MI1003" in result.stderr


@pytest.mark.parametrize(
    ("written", "read"), [("0777", "511"), ("1e3", "1e3"), ("no", "False"), ("1.10", "1.1")], ids=str
)
def test_a_value_that_yaml_turns_into_something_else_is_told(written: str, read: str, system: Path, run: Run) -> None:
    text = SYSTEM.replace('"1"}', f"{written}}}")
    (system / "system.yaml").write_text(text, encoding="utf-8")
    result = run("validate", "-C", system, "--format", "json")
    found = json.loads(result.stdout)["diagnostics"]
    assert found, read
    assert all(item["location"].startswith("system.yaml:5:") for item in found)
