"""A new system, from `init` to `destroy`, by the commands that its owner types."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result

from mlops_iac.cli.main import cli
from mlops_iac.engines.local.aws.provider import AwsProvider
from mlops_iac.engines.local.provider import ProviderError


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def _json(*arguments: str) -> dict[str, object]:
    result = _run(*arguments, "--format", "json")
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A system made by `init`; whatever it started is stopped at the end."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    folder = tmp_path / "churn"
    assert _run("init", str(folder)).exit_code == 0
    yield folder
    _run("destroy", "-C", str(folder), "--yes")


def _s3(folder: Path):
    """S3 as any AWS client on this machine sees it."""
    port = json.loads((folder / ".mlops-iac" / "moto.json").read_text())["port"]
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _denied(*_: object) -> None:
    raise ProviderError("access denied")


def test_a_new_system_lives_and_dies(system: Path) -> None:
    here = ("-C", str(system))
    assert _run("validate", *here).exit_code == 0
    preview = _json("preview", *here)
    assert preview["summary"]["create"] > 100
    assert _run("up", *here).exit_code == 1, "without a terminal and --yes nothing is applied"
    assert not (system / ".mlops-iac" / "state").exists()

    first = _json("up", *here, "--yes")
    assert first["ok"]
    second = _json("up", *here, "--yes")
    assert second["ok"]
    assert {op: count for op, count in second["summary"].items() if op != "same" and count} == {}

    buckets = {bucket["Name"] for bucket in _s3(system).list_buckets()["Buckets"]}
    assert "churn-dev-raw-111122223333" in buckets

    _s3(system).put_bucket_versioning(
        Bucket="churn-dev-raw-111122223333", VersioningConfiguration={"Status": "Suspended"}
    )
    drifted = _run("refresh", *here, "--exit-code")
    assert drifted.exit_code == 10
    assert "raw.versioning" in drifted.stdout
    assert _run("up", *here, "--yes").exit_code == 0
    assert _s3(system).get_bucket_versioning(Bucket="churn-dev-raw-111122223333")["Status"] == "Enabled"

    outputs = _json("outputs", *here)
    assert outputs["layers"]["data"]["buckets.raw.name"] == "churn-dev-raw-111122223333"

    protected = ("+buckets.raw.protect=no_delete",)
    assert _run("up", *here, "--yes", *protected).exit_code == 0
    refused = _run("destroy", *here, "--yes")
    assert refused.exit_code == 1
    assert "raw.bucket is protected" in refused.stderr.replace("\n  ", " ")
    assert "churn-dev-features-111122223333" in {b["Name"] for b in _s3(system).list_buckets()["Buckets"]}

    assert _run("up", *here, "--yes").exit_code == 0
    assert _run("destroy", *here, "--yes").exit_code == 0
    assert not (system / ".mlops-iac" / "moto.json").exists()


def test_a_reviewed_plan_is_not_applied_over_what_was_changed_by_hand(
    system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, plan = ("-C", str(system)), str(system / "reviewed.json")
    assert _run("up", *here, "--yes").exit_code == 0
    assert _run("preview", *here, "buckets.raw.keep=60d", "--save-plan", plan).exit_code == 0
    bucket = "churn-dev-raw-111122223333"
    state = {file: file.read_bytes() for file in (system / ".mlops-iac" / "state").rglob("*.json")}
    with monkeypatch.context() as patched:
        patched.setattr(AwsProvider, "read", _denied)
        refused = _run("up", *here, "--plan", plan)
    said = " ".join(refused.stderr.split())
    assert (refused.exit_code, "MI6018" in said, "access denied" in said) == (1, True, True), said

    kept = _s3(system).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]

    _s3(system).delete_bucket_lifecycle(Bucket=bucket)
    for verb in (("plan", "check", plan, *here), ("up", *here, "--plan", plan)):
        refused = _run(*verb)
        said = " ".join(refused.stderr.split())
        assert (refused.exit_code, "raw.lifecycle" in said, "it is gone" in said) == (3, True, True), said
        assert "`mlops-iac refresh" in said and "buckets.raw.keep=60d` " in said and "preview again" in said
    document = json.loads(_run("up", *here, "--plan", plan, "--format", "json").stdout)
    assert [(item["code"], item["path"]) for item in document["diagnostics"]] == [("MI6017", "buckets.raw")]
    assert {file: file.read_bytes() for file in state} == state

    _s3(system).put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": kept})
    _s3(system).put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert _run("plan", "check", plan, *here).exit_code == 0, "put back, it fits; what it leaves alone does not matter"
    assert _run("up", *here, "--plan", plan).exit_code == 0
    assert _s3(system).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] != kept


def test_init_writes_over_nothing(system: Path) -> None:
    before = (system / "system.yaml").read_text()
    result = _run("init", str(system), "--name", "other")
    assert result.exit_code == 1
    assert "already has" in result.stderr
    assert (system / "system.yaml").read_text() == before


def test_drift_is_judged_and_the_state_stays_as_it_is(system: Path) -> None:
    here = ("-C", str(system))
    assert _run("up", *here, "--yes").exit_code == 0
    assert _run("drift", *here, "--exit-code").exit_code == 0
    kept = {file: file.read_bytes() for file in (system / ".mlops-iac" / "state").rglob("*") if file.is_file()}

    bucket = "churn-dev-raw-111122223333"
    tags = _s3(system).get_bucket_tagging(Bucket=bucket)["TagSet"]
    _s3(system).put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [*tags, {"Key": "cost-tool", "Value": "x"}]})
    harmless = _run("drift", *here, "--exit-code")
    assert harmless.exit_code == 0
    assert "1 drifted: 1 harmless." in harmless.stdout

    _s3(system).put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    for _ in range(2):
        assert _run("drift", *here, "--exit-code").exit_code == 2
    found = _json("drift", *here)
    assert found["summary"] == {"dangerous": 1, "unclear": 0, "harmless": 1}
    reported = _run("drift", *here, "--format", "markdown", "--report", str(system / "out"))
    assert "### Drift in `churn` `dev`" in reported.stdout
    assert (system / "out" / "comment.md").read_text() == reported.stdout
    assert json.loads((system / "out" / "drift.json").read_text()) == found
    assert {file: file.read_bytes() for file in kept} == kept

    assert _run("refresh", *here).exit_code == 0
    assert _run("up", *here, "--yes").exit_code == 0
    assert _s3(system).get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
