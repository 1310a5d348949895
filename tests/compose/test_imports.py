"""Outputs of Terraform, CloudFormation and Pulumi as inputs: read from files, secrets never as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlops_iac.compose import codes, compose
from mlops_iac.compose.composition import ComposeRequest, Composition
from mlops_iac.diagnostics import Diagnostic, DiagnosticsError
from mlops_iac.graph.values import Secret
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.render import json as render_json

HEAD = """\
defaults: [{env: dev}, {security: baseline}, _self_]
system: {name: small, owner: ml@example.com, purpose: scoring}
cloud: {region: eu-west-1, account: "111122223333"}
"""
OUTPUTS = {
    "vpc_id": {"sensitive": False, "type": "string", "value": "vpc-0a1b2c3d"},
    "private_subnets": {"sensitive": False, "type": ["tuple", ["string", "string"]], "value": ["subnet-1", "subnet-2"]},
    "tables": {"sensitive": False, "type": "dynamic", "value": {"private": ["rtb-1"]}},
    "zones": {"sensitive": False, "type": "number", "value": 2},
    "odd": {"sensitive": False, "type": "string", "value": "${system.name} ???"},
    "mailbox": {"sensitive": True, "type": "string", "value": "hidden@example.com"},
}
STATE = {"version": 4, "terraform_version": "1.9.8", "serial": 7, "lineage": "x", "outputs": OUTPUTS, "resources": []}
STACKS = {
    "Stacks": [
        {"StackName": "zone", "Outputs": [{"OutputKey": "VpcId", "OutputValue": "vpc-9", "ExportName": "zone:vpc"}]},
        {"StackName": "other", "Outputs": []},
    ]
}
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
EXPORT = {
    "version": 3,
    "deployment": {
        "resources": [
            {
                "type": "pulumi:pulumi:Stack",
                "outputs": {
                    "vpcId": "vpc-5",
                    "token": {**SECRET, "ciphertext": "v1:x"},
                    "open": {**SECRET, "plaintext": '"hidden@example.com"'},
                },
            }
        ]
    },
}

Compose = Callable[..., Run]


@pytest.fixture
def composed(tmp_path: Path) -> Compose:
    """Runs the phases for a system with this text and these JSON files."""

    def run(text: str, until: str = "compose", **files: Any) -> Run:
        (tmp_path / "system.yaml").write_text(HEAD + text, encoding="utf-8")
        for name, document in files.items():
            content = document if isinstance(document, str) else json.dumps(document)
            (tmp_path / f"{name}.json").write_text(content, encoding="utf-8")
        return run_phases(request_at(tmp_path), until)

    return run


def data(run: Run) -> Composition:
    assert run.composition is not None
    return run.composition


def refused(run: Callable[[], object]) -> Diagnostic:
    """The only error."""
    with pytest.raises(DiagnosticsError) as caught:
        run()
    (problem,) = caught.value.diagnostics
    return problem


@pytest.mark.parametrize("document", [OUTPUTS, STATE], ids=["output -json", "state"])
def test_terraform_outputs_keep_their_types(document: object, composed: Compose) -> None:
    run = composed(
        """\
        imports: {platform: {terraform: tf.json}}
        network:
          vpc: existing
          vpc_id: ${imports.platform.vpc_id}
          availability_zones: ${imports.platform.zones}
          private_subnet_ids: ${imports.platform.private_subnets}
          private_route_table_ids: ${imports.platform.tables.private}
        """.replace("        ", ""),
        until="compile",
        tf=document,
    )
    assert data(run).data["network"]["private_subnet_ids"] == ["subnet-1", "subnet-2"]
    assert run.graph is not None
    groups = [node for node in run.graph.nodes() if node.type == "aws:ec2/securityGroup:SecurityGroup"]
    assert {node.inputs["vpcId"] for node in groups} == {"vpc-0a1b2c3d"}


def test_a_value_is_taken_as_it_is(composed: Compose) -> None:
    run = composed("imports: {p: {terraform: tf.json}}\nnote: ${imports.p.odd}", tf=OUTPUTS)
    assert data(run).data["note"] == "${system.name} ???"


@pytest.mark.parametrize(
    ("declared", "reference", "document", "value"),
    [
        pytest.param("{cloudformation: x.json, stack: zone}", "VpcId", STACKS, "vpc-9", id="stacks"),
        pytest.param("{pulumi: x.json}", "vpcId", EXPORT, "vpc-5", id="stack export"),
        pytest.param("{pulumi: x.json}", "vpcId", {"vpcId": "vpc-5"}, "vpc-5", id="stack output"),
    ],
)
def test_other_tools(declared: str, reference: str, document: object, value: str, composed: Compose) -> None:
    run = composed(f"imports: {{other: {declared}}}\nnote: ${{imports.other.{reference}}}", x=document)
    assert data(run).data["note"] == value


@pytest.mark.parametrize(
    ("document", "declared", "reference"),
    [
        pytest.param(OUTPUTS, "{terraform: x.json}", "mailbox", id="terraform"),
        pytest.param(EXPORT, "{pulumi: x.json}", "open", id="pulumi"),
    ],
)
def test_a_secret_never_becomes_text(document: object, declared: str, reference: str, composed: Compose) -> None:
    text = f"""\
imports: {{p: {declared}}}
alerts: {{oncall: {{email: ["${{imports.p.{reference}}}"]}}}}
"""
    run = composed(text, until="gates", x=document)
    assert run.graph is not None
    (mail,) = (node for node in run.graph.nodes() if node.name == "oncall.mail-1")
    assert mail.inputs["endpoint"] == Secret("hidden@example.com")
    assert run.plan is not None
    preview = render_json.preview_json(run.plan, run.diagnostics, impacts=run.impacts, gates=run.gates)
    shown = json.dumps(preview, ensure_ascii=False) + repr(data(run)) + repr(run.findings)
    assert "hidden" not in shown
    assert f"⟦imports.p.{reference}⟧" in shown, "the configuration names it"


def test_a_secret_within_a_text_stays_one(composed: Compose) -> None:
    text = "imports: {p: {terraform: x.json}}\nalerts: {oncall: {email: ['ml+${imports.p.mailbox}']}}"
    run = composed(text, until="compile", x=OUTPUTS)
    assert run.graph is not None
    (mail,) = (node for node in run.graph.nodes() if node.name == "oncall.mail-1")
    assert Secret("hidden@example.com") in mail.inputs["endpoint"].parts  # type: ignore[union-attr]


def test_a_secret_cannot_decide_what_is_built(composed: Compose) -> None:
    text = "imports: {p: {terraform: x.json}}\nbuckets: {raw: {keep: '${imports.p.mailbox}'}}"
    problem = refused(lambda: composed(text, until="validate", x=OUTPUTS))
    assert "must be known when the graph is made" in problem.message
    assert "hidden" not in str(problem)
    assert problem.location is not None
    assert (problem.location.line, problem.path) == (5, ("buckets", "raw"))


@pytest.mark.parametrize(
    ("text", "files", "code", "told"),
    [
        pytest.param("terraform: tf.json", {"tf": OUTPUTS}, codes.INTERPOLATION_TARGET, "`imports.p.vpc`", id="output"),
        pytest.param("terraform: no.json", {}, codes.UNREADABLE, "no such file", id="file"),
        pytest.param("terraform: ../x.json", {}, codes.OUTSIDE_ROOT, "outside the folder", id="outside"),
        pytest.param("terraform: /etc/passwd", {}, codes.OUTSIDE_ROOT, "outside the folder", id="absolute"),
        pytest.param("terraform: tf.json", {"tf": "{"}, codes.BAD_IMPORT, "is not JSON", id="json"),
        pytest.param("terraform: tf.json", {"tf": "[]"}, codes.BAD_IMPORT, "holds no object", id="list"),
        pytest.param("terraform: tf.json", {"tf": "[" * 100_000}, codes.BAD_IMPORT, "is not JSON", id="deep"),
        pytest.param(
            "terraform: tf.json", {"tf": {"version": 3, "modules": []}}, codes.BAD_IMPORT, "version 3", id="version"
        ),
        pytest.param("terraform: tf.json", {"tf": {"encrypted_data": "x"}}, codes.BAD_IMPORT, "encrypted", id="tofu"),
        pytest.param("terraform: tf.json", {"tf": {"a": 1}}, codes.BAD_IMPORT, "neither a Terraform", id="other"),
        pytest.param("cloudformation: cf.json", {"cf": STACKS}, codes.BAD_IMPORT, "holds 2 stacks", id="stacks"),
        pytest.param(
            "cloudformation: cf.json, stack: zne", {"cf": STACKS}, codes.BAD_IMPORT, "no stack `zne`", id="stack"
        ),
        pytest.param("pulumi: p.json, terraform: p.json", {}, codes.BAD_IMPORT, "names no file", id="two"),
        pytest.param("{}", {}, codes.BAD_IMPORT, "names no file", id="none"),
    ],
)
def test_what_is_wrong_is_told_where_it_is_written(
    text: str, files: dict[str, object], code: str, told: str, composed: Compose
) -> None:
    declared = text if text == "{}" else f"{{{text}}}"
    with pytest.raises(DiagnosticsError) as caught:
        composed(f"imports:\n  p: {declared}\nnote: ${{imports.p.vpc}}\n", **files)
    problem = next(each for each in caught.value.diagnostics if each.code == code)
    assert told in problem.message.lower() or told in problem.message
    assert problem.location is not None
    assert problem.location.file == "system.yaml"
    assert problem.location.line == (6 if code == codes.INTERPOLATION_TARGET else 5)


def test_a_mistyped_output_is_asked_about(composed: Compose) -> None:
    problem = refused(lambda: composed("imports: {p: {terraform: x.json}}\nnote: ${imports.p.vpcid}", x=OUTPUTS))
    assert "vpc_id" in problem.hint


def test_a_secret_that_is_not_in_the_file_is_said_so(composed: Compose) -> None:
    problem = refused(lambda: composed("imports: {p: {pulumi: x.json}}\nnote: ${imports.p.token}", x=EXPORT))
    assert problem.code == codes.HIDDEN_IMPORT
    assert "--show-secrets" in problem.message


def test_a_past_commit_reads_what_was_exported_since(tmp_path: Path) -> None:
    past, now = tmp_path / "past", tmp_path / "now"
    for folder in (past, now):
        folder.mkdir()
    (past / "system.yaml").write_text(
        f"{HEAD}imports: {{p: {{terraform: x.json}}}}\nnote: ${{imports.p.vpc_id}}", encoding="utf-8"
    )
    (now / "x.json").write_text(json.dumps(OUTPUTS), encoding="utf-8")
    assert compose(ComposeRequest(past, exports=now)).data["note"] == "vpc-0a1b2c3d"
    (past / "x.json").write_text(json.dumps({"vpc_id": {"value": "vpc-old"}}), encoding="utf-8")
    assert compose(ComposeRequest(past, exports=now)).data["note"] == "vpc-old"


def test_a_link_out_of_the_folder_is_refused(composed: Compose, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside.json"
    outside.write_text(json.dumps(OUTPUTS), encoding="utf-8")
    (tmp_path / "link.json").symlink_to(outside)
    problem = refused(lambda: composed("imports: {p: {terraform: link.json}}"))
    assert problem.code == codes.OUTSIDE_ROOT
