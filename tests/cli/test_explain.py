"""`explain`, both ways: who set a value, what it becomes, what that costs, and which policies judged it."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"


def explained(run: Run, what: str, *overrides: str) -> list[dict]:
    done = run("explain", what, "-C", EXAMPLE, "--format", "json", *overrides)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["components"]


def test_a_component_has_its_lines_cost_and_policies(run: Run) -> None:
    text = run("explain", "buckets.features", "-C", EXAMPLE).stdout

    assert "system.yaml:24" in text
    assert "total a month" in text
    assert "s3-require-tls" in text
    assert "waived  s3-access-logging: features.bucket writes no access log" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_price_that_is_not_known_is_said(run: Run) -> None:
    text = run("explain", "feature_stores.transactions", "-C", EXAMPLE).stdout

    assert "no known price: online storage" in text
    assert "0.00" not in text


def test_a_resource_leads_to_who_set_its_values(run: Run) -> None:
    (found,) = explained(run, "raw.versioning", "buckets.raw.keep=30d", "env=prod")
    settings = {setting["path"]: setting for setting in found["settings"]}

    assert found["component"] == "buckets.raw"
    assert settings["buckets.raw.keep"]["override"] == "buckets.raw.keep=30d"
    assert (settings["buckets.raw.versioning"]["file"], settings["buckets.raw.versioning"]["line"]) == (
        "system.yaml",
        23,
    )


def test_a_line_leads_to_resources_with_verdicts_and_cost(run: Run) -> None:
    (found,) = explained(run, "system.yaml:88")
    resources = {made["name"]: made for made in found["resources"]}

    assert found["component"] == "endpoints.fraud-api"
    assert resources["fraud-api.endpoint"]["cost"]["floor"] > 100
    assert found["cost"]["floor"] >= resources["fraud-api.endpoint"]["cost"]["floor"]
    assert {"rule": "gov-required-tags", "verdict": "passes", "detail": ""} in resources["fraud-api.endpoint"][
        "policies"
    ]
