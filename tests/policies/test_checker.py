"""The check phase: waivers, names that do not exist, verdicts that wait, and what the example is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_iac.diagnostics import DiagnosticsError, Severity, format_path
from mlops_iac.pipeline import Run, request_at, run_phases
from mlops_iac.policies.checker import diagnostic_of, findings_of, waiver_diagnostics
from mlops_iac.policies.policy import Enforcement, Finding, Policy, Sample, StackView, Verdict
from mlops_iac.policies.registry import policies
from mlops_iac.spec.system import System

EXAMPLE = Path(__file__).parents[2] / "examples" / "fraud-detection"
TODAY = "2026-06-30"
SYSTEM = """\
defaults: [env: dev, security: baseline, _self_]
system: {name: fraud, owner: ml@example.com, purpose: scoring, tags: {cost-center: "1"}}
cloud: {region: eu-west-1, account: "111122223333"}
buckets:
  raw: {classification: confidential, keep: 30d, access_log: false}
  features: {classification: internal, keep: 30d, access_log: false}
policies:
  packs: [aws-baseline]
"""
RULE = "s3-access-logging"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> System:
    found = checked(tmp_path_factory.mktemp("system"), "").system
    assert found is not None
    return found


def waiver(**changes: str) -> str:
    fields = {
        "rule": RULE,
        "resource": "buckets.raw",
        "owner": "ml@example.com",
        "reason": "nobody reads it",
        "expires": "2026-12-31",
        **changes,
    }
    return "  waivers:\n    - {" + ", ".join(f'{key}: "{value}"' for key, value in fields.items()) + "}\n"


def checked(folder: Path, text: str) -> Run:
    (folder / "system.yaml").write_text(SYSTEM + text, encoding="utf-8")
    return run_phases(request_at(folder, today=TODAY), until="check")


def logging(run: Run) -> dict[str, Finding]:
    return {format_path(f.resource.component): f for f in run.findings if f.policy.id == RULE}


def told(run: Run) -> list[tuple[str, str]]:
    assert run.system is not None and run.composition is not None
    found = waiver_diagnostics(run.system, run.findings, run.composition, TODAY)
    assert all(d.severity is Severity.WARNING and d.hint and d.location for d in found)
    return [(d.code, str(d.location)) for d in found]


def test_without_a_waiver_each_bucket_is_found_at_its_line(tmp_path: Path) -> None:
    findings = logging(checked(tmp_path, ""))
    assert {name: str(f.resource.location) for name, f in findings.items()} == {
        "buckets.raw": "system.yaml:5:3",
        "buckets.features": "system.yaml:6:3",
    }
    assert all(f.result.verdict is Verdict.FAIL and not f.waiver for f in findings.values())


def test_a_waiver_covers_its_resource_only(tmp_path: Path) -> None:
    run = checked(tmp_path, waiver())
    findings = logging(run)
    assert findings["buckets.raw"].waiver == "ml@example.com: nobody reads it, until 2026-12-31"
    assert not findings["buckets.features"].waiver
    assert diagnostic_of(findings["buckets.raw"]).severity is Severity.INFO
    assert told(run) == []


def test_a_waiver_with_a_star_covers_all_of_a_kind(tmp_path: Path) -> None:
    assert all(f.waiver for f in logging(checked(tmp_path, waiver(resource="buckets.*"))).values())


def test_a_waiver_holds_on_its_last_day_and_not_after(tmp_path: Path) -> None:
    assert logging(checked(tmp_path, waiver(expires=TODAY)))["buckets.raw"].waiver
    run = checked(tmp_path, waiver(expires="2026-06-29"))
    assert not logging(run)["buckets.raw"].waiver
    assert told(run) == [("MI5003", "system.yaml:10:7")]


@pytest.mark.parametrize("changes", [{"resource": "buckets.other"}, {"rule": "s3-require-tls"}], ids=str)
def test_a_waiver_that_covers_nothing_is_told(changes: dict[str, str], tmp_path: Path) -> None:
    assert told(checked(tmp_path, waiver(**changes))) == [("MI5004", "system.yaml:10:7")]


@pytest.mark.parametrize(
    ("text", "code", "meant"),
    [
        (waiver(rule="s3-acces-logging"), "MI5002", RULE),
        ("  packs: [aws-baselin]\n", "MI5001", "aws-baseline"),
    ],
    ids=["rule", "pack"],
)
def test_an_unknown_name_is_located_with_what_was_meant(text: str, code: str, meant: str, tmp_path: Path) -> None:
    (tmp_path / "system.yaml").write_text(
        SYSTEM.replace("  packs: [aws-baseline]\n", "") + text if "packs" in text else SYSTEM + text, encoding="utf-8"
    )
    with pytest.raises(DiagnosticsError) as caught:
        run_phases(request_at(tmp_path, today=TODAY), until="check")
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.location is not None and found.location.file == "system.yaml"
    assert f"did you mean {meant!r}?" in found.hint


@pytest.mark.parametrize(("one", "other"), [("mandatory", "advisory"), ("remediate", "mandatory"), ("advisory", "off")])
def test_where_packs_differ_the_strictest_wins(one: str, other: str) -> None:
    strict, lax = Enforcement(one), Enforcement(other)
    assert strict.stricter(lax) is lax.stricter(strict) is strict


UNDECIDED = [
    pytest.param(policy, sample, id=policy.id)
    for policy in policies().values()
    for sample in policy.samples
    if sample.verdict is Verdict.UNKNOWN
]


@pytest.mark.parametrize(("policy", "sample"), UNDECIDED)
def test_what_cannot_be_known_yet_is_said_and_stops_nothing(policy: Policy, sample: Sample, system: System) -> None:
    rules = {policy: Enforcement.MANDATORY}
    waiting = [
        f
        for f in findings_of(StackView(sample.resources, sample.system), rules, system, TODAY)
        if f.resource is sample.resources[0]
    ]
    assert [f.result.verdict for f in waiting] == [Verdict.UNKNOWN]
    assert not waiting[0].stops
    shown = diagnostic_of(waiting[0])
    assert (shown.code, shown.severity) == ("MI5101", Severity.INFO)
    assert "known only after apply" in shown.message


EXAMPLES = sorted(file.parent for file in EXAMPLE.parent.glob("*/system.yaml"))
"""The systems that need no package but ours."""


@pytest.mark.parametrize("security", ["baseline", "regulated"])
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_nothing_is_found_in_an_example_but_what_a_waiver_gives_the_reason_of(
    folder: Path, environment: str, security: str
) -> None:
    run = run_phases(request_at(folder, (f"env={environment}", f"security={security}"), TODAY), until="check")
    assert [diagnostic_of(f).message for f in run.findings if not f.waiver] == []


def test_findings_of_the_example_are_sorted_located_and_helpful() -> None:
    run = run_phases(request_at(EXAMPLE, ("env=prod",), TODAY), until="check")
    assert run.findings
    shown = [diagnostic_of(f) for f in run.findings]
    assert all(d.code in ("MI5100", "MI5101") and d.message and d.hint for d in shown)
    ranks = [(not f.stops, bool(f.waiver), f.result.verdict is not Verdict.FAIL) for f in run.findings]
    assert ranks == sorted(ranks)
