"""``mlops-iac import``: hand-made resources in moto come into the state, and stay as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops_iac.engines.local import moto_server

from .conftest import Run

BUCKET = "acme-raw-by-hand"


@pytest.fixture
def s3(system: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """S3 of the system's moto, with a bucket that somebody made by hand before there was any YAML."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    folder = system / ".mlops-iac"
    folder.mkdir()
    client = boto3.client(
        "s3",
        endpoint_url=moto_server.start(folder, "111122223333").endpoint,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    name = "small-dev-raw-111122223333"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=name, Key="precious", Body=b"years of data")
    yield client
    moto_server.stop(folder)


def state_of(system: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in (system / ".mlops-iac/state").rglob("*") if file.is_file()}


def test_a_bucket_made_by_hand_is_adopted_and_kept(system: Path, s3: Any, run: Run) -> None:
    name = "small-dev-raw-111122223333"
    looked = run("import", "-C", system, "--id", f"raw.bucket={name}", "--id", f"raw.versioning={name}")
    assert looked.exit_code == 1 and "--yes" in looked.stderr, "nothing is recorded without a yes"
    assert "+ tags.component" in looked.stdout, "the bucket has no tags yet"
    assert state_of(system) == {}

    done = run("import", "-C", system, "--id", f"raw.bucket={name}", "--id", f"raw.versioning={name}", "--yes")
    assert done.exit_code == 0, done.output
    assert "Adopted 2: 1 differ from what is declared." in done.stdout
    preview = json.loads(run("preview", "-C", system, "--format", "json").stdout)
    ops = {
        change["name"]: change["op"]
        for stack in preview["stacks"]
        for change in stack["changes"]
        if change["name"].startswith("raw.")
    }
    assert ops["raw.versioning"] == "same" and ops["raw.bucket"] == "update" and ops["raw.policy"] == "create"
    tags = s3.list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in tags] == [name], "nothing was made"

    assert run("up", "-C", system, "--yes").exit_code == 0
    assert s3.get_object(Bucket=name, Key="precious")["Body"].read() == b"years of data"
    again = run("import", "-C", system, "--id", f"raw.bucket={name}", "--yes")
    assert again.exit_code == 0 and "Nothing to adopt" in again.stdout


@pytest.mark.parametrize(
    ("ids", "code", "said"),
    [
        (["raw.bucket=no-such-bucket"], "MI7052", "there is none with the id no-such-bucket"),
        (["raw.bukcet=x"], "MI7050", "`raw.bucket`"),
        (["buckets.raw=x"], "MI7050", "raw.bucket (aws:s3/bucket:Bucket)"),
        (["raw.bucket=a", "raw.bucket=b"], "MI7050", "two ids are given"),
        ([], "MI7057", "no id was given"),
    ],
)
def test_what_cannot_be_adopted_changes_nothing(
    ids: list[str], code: str, said: str, system: Path, s3: Any, run: Run
) -> None:
    options = [word for pair in ids for word in ("--id", pair)]
    refused = run("import", "-C", system, *options, "--yes")
    text = " ".join(refused.stderr.split())
    assert refused.exit_code == 1 and code in text and said in text
    assert state_of(system) == {}


def test_what_the_next_apply_would_replace_is_refused(system: Path, s3: Any, run: Run) -> None:
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused = run("import", "-C", system, "--id", f"raw.bucket={BUCKET}", "--yes")
    assert refused.exit_code == 1 and "MI7054" in refused.stderr and "system.yaml:8:3" in refused.stderr
    assert state_of(system) == {}
    told = run("import", "-C", system, "--id", f"raw.bucket={BUCKET}", "--yes", "--allow-replacement")
    assert told.exit_code == 0 and state_of(system)


def test_a_file_is_written_to_be_filled_in(system: Path, s3: Any, run: Run) -> None:
    file = system / "import.json"
    written = run("import", "-C", system, "--template", file, "--only", "data")
    assert written.exit_code == 0 and "9 resources" in written.stdout
    document = json.loads(file.read_text())
    entries = {entry["name"]: entry for entry in document["resources"] if not entry.get("component")}
    assert entries["raw.bucket"]["form"] == "bucket-name"
    for entry in document["resources"]:
        assert {entry[name] for name in ("parent", "provider") if name in entry} <= document["nameTable"].keys()

    empty = run("import", "-C", system, "--file", file, "--yes")
    assert empty.exit_code == 1 and "gives no id yet" in " ".join(empty.stderr.split())
    entries["raw.bucket"]["id"] = entries["raw.versioning"]["id"] = "small-dev-raw-111122223333"
    file.write_text(json.dumps(document, indent=2))
    done = run("import", "-C", system, "--file", file, "--yes", "--format", "json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["adopted"] and [item["name"] for item in told["resources"]] == ["raw.bucket", "raw.versioning"]
    left = run("import", "-C", system, "--template", "-", "--only", "data")
    assert "raw.bucket" not in {entry["name"] for entry in json.loads(left.stdout)["resources"]}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "import.json:1:2"),
        ('{"resources": 1}', ""),
        ('{"resources": [\n {"type": "aws:s3/bucket:Bucket", "name": "nothing", "id": "x"}]}', "import.json:2:2"),
        ('{"resources": [\n {"type": 1, "name": "nothing", "id": "x"}]}', "import.json:2:2"),
    ],
)
def test_a_file_that_is_none_is_told_at_its_place(text: str, place: str, system: Path, run: Run) -> None:
    file = system / "import.json"
    file.write_text(text)
    refused = run("import", "-C", system, "--file", file, "--yes")
    assert refused.exit_code == 1 and place in refused.stderr and "Traceback" not in refused.output
    assert state_of(system) == {}
