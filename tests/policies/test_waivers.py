"""Exceptions that do not do what they say are told at their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.pipeline import Run, request_at, run_phases

SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d, access_log: false}
policies:
  packs: [aws-baseline]
  waivers:
    - WAIVER
"""
FIELDS = {
    "rule": "s3-access-logging",
    "resource": "buckets.raw",
    "owner": "ml@example.com",
    "reason": "nobody reads it",
    "expires": "2026-12-31",
}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"expires": "2026-06-29"}, ["MI5003"]),
        ({"resource": "buckets.features"}, ["MI5004"]),
        ({"resource": "buckets.*"}, []),
        ({"resource": "*"}, ["MI5007"]),
        ({"rule": "iam-no-admin-star"}, ["MI5008"]),
    ],
)
def test_a_waiver_that_does_not_hold_is_told(tmp_path: Path, changes: dict[str, str], codes: list[str]) -> None:
    run = _checked(tmp_path, changes)
    told = [item for item in run.diagnostics if item.path[:2] == ("policies", "waivers")]

    assert [item.code for item in told] == codes
    assert all(item.location is not None and item.location.line == 9 for item in told)


def test_a_rule_that_a_pack_marks_stays_in_force(tmp_path: Path) -> None:
    run = _checked(
        tmp_path, {"rule": "gov-no-plaintext-secrets", "resource": "buckets.raw"}, note="AKIAIOSFODNN7EXAMPLE"
    )
    found = [f for f in run.findings if f.policy.id == "gov-no-plaintext-secrets"]

    assert ("buckets", "raw") in {f.resource.component for f in found}
    assert all(f.stops and not f.waiver for f in found)


def _checked(folder: Path, changes: dict[str, str], note: str = "") -> Run:
    fields = ", ".join(f'{key}: "{value}"' for key, value in (FIELDS | changes).items())
    text = SYSTEM.replace("WAIVER", "{" + fields + "}")
    if note:
        text = text.replace('cost-center: "1"', f'cost-center: "1", note: "{note}"')
    (folder / "system.yaml").write_text(text, encoding="utf-8")
    return run_phases(request_at(folder, today="2026-06-30"), until="check")
