"""Snapshot to JSON and back, secrets in Pulumi's own scheme, and what damage is seen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.graph.evaluate import UNKNOWN, SecretValue
from mlops_iac.state import checkpoint
from mlops_iac.state.codes import (
    BAD_URN,
    DANGLING,
    DUPLICATE_URN,
    MISSING_ID,
    NEWER_VERSION,
    NO_PASSPHRASE,
    NOT_A_CHECKPOINT,
    NOT_JSON,
    OTHER_SECRETS_PROVIDER,
    WRONG_ORDER,
    WRONG_PASSPHRASE,
    WRONG_STACK,
)
from mlops_iac.state.edits import in_order
from mlops_iac.state.passphrase import Crypter, new_crypter, open_crypter
from mlops_iac.state.snapshot import PendingOperation, ResourceState, Snapshot

TIME = "2026-01-02T03:04:05Z"
PULUMI_SALT = {
    "type": "passphrase",
    "state": {"salt": "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ=="},
}
"""A salt from pulumi's own tests (pkg/secrets/passphrase/manager_test.go); its passphrase is "password"."""


def urn(type: str, name: str, parents: str = "") -> str:
    return f"urn:pulumi:dev::fraud-data::{parents}{type}::{name}"


PROVIDER = ResourceState(urn("pulumi:providers:aws", "aws"), "pulumi:providers:aws", True, "p1", {"region": "eu"})
COMPONENT = ResourceState(urn("mlops:data:Bucket", "raw"), "mlops:data:Bucket", False)
BUCKET = ResourceState(
    urn("aws:s3/bucket:Bucket", "raw.bucket", "mlops:data:Bucket$"),
    "aws:s3/bucket:Bucket",
    True,
    "raw-1",
    {"bucket": "raw-1", "tags": {"a": "b"}, "n": 1.5, "on": True},
    {"arn": "arn:aws:s3:::raw-1", "list": [1, {"x": SecretValue([1, "s"])}]},
    COMPONENT.urn,
    f"{PROVIDER.urn}::p1",
    created=TIME,
    modified=TIME,
    protect=True,
)
POLICY = ResourceState(
    urn("aws:s3/bucketPolicy:BucketPolicy", "raw.policy", "mlops:data:Bucket$"),
    "aws:s3/bucketPolicy:BucketPolicy",
    True,
    "raw-1",
    {"policy": SecretValue("{}")},
    parent=COMPONENT.urn,
    provider=f"{PROVIDER.urn}::p1",
    dependencies=(BUCKET.urn,),
    property_dependencies={"bucket": (BUCKET.urn,)},
    additional_secret_outputs=("policy",),
    retain_on_delete=True,
)
SNAPSHOT = Snapshot(
    "fraud-data",
    "dev",
    (PROVIDER, COMPONENT, BUCKET, POLICY),
    (PendingOperation("creating", replace(BUCKET, urn=urn("aws:s3/bucket:Bucket", "new"), id=None, parent=None)),),
    {"arn": "arn:aws:s3:::raw-1", "secret": SecretValue("hidden")},
    serial=7,
)


@pytest.fixture(scope="module")
def crypter() -> Crypter:
    return new_crypter("x")


def read(text: str, crypter: Crypter | None = None, **options: Any) -> Snapshot:
    return checkpoint.read(text, lambda _: crypter, source="state.json", **options)


def test_a_checkpoint_comes_back_as_it_was(crypter: Crypter) -> None:
    text = checkpoint.write_checkpoint(SNAPSHOT, crypter, time=TIME)
    assert "hidden" not in text
    again = read(text, crypter, expected=("fraud-data", "dev"), ours=True)
    assert again == replace(SNAPSHOT, secrets=crypter.provider)
    assert checkpoint.write_checkpoint(again, crypter, time=TIME) == text, "an unchanged secret keeps its ciphertext"


def test_an_export_comes_back_without_its_serial(crypter: Crypter) -> None:
    text = checkpoint.write_export(SNAPSHOT, crypter, time=TIME)
    assert read(text, crypter) == replace(SNAPSHOT, secrets=crypter.provider, serial=0)
    resources = json.loads(text)["deployment"]["resources"]
    assert resources[0]["type"] == "pulumi:pulumi:Stack" and resources[0]["outputs"]["arn"]
    assert resources[1]["parent"] == resources[0]["urn"]


def test_secrets_are_masked_without_a_passphrase(crypter: Crypter) -> None:
    masked = read(checkpoint.write_export(SNAPSHOT, crypter, time=TIME))
    assert masked.outputs["secret"] == SecretValue(UNKNOWN)
    with pytest.raises(DiagnosticsError) as caught:
        checkpoint.write_export(masked, crypter, time=TIME)
    assert caught.value.diagnostics[0].code == NO_PASSPHRASE


def test_plaintext_secrets_of_an_export_are_read(crypter: Crypter) -> None:
    document = json.loads(checkpoint.write_export(SNAPSHOT, crypter, time=TIME))
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"open"'}
    document["deployment"]["resources"][0]["outputs"]["secret"] = secret
    assert read(json.dumps(document)).outputs["secret"] == SecretValue("open")


def test_a_salt_that_pulumi_made_opens() -> None:
    crypter = open_crypter("password", PULUMI_SALT)
    assert crypter.open(crypter.seal("text", "here"), "there") == "text"


@pytest.mark.parametrize(
    ("passphrase", "provider", "code"),
    [
        ("wrong", PULUMI_SALT, WRONG_PASSPHRASE),
        ("password", {"type": "passphrase", "state": {"salt": "v1:%%%:x"}}, WRONG_PASSPHRASE),
        ("password", {"type": "cloud", "state": {}}, OTHER_SECRETS_PROVIDER),
    ],
)
def test_what_does_not_open(passphrase: str, provider: dict[str, Any], code: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        open_crypter(passphrase, provider)
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", NOT_JSON),
        ("  \n", NOT_JSON),
        ("{", NOT_JSON),
        ("[" * 100_000, NOT_JSON),
        ("null", NOT_A_CHECKPOINT),
        ("[]", NOT_A_CHECKPOINT),
        ('{"version": "3"}', NOT_A_CHECKPOINT),
        ('{"version": 2, "deployment": {"resources": []}}', NOT_A_CHECKPOINT),
        ('{"version": 3}', NOT_A_CHECKPOINT),
        ('{"version": 3, "deployment": {"resources": 1}}', NOT_A_CHECKPOINT),
        ('{"version": 3, "deployment": {"resources": [1]}}', NOT_A_CHECKPOINT),
        ('{"version": 3, "deployment": {"resources": [{"urn": "x"}]}}', NOT_A_CHECKPOINT),
        ('{"version": 4, "deployment": {}}', NEWER_VERSION),
        ('{"version": 3, "checkpoint": {"stack": "organization/other/dev", "latest": {}}}', WRONG_STACK),
    ],
)
def test_what_is_not_a_checkpoint(text: str, code: str) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        read(text, expected=("fraud-data", "dev"))
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("resources", "code"),
    [
        ((PROVIDER, PROVIDER), DUPLICATE_URN),
        ((PROVIDER, BUCKET), DANGLING),
        ((COMPONENT, BUCKET), DANGLING),
        ((COMPONENT, replace(PROVIDER, id="p2"), BUCKET), DANGLING),
        ((PROVIDER, COMPONENT, POLICY, BUCKET), WRONG_ORDER),
        ((PROVIDER, BUCKET, COMPONENT), WRONG_ORDER),
        ((replace(PROVIDER, id=None),), MISSING_ID),
        ((replace(PROVIDER, urn=PROVIDER.urn.replace("dev", "prod")),), WRONG_STACK),
        ((replace(PROVIDER, type="aws:x/y:Z"),), BAD_URN),
        ((replace(PROVIDER, urn="nonsense"),), BAD_URN),
    ],
)
def test_integrity(resources: tuple[ResourceState, ...], code: str) -> None:
    assert code in {item.code for item in checkpoint.verify(replace(SNAPSHOT, resources=resources))}


def test_a_sound_snapshot_has_no_problems() -> None:
    old = replace(BUCKET, delete=True, id="raw-0")
    assert checkpoint.verify(replace(SNAPSHOT, resources=(*SNAPSHOT.resources, old))) == []


@given(st.permutations(SNAPSHOT.resources))
def test_order_is_restored(shuffled: list[ResourceState]) -> None:
    assert checkpoint.verify(replace(SNAPSHOT, resources=in_order(shuffled))) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, st.booleans())
def test_any_value_survives(value: Any, secret: bool) -> None:
    crypter = Crypter(b"k" * 32, "v1:salt")
    held = SecretValue(value) if secret else value
    sealed = json.loads(json.dumps(checkpoint.seal({"v": held}, crypter, "p")))
    assert checkpoint.unseal_value(sealed, crypter, "p") == {"v": held}


def _pulumi() -> str | None:
    return shutil.which("pulumi") or next(iter(map(str, Path("/opt/pulumi/bin").glob("pulumi"))), None)


@pytest.mark.skipif(_pulumi() is None, reason="no pulumi CLI")
def test_the_real_cli_imports_and_exports_it(tmp_path: Path) -> None:
    """`pulumi stack import` takes our export, opens its secrets, and we read what it exports."""
    program = _pulumi() or ""
    (tmp_path / "backend").mkdir()
    environ = {
        **os.environ,
        "PATH": f"{Path(program).parent}:{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    (tmp_path / "Pulumi.yaml").write_text("name: fraud-data\nruntime: yaml\n")

    def pulumi(*arguments: str) -> str:
        command = [program, *arguments, "--non-interactive"]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    crypter = new_crypter("correct horse")
    (tmp_path / "export.json").write_text(checkpoint.write_export(SNAPSHOT, crypter, time=TIME))
    pulumi("stack", "init", "dev")
    pulumi("stack", "import", "--file", "export.json")
    assert json.loads(pulumi("stack", "output", "--json", "--show-secrets"))["secret"] == "hidden"
    exported = pulumi("stack", "export")
    again = checkpoint.read(
        exported,
        lambda provider: open_crypter("correct horse", provider),
        source="export",
        expected=("fraud-data", "dev"),
    )
    assert again.live() == SNAPSHOT.live()
    assert again.outputs == SNAPSHOT.outputs
