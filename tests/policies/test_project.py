"""Python files with rules of a project: run only where that is allowed, and told of at their line when they are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError, Severity
from mlops_iac.pipeline import Run, request_at, run_phases

SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d}
policies:
  packs: []
  files: [policies]
"""
RULE = """\
from mlops_iac.policies import PASS, Enforcement, Policy, PolicySeverity, fail, fails, passes, skips

BUCKET = "aws:s3/bucket:Bucket"


def check(resource, stack):
    return PASS if resource.inputs.text("bucket").startswith("acme-") else fail("is not named acme-...", "bucket")


POLICY = Policy(
    id="bucket-names",
    title="Bucket names start with acme-",
    why="Others look for them.",
    fix="rename it",
    severity=PolicySeverity.LOW,
    enforcement=Enforcement.MANDATORY,
    applies_to=(BUCKET,),
    controls={"gdpr": ("25",)},
    source_url="https://example.com",
    check=check,
    samples=(passes(BUCKET, {"bucket": "acme-a"}), fails(BUCKET, {"bucket": "b"})),
)
"""


def system_with(folder: Path, text: str, *, policies: str = SYSTEM, file: str = "naming.py") -> Path:
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "policies" / file).write_text(text, encoding="utf-8")
    (folder / "system.yaml").write_text(policies, encoding="utf-8")
    return folder


def checked(folder: Path, *, until: str = "check", project_code: bool = True) -> Run:
    return run_phases(request_at(folder, today="2026-06-30", project_code=project_code), until=until)


def problem(folder: Path) -> tuple[str, str, str]:
    with pytest.raises(DiagnosticsError) as caught:
        checked(folder)
    (found,) = caught.value.diagnostics
    assert found.severity is Severity.ERROR and found.hint
    return found.code, str(found.location), found.message


def test_a_rule_of_the_project_judges_like_ours(tmp_path: Path) -> None:
    run = checked(system_with(tmp_path, RULE))

    assert {finding.policy.id for finding in run.findings} == {"bucket-names"}
    assert all(finding.stops for finding in run.findings)


def test_it_can_be_relaxed_and_waived(tmp_path: Path) -> None:
    waiver = '{rule: bucket-names, resource: "*", owner: a@b.c, reason: r, expires: "2099-01-01"}'
    waived = checked(system_with(tmp_path, RULE, policies=SYSTEM + f"  waivers: [{waiver}]\n"))
    assert not any(finding.stops for finding in waived.findings)

    off = checked(system_with(tmp_path, RULE, policies=SYSTEM + "  enforcement: {bucket-names: 'off'}\n"))
    assert off.findings == ()


def test_a_single_file_can_be_named_and_what_is_no_rule_is_passed_over(tmp_path: Path) -> None:
    system_with(tmp_path, "raise SystemExit('never run')", file="_helper.py")
    system_with(tmp_path, "raise SystemExit('never run')", file="test_naming.py")
    assert checked(system_with(tmp_path, RULE)).findings

    only = SYSTEM.replace("[policies]", "[policies/naming.py, policies]")
    assert len(checked(system_with(tmp_path, RULE, policies=only)).project_rules) == 1


@pytest.mark.parametrize("until", ["compose", "validate", "spec", "compile"])
def test_nothing_runs_before_anything_is_judged(tmp_path: Path, until: str) -> None:
    checked(system_with(tmp_path, "raise ValueError('ran')"), until=until)


def test_where_code_is_not_trusted_it_is_refused_and_not_run(tmp_path: Path) -> None:
    system_with(tmp_path, "open('ran', 'w')")
    with pytest.raises(DiagnosticsError) as caught:
        checked(tmp_path, project_code=False)

    (found,) = caught.value.diagnostics
    assert (found.code, str(found.location)) == ("MI5020", "system.yaml:8:3")
    assert "policies.own" in found.hint
    assert not Path("ran").exists()


def test_without_files_the_switch_changes_nothing(tmp_path: Path) -> None:
    plain = SYSTEM.replace("  files: [policies]\n", "")

    assert checked(system_with(tmp_path, RULE, policies=plain), project_code=False).project_rules == ()


BROKEN = [
    pytest.param("def check(:\n", 1, "not valid Python", id="syntax"),
    pytest.param("x = (\n", 1, "not valid Python", id="unclosed"),
    pytest.param("if True:\nx = 1\n", 2, "not valid Python", id="indentation"),
    pytest.param("x = 1\nimport nothing_of_that_name\n", 2, "ModuleNotFoundError", id="import"),
    pytest.param("from mlops_iac.policies import Polcy\n", 1, "ImportError", id="name"),
    pytest.param("\n\nraise ValueError('no')\n", 3, "ValueError: no", id="raises"),
    pytest.param("def f():\n    return 1 / 0\n\nf()\n", 2, "ZeroDivisionError", id="raises-deeper"),
    pytest.param("import sys\nsys.exit(3)\n", 2, "SystemExit", id="exits"),
    pytest.param("raise BaseException\n", 1, "BaseException", id="base-exception"),
    pytest.param("def f():\n    f()\nf()\n", 2, "RecursionError", id="recursion"),
    pytest.param("from mlops_iac.policies import Policy\nPOLICY = Policy(id='x')\n", 2, "TypeError", id="missing-fields"),
    pytest.param("", 1, "holds no policy", id="empty"),
    pytest.param("POLICY = 3\n", 1, "holds no policy", id="no-policy"),
    pytest.param("from mlops_iac.policies.rules.s3_require_tls import POLICY\n", 1, "holds no policy", id="ours"),
    pytest.param("x = '\0'\n", 1, "null byte", id="null-byte"),
    pytest.param(RULE.replace('id="bucket-names"', 'id="s3-require-tls"'), 10, "already a policy", id="taken"),
    pytest.param(RULE + "AGAIN = POLICY\nfrom dataclasses import replace\nOTHER = replace(POLICY, title='x')\n", 25, "already a policy", id="twice"),
    pytest.param(RULE.replace("s3/bucket:Bucket", "s3/bukket:Bukket"), 10, "bukket", id="type"),
    pytest.param(RULE.replace("    samples=", "    remediate=lambda *_: {},\n    samples="), 10, "to put a violation right", id="remedy"),
    pytest.param(RULE.replace("MANDATORY", "REMEDIATE"), 10, "to put a violation right", id="remediates"),
    pytest.param(RULE.replace("    samples=", "    admission=lambda _: None,\n    samples="), 10, "to judge on a cluster", id="admission"),
    pytest.param(RULE.replace("else fail(", "else len("), 7, "TypeError", id="crash-call"),
    pytest.param(RULE.replace('return PASS if resource.inputs.text("bucket")', "return PASS if resource.nothing"), 7, "AttributeError", id="crash"),
    pytest.param(RULE.replace("return PASS if", "return resource if").replace("else fail", "else resource and str"), 7, "TypeError", id="crash-type"),
    pytest.param(RULE.replace("    return PASS", "    exit(0)\n    return PASS"), 7, "SystemExit", id="crash-exits"),
    pytest.param(RULE.replace("    return PASS", "    check(resource, stack)\n    return PASS"), 7, "RecursionError", id="crash-recursion"),
    pytest.param(RULE.replace("    return PASS if", "    return None if").replace("acme-", ""), 6, "NoneType", id="crash-none"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), BROKEN)
def test_what_is_wrong_with_a_file_is_told_at_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    code, place, message = problem(system_with(tmp_path, text))

    assert code in ("MI5022", "MI5023")
    assert place.startswith(f"policies/naming.py:{line}:")
    assert said in message and "\n" not in message


@pytest.mark.parametrize(
    ("level", "line"),
    [
        ("  enforcement: {bucket-names: remediate}\n", 9),
        ("  enforcement_in: {prod: {bucket-names: remediate}}\n", 9),
    ],
)
def test_a_rule_of_the_project_is_not_asked_to_put_anything_right(tmp_path: Path, level: str, line: int) -> None:
    code, place, message = problem(system_with(tmp_path, RULE, policies=SYSTEM + level))

    assert code == "MI5011" and place.startswith(f"system.yaml:{line}:")
    assert "bucket-names is of this project" in message


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("nowhere", "does not exist"),
        ("nowhere.py", "does not exist"),
        ("../outside.py", "outside the system's folder"),
        ("/etc/passwd", "outside the system's folder"),
        ("link.py", "outside the system's folder"),
        ("policies/link.py", "outside the system's folder"),
        ("system.yaml", "is no Python file"),
        ("empty", "without Python files"),
        ("latin.py", "is not UTF-8"),
        ('"a\\0.py"', "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_had_is_told_at_its_item(tmp_path: Path, files: str, said: str) -> None:
    root = tmp_path / "system"
    root.mkdir()
    (tmp_path / "outside.py").write_text("open('ran', 'w')", encoding="utf-8")
    system_with(root, RULE, policies=SYSTEM.replace("[policies]", f"[{files}]"))
    (root / "empty").mkdir()
    (root / "latin.py").write_bytes(b"# \xe9\n")
    for link in (root / "link.py", root / "policies" / "link.py"):
        link.symlink_to(tmp_path / "outside.py")

    code, place, message = problem(root)

    assert (code, place) == ("MI5021", "system.yaml:8:11")
    assert said in message
    assert not Path("ran").exists()


@pytest.mark.parametrize("verb", [["policy", "check"], ["preview"], ["up", "--yes"]], ids=str)
def test_a_rule_that_crashes_blocks_everything_and_shows_no_traceback(tmp_path: Path, verb: list[str]) -> None:
    system_with(tmp_path, RULE.replace("return PASS if", "print('noise'); return PASS if resource.nothing and"))

    done = subprocess.run(
        [sys.executable, "-m", "mlops_iac", *verb, *(["--format", "json"] if verb != ["up", "--yes"] else [])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "bucket-names" in done.stdout + done.stderr
    assert not (tmp_path / ".mlops-iac").exists()
    if verb != ["up", "--yes"]:
        assert json.loads(done.stdout)["diagnostics"][0]["code"] == "MI5023"


def test_the_switch_is_an_option_and_a_variable(tmp_path: Path) -> None:
    system_with(tmp_path, "open('ran', 'w')")
    command = [sys.executable, "-m", "mlops_iac", "preview"]
    quiet = {**os.environ, "MLOPS_IAC_NO_PROJECT_CODE": "1"}
    by_option = subprocess.run(
        [*command, "--no-project-code"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    by_variable = subprocess.run(command, cwd=tmp_path, env=quiet, capture_output=True, text=True, check=False)

    for done in (by_option, by_variable):
        assert done.returncode == 1 and "MI5020" in done.stderr
    assert not (tmp_path / "ran").exists()
