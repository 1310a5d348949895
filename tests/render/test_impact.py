"""Impact and gates in each form of a preview: recorded, inside the page, and harmless whatever a name holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from mlops_iac.diagnostics import Location
from mlops_iac.plan.gates import GateFinding
from mlops_iac.plan.impact import Impact, ImpactKind, ImpactSeverity
from mlops_iac.render.json import preview_json
from mlops_iac.render.markdown import preview_markdown
from mlops_iac.render.page import Page, cells
from mlops_iac.render.text import preview_text
from mlops_iac.spec.gates import GateApproval

from . import samples

Golden = Callable[[str, str], None]
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "preview.schema.json").read_text())
IMPACTS = (
    Impact(
        ImpactKind.DATA_LOSS,
        ImpactSeverity.CRITICAL,
        ("feature_stores", "transactions"),
        ("transactions.group",),
        "feature group transactions is replaced (featureDefinitions cannot change in place): every record of the online "
        "store is lost",
        "declare the changed features as a second group, write to both, switch readers, then remove this one",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteFeatureGroup.html",
        location=Location("system.yaml", 38, 3),
    ),
    Impact(
        ImpactKind.ROLLOUT,
        ImpactSeverity.LOW,
        ("endpoints", "fraud-api"),
        ("fraud-api.endpoint",),
        "endpoint fraud-api moves to a new fleet",
        "watch its alarms",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html",
        (25, 30),
    ),
)
APPROVAL = GateApproval(
    resource="buckets.*", gate="no_delete", person="ada@example.com", reason="moved", expires="2026-12-31"
)
GATES = (
    GateFinding("no_replace", ("feature_stores", "transactions"), ("transactions.group",), "it is replaced", None),
    GateFinding("no_delete", ("buckets", "raw"), ("raw.bucket",), "it goes", Location("system.yaml", 4, 9), APPROVAL),
)


@pytest.mark.parametrize("page", [Page(80), Page(120), Page(40, ascii_only=True)], ids=["80", "120", "40-ascii"])
def test_text(page: Page, golden: Golden) -> None:
    found = samples.diagnostics()
    text = preview_text(samples.unchanged(), page, impacts=IMPACTS, gates=found[2:3], sources={})
    golden(f"render/impact-{page.width}{'-ascii' * page.ascii_only}.txt", text)
    if not page.ascii_only:
        assert all(cells(row) <= page.width for row in text.splitlines())


def test_markdown(golden: Golden) -> None:
    found = samples.diagnostics()
    golden("render/impact.md", preview_markdown(samples.unchanged(), impacts=IMPACTS, gates=found[2:3]))


def test_json_fits_the_schema(golden: Golden) -> None:
    document = json.loads(json.dumps(preview_json(samples.unchanged(), impacts=IMPACTS, gates=GATES)))
    Draft202012Validator(SCHEMA).validate(document)
    told = {key: document[key] for key in ("impact", "gates")}
    golden("render/impact.json", json.dumps(told, indent=2) + "\n")


@pytest.mark.parametrize("text", ["</code><script>", "`x`", "@acme/admins", "\x1b[31m", "a | b\n- c"])
def test_foreign_text_stays_inside_code(text: str) -> None:
    hostile = Impact(ImpactKind.DATA_LOSS, ImpactSeverity.HIGH, ("buckets", text), (text,), text, text, "https://x")
    comment = preview_markdown(samples.unchanged(), impacts=[hostile])
    tokens = MarkdownIt("commonmark", {"html": True}).parse(comment)
    plain = [c.content for token in tokens for c in token.children or () if c.type in ("text", "html_inline")]
    assert not any(mark in part for part in plain for mark in ("<", "@", "\x1b", "`"))
