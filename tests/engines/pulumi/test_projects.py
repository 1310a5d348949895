"""Projects on disk: which stack is the environment's, and what the local target makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.pulumi.codes import AMBIGUOUS_STACK, NO_PROJECT
from mlops_iac.engines.pulumi.laptop import Laptop
from mlops_iac.engines.pulumi.projects import projects_in
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import LAYERS, Layer


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    for name, text in stack_files("fraud", "../..").items():
        path = tmp_path / "stacks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "stacks"


def settings(path: Path, **config: str) -> None:
    path.write_text(yaml.safe_dump({"config": {f"fraud-data:{name}": value for name, value in config.items()}}))


def test_a_stack_is_of_the_environment_that_its_settings_name(stacks: Path) -> None:
    (stacks / "data" / "Pulumi.prod.yaml").unlink()
    settings(stacks / "data" / "Pulumi.acme-eu.yaml", environment="prod", organization="acme")
    found = projects_in(stacks, "fraud", "prod")
    assert found.keys() == set(LAYERS)
    assert found[Layer.DATA].address == "acme/acme-eu"
    assert found[Layer.SERVING].address == "prod"


def test_several_stacks_of_one_environment_need_a_choice(stacks: Path) -> None:
    settings(stacks / "data" / "Pulumi.prod-us.yaml", environment="prod")
    with pytest.raises(DiagnosticsError) as caught:
        projects_in(stacks, "fraud", "prod")
    assert [item.code for item in caught.value.diagnostics] == [AMBIGUOUS_STACK]
    assert "prod and prod-us" in caught.value.diagnostics[0].message
    assert projects_in(stacks, "fraud", "prod", "prod-us")[Layer.DATA].stack == "prod-us"


def test_every_missing_or_foreign_project_is_named_at_once(stacks: Path) -> None:
    (stacks / "models" / "Pulumi.yaml").unlink()
    (stacks / "data" / "Pulumi.yaml").write_text("name: other-data\nruntime: python\n")
    with pytest.raises(DiagnosticsError) as caught:
        projects_in(stacks, "fraud", "dev")
    assert [item.code for item in caught.value.diagnostics] == [NO_PROJECT, NO_PROJECT]


def test_the_local_target_copies_the_projects_and_leaves_them_as_they_are(stacks: Path, tmp_path: Path) -> None:
    data = stacks / "data"
    (data / "extra.py").write_text("MINE = 1\n")
    (data / "Pulumi.yaml").write_text((data / "Pulumi.yaml").read_text() + "backend: {url: s3://states}\n")
    theirs = {
        "secretsprovider": "awskms://alias/pulumi",
        "encryptedkey": "abc",
        "config": {
            "fraud-data:environment": "dev",
            "fraud-data:organization": "acme",
            "fraud-data:x": {"secure": "v1:"},
        },
    }
    (data / "Pulumi.dev.yaml").write_text(yaml.safe_dump(theirs))
    before = {path: path.read_bytes() for path in stacks.rglob("*") if path.is_file()}
    laptop = Laptop(tmp_path / "home")
    for salt in (None, "v1:salt"):
        laptop.prepare("fraud", tmp_path, "dev", stacks)
        copied = laptop.projects / "data"
        assert (copied / "extra.py").read_text() == "MINE = 1\n"
        assert "backend" not in yaml.safe_load((copied / "Pulumi.yaml").read_text())
        made = yaml.safe_load((copied / "Pulumi.dev.yaml").read_text())
        assert made["config"] == {"fraud-data:environment": "dev", "fraud-data:system": str(tmp_path)}
        assert made.keys() <= {"config", "encryptionsalt"}
        assert made.get("encryptionsalt") == salt
        # What `pulumi stack init` writes there must outlive the next run, or no secret could be read again.
        (copied / "Pulumi.dev.yaml").write_text(yaml.safe_dump({**made, "encryptionsalt": "v1:salt"}))
    assert {path: path.read_bytes() for path in stacks.rglob("*") if path.is_file()} == before


def test_what_the_local_target_keeps_is_private(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path / "home")
    laptop.prepare("fraud", tmp_path, "dev", tmp_path / "none")
    passphrase = tmp_path / "passphrase"
    assert oct(passphrase.stat().st_mode)[-3:] == "600"
    first = passphrase.read_text()
    laptop.prepare("fraud", tmp_path, "dev", tmp_path / "none")
    assert passphrase.read_text() == first and len(first) > 20
    exported = (tmp_path / "home" / "env").read_text()
    assert first not in exported
    assert f"PULUMI_BACKEND_URL=file://{tmp_path}/home/backend" in exported
    assert {path.name for path in (tmp_path / "home" / "stacks").iterdir()} == set(LAYERS)
