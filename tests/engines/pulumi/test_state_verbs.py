"""``mlops-iac state`` on the stacks of a Pulumi backend: the same verbs, words and documents as on the local state."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pulumi_harness import CLI, needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from local.fake import NAMED, UNNAMED, key, node
from local.fake import stack as stack_of
from pulumi_world import engine, graph, world

from mlops_iac.cli.main import cli
from mlops_iac.graph.values import Secret

pytestmark = needs_cli
SECRET = "correct horse battery"


@pytest.fixture
def root(root: Path) -> Path:
    """A system whose data layer is deployed: one resource needs another, one is protected, one has a secret."""
    base = node(NAMED, "base", {"name": "base", "policy": Secret(SECRET)})
    user = node(UNNAMED, "user", {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24"}, depends_on=(key(NAMED, "base"),))
    kept = node(NAMED, "kept", {"name": "kept"}, protect=True)
    made = engine(root).up(graph(root, stack_of(base, user, kept)))
    assert made.ok, made.failures
    return root


def state(root: Path, *arguments: str | Path) -> Result:
    on = ("-C", str(root), "--engine", "pulumi", "--target", "local")
    return CliRunner().invoke(cli, ["state", *map(str, arguments), *on])


def names(root: Path) -> list[str]:
    document = json.loads(state(root, "list", "--stack", "dev", "--format", "json").stdout)
    (stack,) = [each for each in document["stacks"] if each["resources"]]
    assert (stack["project"], stack["stack"], stack["pending"]) == ("fraud-data", "dev", [])
    assert set(stack) == {"project", "stack", "serial", "written", "pending", "resources"}
    return [item["urn"].rpartition("::")[2] for item in stack["resources"] if not item["type"].startswith("pulumi:")]


def test_the_verbs_on_a_pulumi_backend(root: Path, tmp_path: Path) -> None:
    listed = state(root, "list")
    assert listed.exit_code == 0, listed.output
    assert "fraud-data/dev  state of " in listed.stdout and "base" in listed.stdout and "[protected]" in listed.stdout
    assert sorted(names(root)) == ["base", "kept", "user"]

    shown = state(root, "show", "data", "base", "--format", "json")
    assert json.loads(shown.stdout)["inputs"]["name"] == "base"
    file = tmp_path / "data.json"
    exported = state(root, "export", "data", "--file", file)
    assert exported.exit_code == 0 and stat.S_IMODE(file.stat().st_mode) == 0o600
    for said in (listed.output, shown.output, state(root, "show", "data", "base").output, file.read_text()):
        assert SECRET not in said

    needed = state(root, "delete", "data", "base", "--yes")
    assert needed.exit_code == 1 and "is still named by 1 others" in " ".join(needed.output.split())
    protected = state(root, "delete", "data", "kept", "--yes")
    said = " ".join(protected.output.split())
    assert protected.exit_code == 1
    assert "fraud-data/dev: urn:pulumi:dev::fraud-data::aws:sqs/queue:Queue::kept is protected" in said
    assert sorted(names(root)) == ["base", "kept", "user"]

    assert state(root, "delete", "data", "kept", "--force", "--yes").exit_code == 0
    assert state(root, "delete", "data", "user", "--yes").exit_code == 0
    assert sorted(names(root)) == ["base"]
    assert sorted(world(root).objects()) and len(world(root).objects()) == 3, "what it stands for is left alone"
    assert state(root, "backups", "data").stdout.count("resources: ") == 2

    restored = state(root, "restore", "data", "--yes")
    assert restored.exit_code == 0, restored.output
    assert sorted(names(root)) == ["base", "user"]
    asked = state(root, "import", file)
    assert asked.exit_code == 1 and "--yes" in asked.output
    imported = state(root, "import", file, "--yes")
    assert imported.exit_code == 0 and "fraud-data/dev is now state, with" in imported.stdout
    assert sorted(names(root)) == ["base", "kept", "user"]
    kept = sorted((root / ".mlops-iac/pulumi/exports/fraud-data").iterdir())
    assert len(kept) == 3 and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)


@pytest.mark.parametrize("begun", ["creating", "updating"])
def test_what_pulumi_forgets_of_an_export_is_said_before_it_is_taken_over(
    begun: str, root: Path, tmp_path: Path
) -> None:
    document = json.loads(state(root, "export", "data").stdout)
    resources = document["deployment"]["resources"]
    (user,) = (item for item in resources if item["urn"].endswith("::user"))
    resource = {key: value for key, value in user.items() if begun == "updating" or key not in ("id", "outputs")}
    if begun == "creating":
        resources.remove(user)
    document["deployment"]["pending_operations"] = [{"resource": resource, "type": begun}]
    file = tmp_path / "killed.json"
    file.write_text(json.dumps(document))

    for answer in ((), ("--yes",)):
        said = " ".join(state(root, "import", file, *answer).output.split())
        assert f"Subnet user was {begun} when this state was written" in said, "before anybody agrees, too"
        assert ("mlops-iac import" if begun == "creating" else "mlops-iac refresh") in said
    assert "Under way" not in said and sorted(names(root)) == sorted(
        item["urn"].rpartition("::")[2] for item in resources if not item["type"].startswith("pulumi:")
    )


@pytest.mark.parametrize("damage", ["cut off", "gone"])
def test_a_checkpoint_that_was_lost_is_put_back(damage: str, root: Path) -> None:
    path = root / ".mlops-iac/pulumi/backend/.pulumi/stacks/fraud-data/dev.json"
    whole = path.read_bytes()
    path.unlink() if damage == "gone" else path.write_bytes(whole[: len(whole) // 2])

    lost = " ".join(state(root, "list").output.split())
    command = "mlops-iac state restore fraud-data --stack dev --engine pulumi --target local"
    assert "MI7244" in lost and f"`{command}` puts that back" in lost
    restored = state(root, "restore", "fraud-data", "--stack", "dev", "--yes")
    assert restored.exit_code == 0, restored.output
    assert path.read_bytes() == whole and sorted(names(root)) == ["base", "kept", "user"]
    assert path.with_name("dev.json.damaged").exists() == (damage == "cut off")


@pytest.mark.parametrize(("name", "said"), [("base", "depend"), ("kept", "protected")])
def test_what_we_refuse_pulumi_refuses_too(name: str, said: str, root: Path) -> None:
    urn = json.loads(state(root, "show", "data", name, "--format", "json").stdout)["urn"]
    line = f". {root}/.mlops-iac/pulumi/env && exec {CLI} state delete '{urn}' --yes --stack dev"
    folder = root / ".mlops-iac/pulumi/stacks/data"
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True)
    assert done.returncode != 0 and said in done.stderr
    assert state(root, "delete", "data", name, "--yes").exit_code == 1


def test_what_is_not_there_is_said(root: Path, tmp_path: Path) -> None:
    other = state(root, "show", "serving", "x")
    assert other.exit_code == 1 and "'serving' has no state" in other.output and "fraud-data/dev" in other.output
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    assert state(root, "import", bad, "--yes").exit_code == 1
    assert sorted(names(root)) == ["base", "kept", "user"]
