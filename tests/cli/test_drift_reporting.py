"""The report of a drift: every form says the same, in the shape that is documented."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from referencing import Registry, Resource

from mlops_iac.cli.reporting import drift_forms
from mlops_iac.diagnostics import Diagnostic
from mlops_iac.plan.drift import Danger, drift_plan
from tests.plan.drifts import BY_HAND, Change, compiled_example, judge, observe
from tests.plan.edits import EXAMPLE
from tests.policies.test_reports import sarif_schema

from .conftest import Run

SCHEMAS = Path(__file__).parents[2] / "schemas"
UNREAD = Diagnostic("MI7001", "trail: access denied", "let the role read it")


def forms_of(changes: dict[tuple[str, str], Change], failures: tuple[Diagnostic, ...] = ()) -> dict[str, str]:
    run = compiled_example()
    assert run.graph is not None
    plan = drift_plan(observe(run, changes), run.graph)
    return drift_forms(run, plan, judge(run, changes), failures, EXAMPLE)


@pytest.fixture(scope="module")
def forms() -> dict[str, str]:
    return forms_of(dict(BY_HAND), (UNREAD,))


def test_the_json_has_the_shape_that_is_documented(forms: dict[str, str]) -> None:
    schema, preview = (json.loads((SCHEMAS / f"{name}.schema.json").read_text()) for name in ("drift", "preview"))
    registry: Registry = Registry().with_resource("preview.schema.json", Resource.from_contents(preview))
    for text in (forms["drift.json"], forms_of({})["drift.json"]):
        jsonschema.Draft202012Validator(schema, registry=registry).validate(json.loads(text))


def test_every_form_names_every_drift_and_what_to_do(forms: dict[str, str]) -> None:
    resources = json.loads(forms["drift.json"])["resources"]

    assert [each["danger"] for each in resources] == ["dangerous"] * 3 + ["unclear", "harmless"]
    for each in resources:
        for form in ("comment.md", "report.html", "junit.xml", "findings.sarif"):
            assert each["name"] in forms[form], form
        assert each["advice"] in forms["comment.md"]
    assert [name for name, form in forms.items() if "access denied" not in form] == ["codequality.json"], "has no line"


def test_the_log_fits_the_standards_schema(forms: dict[str, str]) -> None:
    jsonschema.Draft4Validator(sarif_schema()).validate(json.loads(forms["findings.sarif"]))


def test_the_log_is_at_the_lines(forms: dict[str, str]) -> None:
    (run,) = json.loads(forms["findings.sarif"])["runs"]
    found = {each["locations"][0]["logicalLocations"][0]["name"]: each for each in run["results"] if each["locations"]}

    assert found["models.access-log"]["ruleId"] == "gone"
    assert found["raw.public-access"]["ruleId"] == "public-exposure"
    assert found["features.versioning"]["ruleId"] == "protection-off"
    assert {name: each["level"] for name, each in found.items()} == {
        "features.versioning": "error",
        "fraud-api.errors-alarm": "warning",
        "models.access-log": "error",
        "raw.bucket": "none",
        "raw.public-access": "error",
    }
    place = found["raw.public-access"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("examples/fraud-detection/system.yaml")
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[each["ruleIndex"]] == each["ruleId"] for each in run["results"])


def test_a_build_server_shows_what_is_dangerous_as_failed(forms: dict[str, str]) -> None:
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(forms["junit.xml"])}

    assert suites["drift"].get("failures") == "3"
    assert suites["drift"].get("skipped") == "1"
    assert suites["not read"].get("failures") == "1"
    assert suites["layers"].get("failures") == "0"
    assert ElementTree.fromstring(forms_of({})["junit.xml"]).get("failures") == "0"


def test_every_link_of_the_page_leads_somewhere(forms: dict[str, str]) -> None:
    places = re.findall(r' id="([^"]+)"', forms["report.html"])

    assert set(re.findall(r'href="#([^"]+)"', forms["report.html"])) <= set(places)
    assert len(places) == len(set(places))


def test_nothing_drifted_is_told_as_that() -> None:
    forms = forms_of({})

    assert "No drift: everything is as the state says" in forms["report.html"]
    assert "No drift" in forms["comment.md"]
    assert "No drift in what could be read" in forms_of({}, (UNREAD,))["report.html"]
    assert sum(json.loads(forms["drift.json"])["summary"].values()) == 0
    assert set(json.loads(forms["drift.json"])["summary"]) == {danger.value for danger in Danger}


def test_a_configuration_that_is_wrong_is_reported_as_a_preview_reports_it(system: Path, run: Run) -> None:
    file = system / "system.yaml"
    file.write_text(file.read_text().replace("keep: 30d", "keep: 30 parsecs"))

    result = run("drift", "-C", system, "env=dev", "--report", system / "out")

    assert (result.exit_code, "MI2" in result.stderr) == (1, True), result.output
    told = {path.name: path.read_text() for path in (system / "out").iterdir()}
    assert sorted(told) == ["codequality.json", "comment.md", "findings.sarif", "junit.xml"]
    assert told["comment.md"].startswith("### Drift with `env=dev`\n\n**Drift cannot be looked for: 1 error.**\n")
    assert all("30 parsecs" in text for text in told.values())
    (log,) = json.loads(told["findings.sarif"])["runs"]
    assert log["automationDetails"]["id"] == "mlops-iac/drift/env=dev/"
