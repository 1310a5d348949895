"""A reviewed plan under the real engine: exactly that is applied, and nothing once something moved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi_harness import needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
pytest.importorskip("moto", reason="the local target's packages are not installed")

import boto3

from mlops_iac.cli.init import project_files

pytestmark = needs_cli
Mlops = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def mlops(tmp_path: Path) -> Iterator[Mlops]:
    """Runs a verb on the foundation layer of a new system, on this machine by the real engine."""
    for name, text in project_files("churn").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AWS_"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        on = ("--engine", "pulumi", "--target", "local", "--only", "foundation") if arguments[0] != "plan" else ()
        command = [sys.executable, "-m", "mlops_iac", *arguments, *on]
        return subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)

    yield run
    ended = run("destroy", "--yes")
    assert ended.returncode == 0, ended.stderr


def retention(folder: Path, days: int) -> int:
    """Set how long flow logs are kept, by hand; answers how long they were."""
    port = json.loads((folder / ".mlops-iac" / "pulumi" / "moto.json").read_text())["port"]
    settings = {"region_name": "eu-west-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    logs = boto3.client("logs", endpoint_url=f"http://127.0.0.1:{port}", **settings)
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/vpc/")["logGroups"]
    logs.put_retention_policy(logGroupName=group["logGroupName"], retentionInDays=days)
    return int(group["retentionInDays"])


def test_a_reviewed_plan_is_applied_once_and_only_as_it_was(mlops: Mlops, tmp_path: Path) -> None:
    saved = mlops("preview", "--save-plan", "reviewed.json", "--format", "json")
    assert saved.returncode == 0, saved.stderr
    plan = json.loads((tmp_path / "reviewed.json").read_text())
    assert set(plan["enginePlans"]) == {"foundation"}, "Pulumi's own update plan goes along"

    applied = mlops("up", "--plan", "reviewed.json", "--yes", "--format", "json")
    assert applied.returncode == 0, applied.stdout
    changes = [change for stack in json.loads(saved.stdout)["stacks"] for change in stack["changes"]]
    planned = [c for c in changes if c["op"] == "create" and not c["type"].startswith(("pulumi:", "mlops:"))]
    assert json.loads(applied.stdout)["summary"]["create"] == len(planned) > 0

    again = mlops("up", "--plan", "reviewed.json", "--yes")
    assert (again.returncode, "the state of foundation moved" in again.stderr) == (3, True)

    assert mlops("preview", "--save-plan", "shorter.json", "env.log_retention=90d").returncode == 0
    reviewed_over = retention(tmp_path, 30)
    drifted = mlops("up", "--plan", "shorter.json", "--yes")
    said = " ".join(drifted.stderr.split())
    assert (drifted.returncode, "MI6017" in said, "network.flow-logs, which shorter.json" in said) == (3, True, True)
    assert "retentionInDays differs" in said and "audit.trail-log" not in said
    assert "`mlops-iac refresh env.log_retention=90d --engine pulumi --target local --only foundation`" in said
    assert retention(tmp_path, reviewed_over) == 30, "a refused plan changes nothing"
    assert mlops("plan", "check", "shorter.json").returncode == 0, "put back, it fits"

    assert mlops("preview", "--save-plan", "next.json", "network.cidr=10.1.0.0/16").returncode == 0
    system = tmp_path / "system.yaml"
    system.write_text(system.read_text().replace("nat: single", "nat: none"))
    stale = mlops("up", "--plan", "next.json", "--yes")
    assert (stale.returncode, "changed after next.json was saved" in stale.stderr) == (3, True)
    unchanged = mlops("preview", "--exit-code", "network.nat=single")
    assert unchanged.returncode == 0, "a refused plan changes nothing"
