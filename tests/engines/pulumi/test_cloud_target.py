"""``--engine pulumi`` with the user's own backend, login and projects; the provider behind it is made of files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pulumi_harness import CLI, HERE, needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from local.fake import NAMED, node
from local.fake import stack as stack_of
from pulumi_world import graph, prepare, world

from mlops_iac.cli.init import project_files
from mlops_iac.cli.main import cli
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.codes import NOT_CONFIRMED
from mlops_iac.engines.pulumi.codes import NOT_OFFERED, PENDING_CREATES
from mlops_iac.engines.pulumi.engine import PulumiEngine
from mlops_iac.engines.pulumi.plugin_server import plugin_script
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.state.checkpoint import parse_urn

pytestmark = needs_cli


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's machine: a backend, a passphrase and a Pulumi home of their own."""
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    for name in ("backend", "home", "plugins"):
        (tmp_path / name).mkdir()
    script = tmp_path / "plugins" / "pulumi-resource-aws"
    script.write_text(plugin_script("aws", "pulumi_world:make"))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "plugins"), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[2])]))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/backend")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
    monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    monkeypatch.setenv("WORLD", str(tmp_path / "system" / "world"))
    return tmp_path


@pytest.fixture
def system(user: Path) -> Path:
    root = user / "system"
    root.mkdir()
    prepare(root)
    for name, text in stack_files("fraud", "../..").items():
        path = root / "stacks" / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_text(text)
    return root


def pulumi(root: Path, *arguments: str, text: str | None = None) -> str:
    command = [str(CLI), *arguments, "--non-interactive"]
    done = subprocess.run(command, cwd=root / "stacks" / "data", capture_output=True, text=True, input=text)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_backend_secrets_and_selected_stack_stay_the_users(system: Path, user: Path) -> None:
    pulumi(system, "stack", "init", "mine")
    (system / "stacks/data/Pulumi.dev.yaml").rename(system / "stacks/data/Pulumi.eu-dev.yaml")
    engine = PulumiEngine(system, "fraud", "dev")
    wanted = engine.named(graph(system, stack_of(node(NAMED, "one", {"name": "one"}))))
    assert wanted.stacks[0].name == "eu-dev"
    assert dict(engine.details)["backend"] == f"file://{user}/backend"
    made = engine.up(wanted)
    assert made.ok and made.stacks[0].stack == "eu-dev"
    assert [parse_urn(item["urn"]).stack for item in world(system).objects().values()] == ["eu-dev"]
    assert (user / "backend/.pulumi/stacks/fraud-data/eu-dev.json").exists()
    assert pulumi(system, "stack", "--show-name") == "mine"
    settings = yaml.safe_load((system / "stacks/data/Pulumi.eu-dev.yaml").read_text())
    assert settings["encryptionsalt"].startswith("v1:") and "fraud-data:environment" in settings["config"]
    assert not (system / ".mlops-iac/pulumi/passphrase").exists()
    with pytest.raises(DiagnosticsError) as caught:
        engine.destroy(wanted, forget=True)
    assert caught.value.diagnostics[0].code == NOT_OFFERED
    assert engine.destroy(wanted).ok and not world(system).objects()


def test_a_create_whose_outcome_nobody_knows_stops_the_next_run(system: Path, user: Path) -> None:
    engine = PulumiEngine(system, "fraud", "dev")
    wanted = engine.named(graph(system, stack_of(node(NAMED, "one", {"name": "one"}))))
    assert engine.up(wanted).ok
    path = user / "backend/.pulumi/stacks/fraud-data/dev.json"
    document = json.loads(path.read_text())
    latest = document["checkpoint"]["latest"]
    resource = {**latest["resources"][-1], "urn": f"{latest['resources'][-1]['urn']}-two"}
    latest["pending_operations"] = [{"resource": resource, "type": "creating"}]
    path.write_text(json.dumps(document))
    before = world(system).calls()
    with pytest.raises(DiagnosticsError) as caught:
        engine.up(wanted)
    (found,) = caught.value.diagnostics
    assert found.code == PENDING_CREATES
    assert "one-two" in found.message
    assert "--import-pending-creates" in found.hint and "--clear-pending-creates" in found.hint
    assert world(system).calls() == before
    # What the hint says settles it.
    pulumi(system, "refresh", "--yes", "--skip-preview", "--stack", "dev", "--clear-pending-creates")
    assert engine.up(wanted).ok


def test_account_region_backend_and_stacks_are_said_before_anybody_agrees(user: Path) -> None:
    folder = user / "churn"
    for name, text in project_files("churn").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    result = CliRunner().invoke(cli, ["up", "-C", str(folder), "--engine", "pulumi"])
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    for expected in (
        "account: 111122223333",
        "region: eu-west-1",
        f"backend: file://{user}/backend",
        "stacks: dev of churn-foundation",
    ):
        assert expected in said
    assert NOT_CONFIRMED in said
    assert not list((user / "backend").rglob("*.json"))


@pytest.mark.parametrize("begun", ["updating", "deleting"])
def test_what_was_begun_on_something_known_is_settled_by_the_engines_refresh(
    begun: str, system: Path, user: Path
) -> None:
    engine = PulumiEngine(system, "fraud", "dev")
    wanted = engine.named(graph(system, stack_of(node(NAMED, "one", {"name": "one"}))))
    assert engine.up(wanted).ok
    path = user / "backend/.pulumi/stacks/fraud-data/dev.json"
    document = json.loads(path.read_text())
    latest = document["checkpoint"]["latest"]
    latest["pending_operations"] = [{"resource": latest["resources"][-1], "type": begun}]
    path.write_text(json.dumps(document))
    if begun == "deleting":
        (system / "world" / "objects" / "one.json").unlink()
    result = engine.up(wanted)
    assert result.ok and [item.type for item in result.stacks[0].resolved] == [begun]
    assert list(world(system).objects()) == ["one"]
    assert not engine.snapshots(wanted)["fraud-data"].pending
