"""JSON output: fits its schema, says what the plan says, holds no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from mlops_iac.diagnostics import Diagnostic, Severity
from mlops_iac.plan.model import Op, Plan
from mlops_iac.render.json import outputs_json, preview_json, result_json, to_text, validation_json

from . import samples
from .test_text import RESULT

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "preview.schema.json").read_text())
GOLDEN = ROOT / "tests" / "golden" / "render"


def test_recorded_documents(golden: Callable[[str, str], None]) -> None:
    golden("render/preview.json", to_text(preview_json(samples.plan(), samples.diagnostics())))
    golden("render/unchanged.json", to_text(preview_json(samples.unchanged())))
    golden("render/validation.json", to_text(validation_json(samples.diagnostics())))
    golden("render/result.json", to_text(result_json("up", RESULT)))
    golden("render/outputs.json", to_text(outputs_json({"data": RESULT.stacks[0].outputs})))


def test_the_schema_is_valid_and_describes_every_property() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(_undescribed(SCHEMA, "")) == []


@pytest.mark.parametrize("name", ["preview.json", "unchanged.json"])
def test_recorded_previews_fit_the_schema(name: str) -> None:
    document = json.loads((GOLDEN / name).read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


@pytest.mark.parametrize("name", ["validation.json", "result.json", "preview.json"])
def test_every_document_has_the_same_diagnostics(name: str) -> None:
    document = json.loads((GOLDEN / name).read_text())
    shape = {**SCHEMA["$defs"]["diagnostic"], "$defs": SCHEMA["$defs"]}
    assert document["version"] == 1
    assert document["diagnostics"]
    for item in document["diagnostics"]:
        jsonschema.Draft202012Validator(shape).validate(item)


def test_the_schema_refuses_what_is_not_a_preview() -> None:
    document = preview_json(samples.plan())
    for broken in ({**document, "version": 2}, {**document, "extra": 1}, {**document, "summary": {}}):
        assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(broken)


def test_the_summary_counts_the_changes() -> None:
    document = preview_json(samples.plan())
    changes = [change for stack in document["stacks"] for change in stack["changes"]]
    ops = [each["op"] for each in changes if each["custom"] and not each["type"].startswith("pulumi:")]
    assert document["summary"] == {op.value: ops.count(op.value) for op in Op}


def test_secrets_and_unknowns_are_tagged() -> None:
    text = to_text(preview_json(samples.plan())) + to_text(result_json("up", RESULT))
    assert samples.CANARY not in text
    assert '"$secret": true' in text
    assert '"$unknown": true' in text


def test_a_run_that_stopped_early_has_no_resource_count() -> None:
    error = Diagnostic("MI1000", "no such file")
    assert validation_json([error]) | {"diagnostics": []} == {
        "version": 1, "kind": "validation", "valid": False, "diagnostics": [],
    }  # fmt: skip
    warning = Diagnostic("MI1000", "old key", severity=Severity.WARNING)
    assert validation_json([warning], 3)["valid"] is True
    assert validation_json([warning], 3)["resources"] == 3


def test_an_empty_plan_fits_the_schema() -> None:
    document = preview_json(Plan("fraud", "dev", "nothing deployed", ()))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def _undescribed(schema: object, path: str) -> list[str]:
    if not isinstance(schema, dict):
        return []
    missing = []
    for name, inner in schema.get("properties", {}).items():
        if "description" not in inner:
            missing.append(f"{path}.{name}")
    for name, inner in {**schema.get("properties", {}), **schema.get("$defs", {})}.items():
        missing += _undescribed(inner, f"{path}.{name}")
        missing += _undescribed(inner.get("items", {}), f"{path}.{name}[]")
    return missing
