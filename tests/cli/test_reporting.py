"""The report of a preview: the comments of four real edits are on record, and every form says what the preview says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from mlops_iac.cli.reporting import report_forms, write_report
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.pipeline import Run as PipelineRun
from mlops_iac.pipeline import request_at, run_phases
from tests.plan.edits import EDITS, EXAMPLE, TODAY, Edit, run_edit

from .conftest import Run

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "preview.schema.json").read_text(encoding="utf-8"))
SHOWN = ("add-a-feature", "endpoint-instance-type", "delete-a-bucket", "loosen-a-policy")
LONGEST = 65_536
"""Characters of a comment on GitHub, the smallest limit of the forges but Azure's 150,000 and Bitbucket's 32,768."""


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    made: dict[str, dict[str, str]] = {}

    def of(name: str) -> dict[str, str]:
        if name not in made:
            made[name] = report_forms(run_edit(EDITS[name], tmp_path_factory.mktemp(name)), EXAMPLE)
        return made[name]

    return of


@pytest.mark.parametrize("name", SHOWN)
def test_the_comment_of_an_edit_is_on_record(name: str, forms, golden: Callable[[str, str], None]) -> None:
    golden(f"report/{name}.md", forms(name)["comment.md"])


@pytest.mark.parametrize("name", SHOWN)
def test_the_other_forms_say_the_same(name: str, forms) -> None:
    document = json.loads(forms(name)["preview.json"])
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    log = json.loads(forms(name)["findings.sarif"])["runs"][0]
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(forms(name)["junit.xml"])}
    refused = [gate for gate in document["gates"] if gate["status"] == "refused"]

    assert all(log["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"] for found in log["results"])
    assert len(log["results"]) == len(document["diagnostics"])
    assert sum(case.find("failure") is not None for case in suites.get("gates", ())) == len(refused)
    assert ("Cannot be applied" in forms(name)["comment.md"]) == bool(refused)
    for impact in document["impact"]:
        assert f"`{impact['component']}`" in forms(name)["comment.md"]
        assert impact["component"] in forms(name)["report.html"]


@pytest.mark.parametrize("name", SHOWN)
def test_every_link_of_the_page_leads_somewhere(name: str, forms) -> None:
    page = forms(name)["report.html"]
    places = re.findall(r' id="([^"]+)"', page)

    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places)
    assert len(places) == len(set(places))


def test_findings_are_at_their_lines(forms) -> None:
    log = json.loads(forms("loosen-a-policy")["findings.sarif"])["runs"][0]
    unused = next(found for found in log["results"] if found["ruleId"] == "MI5004")
    physical = unused["locations"][0]["physicalLocation"]

    assert physical["artifactLocation"]["uri"].endswith("examples/fraud-detection/system.yaml")
    assert physical["region"]["startLine"] == 120


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, forms) -> None:
    assert report_forms(run_edit(EDITS["add-a-feature"], tmp_path), EXAMPLE) == forms("add-a-feature")


def test_no_secret_and_nothing_unchanged_is_told(tmp_path: Path) -> None:
    forms = report_forms(run_edit(Edit(), tmp_path), EXAMPLE)

    assert "No resource changes" in forms["comment.md"]
    assert 'class="change"' not in forms["report.html"]


def test_a_comment_fits_the_forge(tmp_path: Path) -> None:
    from benchmarks.generate_system import write_system

    write_system(tmp_path, 60)
    comment = report_forms(_new(tmp_path), tmp_path)["comment.md"]

    assert len(comment) <= LONGEST
    assert "Left out for length" in comment
    assert comment.count("<details") == comment.count("</details>")


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DiagnosticsError, match="MI7109 the report cannot be written"):
        write_report({"comment.md": ""}, tmp_path / "taken")


def test_preview_writes_it_and_keeps_its_exit_code(tmp_path: Path, run: Run) -> None:
    done = run(
        "preview",
        "-C",
        EXAMPLE,
        "--against",
        "none",
        "--report",
        tmp_path / "out",
        "budget.monthly_usd=1",
        "env=prod",
    )

    assert done.exit_code == 2, done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "codequality.json", "comment.md", "findings.sarif", "junit.xml", "preview.json", "report.html",
    ]  # fmt: skip
    assert "within_budget refuses this change" in done.stdout
    assert "1 gate refuses it" in (tmp_path / "out" / "comment.md").read_text(encoding="utf-8")


def test_a_preview_that_stops_reports_why(tmp_path: Path, system: Path, run: Run) -> None:
    out = tmp_path / "out"
    done = run("preview", "-C", system, "env=prod", "buckets.raw.keep=often", "--report", out)

    assert done.exit_code == 1
    assert sorted(file.name for file in out.iterdir()) == [
        "codequality.json", "comment.md", "findings.sarif", "junit.xml",
    ]  # fmt: skip
    comment = (out / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("### Preview with `env=prod`\n\n**Cannot be previewed: 1 error.**")
    assert "`buckets.raw.keep`" in comment
    assert "often" not in comment.splitlines()[0]
    (suite,) = ElementTree.fromstring((out / "junit.xml").read_text(encoding="utf-8"))
    assert suite.get("failures") == "1"
    (found,) = json.loads((out / "findings.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert found["level"] == "error"


def test_gitlab_is_told_what_has_a_line_and_is_not_waived(forms) -> None:
    issues = json.loads(forms("loosen-a-policy")["codequality.json"])
    log = json.loads(forms("loosen-a-policy")["findings.sarif"])["runs"][0]

    assert {issue["check_name"] for issue in issues} >= {"MI5004"}
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert {issue["severity"] for issue in issues} <= {"critical", "minor"}
    located = [each for each in log["results"] if any("physicalLocation" in place for place in each["locations"])]
    assert len(issues) == sum(each["level"] != "none" and not each.get("suppressions") for each in located)
    place = next(issue["location"] for issue in issues if issue["check_name"] == "MI5004")
    assert place["lines"] == {"begin": 120}
    assert log["automationDetails"]["id"] == "mlops-iac/fraud/dev/"


def _new(folder: Path) -> PipelineRun:
    return run_phases(request_at(folder, today=TODAY))
