"""Rules of your own on the command line: a new one works, and a test of it fails when it should."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.cli.conftest import Run

TYPES = [
    "aws:s3/bucket:Bucket",
    "aws:kms/alias:Alias",
    "aws:sagemaker/notebookInstance:NotebookInstance",
    "kubernetes:apps/v1:Deployment",
    "kubernetes:core/v1:Secret",
]


def list_files(system: Path, text: str = "policies: {files: [policies]}\n") -> None:
    file = system / "system.yaml"
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


@pytest.mark.parametrize("token", TYPES)
def test_a_new_python_rule_tests_well_at_once(run: Run, system: Path, token: str) -> None:
    list_files(system)
    made = run("policy", "new", "our-rule", "--type", token, "-C", system)
    assert made.exit_code == 0 and "policies/our_rule.py" in made.stdout

    done = run("policy", "test", "-C", system)

    assert done.exit_code == 0
    assert "ok   our-rule" in done.stdout


@pytest.mark.parametrize("token", TYPES)
def test_a_new_declared_rule_tests_well_at_once(run: Run, system: Path, token: str) -> None:
    printed = run("policy", "new", "our-rule", "--yaml", "--type", token, "-C", system).stdout
    assert list(yaml.safe_load(printed)["policies"]["own"]) == ["our-rule"]
    list_files(system, printed)

    done = run("policy", "test", "-C", system)

    assert done.exit_code == 0, done.output
    assert "ok   our-rule" in done.stdout


@pytest.mark.skipif(shutil.which("mypy") is None, reason="mypy is not installed")
def test_a_new_rule_is_typed(run: Run, system: Path) -> None:
    run("policy", "new", "our-rule", "-C", system)

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", system / "policies" / "our_rule.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s3-require-tls"], "already a policy"),
        (["Our Rule"], "lower-case"),
        (["our-rule", "--type", "aws:s3/bukket:Bukket"], "did you mean"),
    ],
)
def test_a_rule_that_cannot_be_made_is_refused(run: Run, system: Path, arguments: list[str], said: str) -> None:
    done = run("policy", "new", *arguments, "-C", system)

    assert done.exit_code != 0
    assert said in done.output
    assert not (system / "policies").exists()


def test_a_rule_is_never_overwritten(run: Run, system: Path) -> None:
    run("policy", "new", "our-rule", "-C", system)
    file = system / "policies" / "our_rule.py"
    file.write_text("# mine", encoding="utf-8")

    assert run("policy", "new", "our-rule", "-C", system).exit_code != 0
    assert file.read_text(encoding="utf-8") == "# mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return PASS", 'return fail("is bad")', "sample 1 should be pass, but is fail (is bad)"),
        ("return PASS", "return resource.nothing", "sample 1 crashed at policies/our_rule.py:28:16: AttributeError: "),
        ("        fails(JUDGED, {}),\n", "", "has no sample that fails"),
        ("    samples=(", "    samples=() and (", "has no sample that passes and none that fails"),
    ],
)
def test_a_rule_that_is_wrong_fails_its_test(run: Run, system: Path, old: str, new: str, said: str) -> None:
    list_files(system)
    run("policy", "new", "our-rule", "-C", system)
    file = system / "policies" / "our_rule.py"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    text = run("policy", "test", "-C", system)
    junit = run("policy", "test", "-C", system, "--format", "junit")
    document = run("policy", "test", "-C", system, "--format", "json")

    assert (text.exit_code, junit.exit_code, document.exit_code) == (1, 1, 1)
    assert said in " ".join(text.stdout.split())
    assert ElementTree.fromstring(junit.stdout).attrib["failures"] == "1"
    assert json.loads(document.stdout)["passed"] is False


def test_our_own_rules_can_be_tested_too(run: Run, system: Path) -> None:
    done = run("policy", "test", "-C", system, "--catalogue", "--format", "json")
    document = json.loads(done.stdout)

    assert done.exit_code == 0
    assert len(document["rules"]) > 100
    assert all(rule["samples"] for rule in document["rules"])


def test_a_system_without_own_rules_is_told_how_to_make_one(run: Run, system: Path) -> None:
    done = run("policy", "test", "-C", system)

    assert done.exit_code == 0
    assert "mlops-iac policy new" in done.stdout


def test_a_rule_of_the_system_is_explained_like_ours(run: Run, system: Path) -> None:
    list_files(system)
    run("policy", "new", "our-rule", "-C", system)

    text = run("policy", "explain", "our-rule", "-C", system)
    document = run("policy", "explain", "s3-access-logging", "--format", "json")
    unknown = run("policy", "explain", "our-rul", "-C", system)

    assert text.exit_code == 0 and "our-rule  medium, mandatory" in text.stdout
    assert json.loads(document.stdout)["settings"] == ["buckets.*.access_log"]
    assert "aws-baseline" in json.loads(document.stdout)["packs"]
    assert unknown.exit_code != 0 and "Did you mean 'our-rule'?" in unknown.output
