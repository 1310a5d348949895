"""Outputs of Terraform and CloudFormation as inputs, as the README shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_iac.pipeline import request_at, run_phases

from .conftest import Run

README = Path(__file__).parents[2] / "README.md"
VPC, ONCALL, SECRET = "vpc-0a1b2c3d4e5f60718", "oncall@example.com", "battery staple"
IDS = {
    "vpc_id": VPC,
    "private_subnets": [f"subnet-0a1b2c3d4e5f6071{n}" for n in range(3)],
    "private_route_tables": [f"rtb-0a1b2c3d4e5f6071{n}" for n in range(3)],
}
OUTPUTS = {
    **{name: {"value": value, "sensitive": False} for name, value in IDS.items()},
    "retention": {"value": 45},
    "password": {"value": SECRET, "sensitive": True},
}
STACKS = {"Stacks": [{"StackName": "zone", "Outputs": [{"OutputKey": "OnCall", "OutputValue": ONCALL}]}]}


@pytest.fixture(params=["terraform output -json", "a state file"])
def importing(
    request: pytest.FixtureRequest, system: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The small system with what the README says of imports, and the files that it names."""
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    (example,) = re.findall(r"^```yaml\n(imports:.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    with (system / "system.yaml").open("a") as file:
        file.write(example)
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x", "resources": []}
    (system / "imports").mkdir()
    (system / "imports/platform.json").write_text(json.dumps({**state, "outputs": OUTPUTS}))
    (system / "imports/zone.json").write_text(json.dumps(STACKS))
    yield system
    run("destroy", "-C", system, "--yes")


@pytest.mark.parametrize("of", ["terraform output -json", "a state file"])
def test_the_example_of_the_readme_compiles_to_what_the_files_say(of: str, importing: Path) -> None:
    if of.startswith("terraform"):
        (importing / "imports/platform.json").write_text(json.dumps(OUTPUTS))
    graph = run_phases(request_at(importing), "compile").graph
    assert graph is not None
    inputs = {node.type: dict(node.inputs) for node in graph.nodes()}
    assert inputs["aws:ec2/vpcEndpoint:VpcEndpoint"]["vpcId"] == VPC
    assert inputs["aws:sns/topicSubscription:TopicSubscription"]["endpoint"] == ONCALL


def test_it_is_applied_and_no_secret_is_kept(importing: Path, run: Run) -> None:
    given = ("~network", "buckets.raw.keep=${imports.platform.retention}d")
    made = run("up", "-C", importing, "--yes", "--only", "foundation,data", *given)
    assert made.exit_code == 0, made.output
    states = "".join(path.read_text() for path in (importing / ".mlops-iac/state").rglob("*") if path.is_file())
    assert f'"endpoint": "{ONCALL}"' in states and '"days": 45' in states and SECRET not in states
    preview = run("preview", "-C", importing, "--format", "json", "--only", "foundation,data", *given)
    summary = json.loads(preview.stdout)["summary"]
    assert {op for op, count in summary.items() if count} == {"same"}
