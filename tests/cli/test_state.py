"""``mlops-iac state``: what somebody on call needs of the local state."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mlops_iac.engines.local.store import Store

from .conftest import Run


def test_it_lists_stacks_and_resources(run: Run, system: Path, deployed: Store) -> None:
    listed = run("state", "list", "-C", system)
    assert listed.exit_code == 0 and "small-data/dev  state 1 of" in listed.stdout
    assert "raw.bucket" in listed.stdout
    document = json.loads(run("state", "list", "-C", system, "--format", "json").stdout)
    assert [stack["project"] for stack in document["stacks"]] == ["small-data", "small-foundation"]


def test_it_needs_no_sound_configuration(run: Run, system: Path, deployed: Store) -> None:
    (system / "system.yaml").write_text("system: [broken", encoding="utf-8")
    assert run("state", "list", "-C", system).exit_code == 0


def test_nothing_deployed_is_said(run: Run, system: Path) -> None:
    assert run("state", "list", "-C", system).stdout == "Nothing was ever deployed from here.\n"
    refused = run("state", "show", "data", "raw.bucket", "-C", system)
    assert refused.exit_code == 1 and "nothing was ever deployed" in refused.stderr


def test_a_resource_is_shown_by_name_or_urn(run: Run, system: Path, deployed: Store) -> None:
    shown = run("state", "show", "data", "raw.bucket", "-C", system, "--format", "json")
    document = json.loads(shown.stdout)
    assert document["inputs"]["bucket"] == "small-dev-raw-111122223333"
    assert run("state", "show", "data", document["urn"], "-C", system).exit_code == 0
    missing = run("state", "show", "data", "nothing", "-C", system)
    assert missing.exit_code == 1 and "no resource 'nothing'" in missing.stderr


def test_what_was_under_way_in_an_export_stays_so(run: Run, system: Path, deployed: Store, tmp_path: Path) -> None:
    document = json.loads(run("state", "export", "data", "-C", system).stdout)
    resource = document["deployment"]["resources"][-1]
    document["deployment"]["pending_operations"] = [{"resource": resource, "type": "updating"}]
    file = tmp_path / "killed.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    imported = run("state", "import", file, "--yes", "-C", system)
    assert imported.exit_code == 0 and "Under way in it: 1; the next `mlops-iac up` settles that." in imported.stdout
    assert "forgets" not in imported.output
    assert [item.type for item in deployed.load("small-data", "dev").pending] == ["updating"]


def test_an_export_comes_back_as_it_was(run: Run, system: Path, deployed: Store, tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    assert run("state", "export", "data", "--file", file, "-C", system).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = deployed.load("small-data", "dev")
    assert run("state", "delete", "data", "raw.lifecycle", "--yes", "-C", system).exit_code == 0
    assert run("preview", "-C", system, "--exit-code").exit_code == 10
    asked = run("state", "import", file, "-C", system)
    assert asked.exit_code == 1 and "--yes" in asked.stderr
    assert run("state", "import", file, "--yes", "-C", system).exit_code == 0
    after = deployed.load("small-data", "dev")
    assert after.resources == before.resources and after.outputs == before.outputs
    assert after.serial > before.serial
    assert run("preview", "-C", system, "--exit-code").exit_code == 0


@pytest.mark.parametrize("text", ["{}", "{", '{"version": 4, "deployment": {"features": ["views"], "resources": []}}'])
def test_what_is_no_export_is_not_imported(run: Run, system: Path, deployed: Store, tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    before = deployed.load("small-data", "dev")
    assert run("state", "import", file, "--yes", "-C", system).exit_code == 1
    assert deployed.load("small-data", "dev") == before


def test_what_others_need_is_not_deleted(run: Run, system: Path, deployed: Store) -> None:
    refused = run("state", "delete", "data", "raw.bucket", "--yes", "-C", system)
    assert refused.exit_code == 1 and "is still named by" in refused.stderr


def test_what_is_protected_is_deleted_by_force_only(run: Run, system: Path, deployed: Store) -> None:
    from dataclasses import replace

    snapshot = deployed.load("small-data", "dev")
    deployed.save(
        replace(
            snapshot,
            resources=tuple(replace(item, protect=item.urn.endswith("raw.lifecycle")) for item in snapshot.resources),
        )
    )
    arguments = ("state", "delete", "data", "raw.lifecycle", "--yes", "-C", system)
    refused = run(*arguments)
    assert refused.exit_code == 1 and "is protected" in refused.stderr
    assert run(*arguments, "--force").exit_code == 0


def test_a_damaged_state_is_restored(run: Run, system: Path, deployed: Store) -> None:
    deployed.save(deployed.load("small-data", "dev"))
    path = deployed.path("small-data", "dev")
    path.write_text("{", encoding="utf-8")
    broken = run("preview", "-C", system)
    assert broken.exit_code == 1 and "state restore small-data --stack dev" in " ".join(broken.stderr.split())
    assert run("state", "backups", "data", "-C", system).stdout.startswith("state 1, ")
    assert run("state", "restore", "data", "--yes", "-C", system).exit_code == 0
    assert run("preview", "-C", system, "--exit-code").exit_code == 0


def test_a_pulumi_backend_needs_the_cli_and_the_projects(
    run: Run, system: Path, deployed: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = run("state", "list", "--engine", "pulumi", "-C", system)
    assert refused.exit_code == 1 and "MI7220" in refused.stderr
    odd = run("state", "list", "--engine", "local", "--target", "cloud", "-C", system)
    assert odd.exit_code == 1 and "the local engine cannot apply to the cloud" in odd.output


def test_a_stack_can_be_chosen_on_the_local_state(run: Run, system: Path, deployed: Store) -> None:
    listed = run("state", "list", "--stack", "prod", "-C", system)
    assert listed.stdout == "Nothing was ever deployed from here.\n"
    assert "small-data/dev" in run("state", "list", "--stack", "dev", "-C", system).stdout
