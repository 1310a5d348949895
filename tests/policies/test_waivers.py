"""Exceptions that do not do what they say are told at their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError
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
        ({"resource": "b*.raw"}, ["MI5007"]),
        ({"resource": "buckets*"}, ["MI5007"]),
        ({"resource": "buckets.r?w"}, []),
        ({"resource": "buckets.[pqr]*"}, []),
        ({"resource": "buckets"}, ["MI5004"]),
        ({"resource": "buckets.raw.access_log"}, ["MI5004"]),
        ({"rule": "iam-no-admin-star"}, ["MI5008"]),
        ({"owner": ""}, ["MI5009"]),
        ({"owner": " TODO "}, ["MI5009"]),
    ],
)
def test_a_waiver_that_does_not_hold_is_told(tmp_path: Path, changes: dict[str, str], codes: list[str]) -> None:
    run = _checked(tmp_path, changes)
    told = [item for item in run.diagnostics if item.path[:2] == ("policies", "waivers")]

    assert [item.code for item in told] == codes
    assert all(item.location is not None and item.location.line == 9 for item in told)


@pytest.mark.parametrize(
    ("changes", "setting", "codes"),
    [
        ({"expires": "2026-09-28"}, "max_waiver: 90d", []),
        ({"expires": "2026-09-29"}, "max_waiver: 90d", ["MI5010"]),
        ({}, "waiver_tickets: true", ["MI5009"]),
        ({"ticket": " "}, "waiver_tickets: true", ["MI5009"]),
        ({"ticket": "SEC-1"}, "waiver_tickets: true", []),
    ],
)
def test_an_organisation_bounds_waivers(
    tmp_path: Path, changes: dict[str, str], setting: str, codes: list[str]
) -> None:
    run = _checked(tmp_path, changes, setting=setting)

    assert [item.code for item in run.diagnostics if item.path[:2] == ("policies", "waivers")] == codes
    (found,) = [f for f in run.findings if f.policy.id == "s3-access-logging"]
    assert bool(found.waiver) is not bool(codes)
    assert ("SEC-1" in found.waiver) is (changes.get("ticket") == "SEC-1")


@pytest.mark.parametrize(
    "changes", [{"owner": "tbd"}, {"expires": "2026-06-29"}, {"rule": "gov-no-plaintext-secrets"}], ids=str
)
def test_a_waiver_that_does_not_hold_covers_nothing(tmp_path: Path, changes: dict[str, str]) -> None:
    run = _checked(tmp_path, changes, note="AKIAIOSFODNN7EXAMPLE")

    assert not any(found.waiver for found in run.findings)


@pytest.mark.parametrize(
    "broken",
    [
        {"expires": "soon"},
        {"expires": "2026-13-99x"},
        {"resource": ""},
        {"reason": ""},
        {"rule": "no-such-rule"},
    ],
    ids=str,
)
def test_a_waiver_that_says_nothing_is_refused(tmp_path: Path, broken: dict[str, str]) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        _checked(tmp_path, broken)

    assert all(item.location is not None and item.location.line == 9 for item in caught.value.diagnostics)


@pytest.mark.parametrize("missing", ["rule", "resource", "owner", "reason", "expires"])
def test_a_waiver_says_all_that_it_must(tmp_path: Path, missing: str) -> None:
    fields = ", ".join(f'{key}: "{value}"' for key, value in FIELDS.items() if key != missing)
    (tmp_path / "system.yaml").write_text(SYSTEM.replace("WAIVER", "{" + fields + "}"), encoding="utf-8")

    with pytest.raises(DiagnosticsError, match=f"needs `{missing}`"):
        run_phases(request_at(tmp_path, today="2026-06-30"), until="check")


def test_a_rule_that_a_pack_marks_stays_in_force(tmp_path: Path) -> None:
    run = _checked(
        tmp_path, {"rule": "gov-no-plaintext-secrets", "resource": "buckets.raw"}, note="AKIAIOSFODNN7EXAMPLE"
    )
    found = [f for f in run.findings if f.policy.id == "gov-no-plaintext-secrets"]

    assert ("buckets", "raw") in {f.resource.component for f in found}
    assert all(f.stops and not f.waiver for f in found)


def _checked(folder: Path, changes: dict[str, str], note: str = "", setting: str = "") -> Run:
    fields = ", ".join(f'{key}: "{value}"' for key, value in (FIELDS | changes).items())
    text = SYSTEM.replace("WAIVER", "{" + fields + "}")
    if note:
        text = text.replace('cost-center: "1"', f'cost-center: "1", note: "{note}"').replace(
            "}}\n", "}}  # not a secret: a test\n", 1
        )
    (folder / "system.yaml").write_text(text + (f"  {setting}\n" if setting else ""), encoding="utf-8")
    return run_phases(request_at(folder, today="2026-06-30"), until="check")


@pytest.mark.parametrize(
    ("day", "exists"),
    [
        *(("2027-02-28", True), ("2028-02-29", True), ("2400-02-29", True), ("2027-12-31", True), ("2027-11-30", True)),
        *(("2027-02-29", False), ("2027-02-31", False), ("2100-02-29", False), ("2027-11-31", False)),
        *(("2027-13-01", False), ("2027-00-10", False), ("2027-01-00", False), ("2027-1-1", False)),
    ],
)
def test_a_waiver_ends_on_a_day_that_the_calendar_has(tmp_path: Path, day: str, exists: bool) -> None:
    if exists:
        _checked(tmp_path, {"expires": day})
        return
    with pytest.raises(DiagnosticsError) as caught:
        _checked(tmp_path, {"expires": day})

    (problem,) = caught.value.diagnostics
    assert problem.location is not None and problem.location.line == 9
    assert "2027-03-31" in f"{problem.message} {problem.hint}"
