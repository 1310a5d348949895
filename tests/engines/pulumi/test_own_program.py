"""examples/pulumi-program on the real engine: components beside resources of the program's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi_harness import CLI, HERE, needs_cli

from mlops_iac.engines.pulumi.plugin_server import plugin_script
from mlops_iac.graph.evaluate import UNKNOWN, contains_unknown, evaluate
from mlops_iac.pipeline import request_at, run_phases

pytestmark = needs_cli
EXAMPLE = HERE.parents[2] / "examples" / "pulumi-program"


class Project:
    """One project with a file backend and the echo provider."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("state", "home", "plugins", "program"):
            (root / folder).mkdir(parents=True)
        for package in ("aws", "kubernetes"):
            script = root / "plugins" / f"pulumi-resource-{package}"
            script.write_text(plugin_script(package, "echo_provider:make", python=sys.executable), encoding="utf-8")
            script.chmod(0o755)
        (root / "outputs.json").write_text("{}", encoding="utf-8")
        self.program = root / "program"

    def write(self, text: str, project: str) -> None:
        (self.program / "__main__.py").write_text(text, encoding="utf-8")
        plugins = [{"name": name, "path": str(self.root / "plugins")} for name in ("aws", "kubernetes")]
        (self.program / "Pulumi.yaml").write_text(
            f"{project}\nplugins: {json.dumps({'providers': plugins})}\n", encoding="utf-8"
        )

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "AWS_"))}
        environment = {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(Path(str(CLI)).parent), os.environ["PATH"]]),
            "PULUMI_HOME": str(self.root / "home"),
            "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[2])]),
            "ECHO_OUTPUTS": str(self.root / "outputs.json"),
            "ECHO_LOG": str(self.root / "calls.jsonl"),
        }
        done = subprocess.run(
            [str(CLI), *arguments, "--non-interactive"],
            cwd=self.program,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not check or done.returncode == 0, f"pulumi {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def resources(self) -> dict[str, dict[str, Any]]:
        deployment = json.loads(self.run("stack", "export", "--show-secrets").stdout)["deployment"]
        return {resource["urn"]: resource for resource in deployment["resources"]}


def opened(value: Any) -> Any:
    """A recorded input, laid open where it is secret."""
    return json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the engine recorded of the example."""
    project = Project(tmp_path_factory.mktemp("example"))
    text = (EXAMPLE / "__main__.py").read_text(encoding="utf-8")
    project.write(text, (EXAMPLE / "Pulumi.yaml").read_text(encoding="utf-8"))
    project.run("stack", "init", "dev")
    project.run("up", "--yes", "--skip-preview")
    return project.resources()


def test_components_are_what_the_same_yaml_makes(example: dict[str, dict[str, Any]]) -> None:
    """That YAML is the one by which benchmarks compare previews of the two."""
    graph = run_phases(request_at(HERE.parents[2] / "benchmarks" / "pulumi_program"), "compile").graph
    assert graph is not None
    made = {(urn.split("::")[2], urn.split("::")[3]): resource for urn, resource in example.items()}
    for stack in graph.stacks:
        index = {node.key: node for node in stack.nodes}
        for node in stack.nodes:
            # The program knows the key's ARN only after apply.
            if node.type.startswith("pulumi:providers:") or node.name == "customers.role-policy":
                continue
            resource = made[tuple(stack.urn(node, index).split("::")[2:4])]
            inputs = {name: evaluate(value, lambda _: UNKNOWN) for name, value in node.inputs.items()}
            known = {name: value for name, value in inputs.items() if not contains_unknown(value)}
            recorded = {name: opened(resource["inputs"][name]) for name in known}
            assert json.loads(json.dumps(recorded)) == json.loads(json.dumps(known)), node.name


def test_hand_written_resources_and_components_feed_each_other(example: dict[str, dict[str, Any]]) -> None:
    named = {urn.split("::")[3]: resource for urn, resource in example.items()}
    endpoint = named["oncall.mail-1"]["inputs"]["endpoint"]
    assert opened(endpoint) == "claims-oncall@acme.example"
    assert endpoint != opened(endpoint), "a parameter's value is secret, and stays so"
    assert any("oncall-mailbox" in urn for urn in named["oncall.mail-1"]["dependencies"])
    assert "raw.bucket" in str(named["partner-reads-claims"]["dependencies"])
    policy = json.loads(named["customers.role-policy"]["inputs"]["policy"])
    assert "acme-claims-landing-111122223333" in str(policy)
    assert "aws:kms/key:Key::landing" in str(named["customers.role-policy"]["dependencies"])
    assert named["claims-platform-dev"]["outputs"]["featureGroup"] == "claims-dev-customers"
    assert named["raw"]["outputs"]["name"] == "claims-dev-raw-111122223333"


def test_options_reach_the_children(example: dict[str, dict[str, Any]]) -> None:
    protected = {urn.split("::")[3] for urn, resource in example.items() if resource.get("protect")}
    assert {"raw", "raw.bucket", "raw.encryption"} <= protected
    assert "scoring.repository" not in protected


OPTIONS = """\
import pulumi
import pulumi_aws as aws

from mlops_iac.pulumi import Bucket, Network, System

mine = aws.Provider("mine", region="eu-west-1")
vpc = aws.ec2.Vpc("landing-zone", cidr_block="10.0.0.0/16")
subnets = [aws.ec2.Subnet(f"landing-{zone}", vpc_id=vpc.id, cidr_block=f"10.0.{zone}.0/24") for zone in (1, 2)]


class Platform(pulumi.ComponentResource):
    def __init__(self) -> None:
        super().__init__("acme:index:Platform", "platform")
        with System(
            "small", owner="ml@example.com", purpose="tries options", region="eu-west-1", account="111122223333",
            env="dev", opts=pulumi.ResourceOptions(parent=self, provider=mine),
        ):
            Bucket("raw", opts=pulumi.ResourceOptions(
                transformations=[lambda args: pulumi.ResourceTransformationResult(
                    {**args.props, "force_destroy": False} if args.type_ == "aws:s3/bucket:Bucket" else args.props,
                    args.opts,
                )],
            ))
            Network(
                vpc="existing", vpc_id=vpc.id, availability_zones=2, cidr="10.0.0.0/16",
                private_subnet_ids=[subnet.id for subnet in subnets], private_route_table_ids=["rtb-1"],
            )


Platform()
"""


def test_a_parent_a_provider_a_transformation_and_an_existing_vpc(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(OPTIONS, "name: options\nruntime: {name: python, options: {toolchain: pip}}")
    project.run("stack", "init", "dev")
    project.run("up", "--yes", "--skip-preview")
    named = {urn.split("::")[3]: resource for urn, resource in project.resources().items()}
    bucket = named["raw.bucket"]
    assert bucket["parent"].endswith("acme:index:Platform$mlops:data:Bucket::raw")
    assert "::mine::" in bucket["provider"]
    assert "::mine::" in named["keys.internal-key"]["provider"]
    assert "aws" not in named
    assert bucket["inputs"]["forceDestroy"] is False
    assert named["network.workloads"]["inputs"]["vpcId"] == "Vpc-landing-zone"
    assert named["network.endpoint-logs"]["inputs"]["subnetIds"] == ["Subnet-landing-1", "Subnet-landing-2"]


WRONG = """\
import pulumi
from mlops_iac.pulumi import Bucket, FeatureStore, System

with System("small", owner="ml@example.com", purpose="is wrong", region="eu-west-1", account="111122223333"):
    Bucket("raw", clasification="internal")
    FeatureStore("a", record_id="id", event_time="t", features={"x": "float"}, offline={"bucket": "rwa"})
    Bucket("late", keep=pulumi.Output.from_input("30d"))
"""


def test_errors_stand_at_the_line_of_the_program(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(WRONG, "name: wrong\nruntime: {name: python, options: {toolchain: pip}}")
    project.run("stack", "init", "dev")
    done = project.run("preview", check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert "__main__.py:5:1" in said
    assert "did you mean `classification`?" in said
    assert "__main__.py:7:1" in said
    assert "must be known when the graph is made" in said
