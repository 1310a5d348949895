"""``mlops_iac.pulumi`` under Pulumi's own mocks, and its types."""

from __future__ import annotations

import ast
import inspect
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pulumi = pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")

from pulumi.runtime.mocks import MockMonitor  # noqa: E402

import mlops_iac.pulumi as program  # noqa: E402
from mlops_iac.components.registry import own_registry  # noqa: E402
from mlops_iac.engines.pulumi.declared import Component, System, class_names  # noqa: E402
from mlops_iac.engines.pulumi.stub import STUB  # noqa: E402
from tests.engines.pulumi.mocked import Echo, finish, known, program_of  # noqa: E402

# The SDK's modules import their own deprecated classes.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")
EXAMPLE = Path(__file__).parents[3] / "examples" / "pulumi-program"
SYSTEM: dict[str, Any] = {
    "owner": "ml@example.com",
    "purpose": "tries components",
    "region": "eu-west-1",
    "account": "111122223333",
    "env": "dev",
}


@pytest.fixture
def cloud() -> Iterator[Echo]:
    """The mocks that the program runs under."""
    mocks = Echo()
    with program_of(mocks, "small"):
        yield mocks


def test_a_component_has_its_outputs_within_the_block_and_after(cloud: Echo) -> None:
    with System("small", **SYSTEM):
        raw = program.Bucket("raw", classification="confidential")
        text = pulumi.Output.concat("s3://", raw.name)
    assert known(text) == "s3://small-dev-raw-111122223333"
    assert known(raw.outputs["arn"]) == "arn:raw.bucket"
    assert cloud.made["raw.bucket"].typ == "aws:s3/bucket:Bucket"


def test_text_may_be_an_output_also_within_a_longer_text(cloud: Echo) -> None:
    with System("small", **SYSTEM):
        program.Alert("oncall", email=[pulumi.Output.from_input("a@example.com")])
    finish()
    assert cloud.made["oncall.mail-1"].inputs["endpoint"] == "a@example.com"


def test_a_component_may_be_given_by_kind_and_name(cloud: Echo) -> None:
    with System("small", **SYSTEM) as system:
        pass
    with system:
        kept = Component("buckets", "kept", {"keep": "30d"})
    assert known(kept.name) == "small-dev-kept-111122223333"


def test_the_example_runs(cloud: Echo) -> None:
    pulumi.runtime.set_all_config({"small:account": "111122223333"})
    runpy.run_path(str(EXAMPLE / "__main__.py"))
    finish()
    assert cloud.made["customers.group"].typ == "aws:sagemaker/featureGroup:FeatureGroup"
    uri = cloud.made["customers.group"].inputs["offlineStoreConfig"]["s3StorageConfig"]["s3Uri"]
    assert uri.startswith("s3://acme-claims-landing-111122223333/")
    assert cloud.made["oncall.mail-1"].inputs["endpoint"]["value"] == "claims-oncall@acme.example", "secret"


def test_children_follow_an_alias_of_their_component(cloud: Echo) -> None:
    requests: dict[str, Any] = {}

    class Recorder(MockMonitor):
        def RegisterResource(self, request: Any) -> Any:
            requests[request.name] = request
            return super().RegisterResource(request)

    with program_of(cloud, "small", monitor=Recorder(cloud)):
        with System("small", **SYSTEM):
            program.Bucket("raw", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
        finish()
    # The engine derives the children's aliases from their parent's.
    assert [alias.spec.name for alias in requests["raw"].aliases] == ["old"]
    assert requests["raw.bucket"].parent.endswith("mlops:data:Bucket::raw")


@pytest.mark.parametrize(
    ("declare", "told"),
    [
        pytest.param(lambda: Component("bukets", "raw"), "did you mean `buckets`?", id="kind"),
        pytest.param(lambda: (program.Bucket("raw"), program.Bucket("raw")), "is declared twice", id="twice"),
        pytest.param(lambda: program.Bucket("Raw"), "Raw", id="name"),
        pytest.param(lambda: program.Bucket("raw", keep=pulumi.Output.from_input("3d")), "must be known", id="output"),
        pytest.param(lambda: program.Catalog("c", results="rwa"), "no bucket `rwa`", id="reference"),
    ],
)
def test_what_is_wrong_is_told_at_the_line(declare: Any, told: str, cloud: Echo) -> None:
    with pytest.raises(pulumi.RunError, match=told) as caught, System("small", **SYSTEM):
        declare()
    assert "test_declared.py:" in str(caught.value)


def test_a_component_needs_an_open_system(cloud: Echo) -> None:
    with pytest.raises(pulumi.RunError, match="belongs to no open system"):
        program.Bucket("raw")


def test_a_wrong_system_is_told_at_its_line(cloud: Echo) -> None:
    wrong = {**SYSTEM, "account": "12"}
    with pytest.raises(pulumi.RunError, match=r"test_declared\.py:\d+") as caught, System("small", **wrong):
        pass
    assert "account" in str(caught.value)


def test_there_is_a_class_for_every_kind(cloud: Echo) -> None:
    assert {class_names()[name] for name in dir(program) if name in class_names()} == set(own_registry().kinds)
    with pytest.raises(AttributeError, match="has no 'Buket'"):
        program.Buket  # noqa: B018


def test_the_stub_says_of_what_is_written_by_hand_what_the_code_says() -> None:
    classes = {
        node.name: node for node in ast.parse(STUB.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)
    }
    for real in (System, Component):
        init = next(n for n in classes[real.__name__].body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
        typed = [argument.arg for argument in (*init.args.args, *init.args.kwonlyargs)]
        assert typed == list(inspect.signature(real.__init__).parameters)


TYPED = """\
import pulumi
from mlops_iac.pulumi import Bucket, FeatureStore
raw = Bucket("raw", classification="confidential", keep="30d")
name: pulumi.Output[str] = raw.name
FeatureStore("a", record_id="id", event_time=raw.name, features={"x": "float"}, offline={"bucket": raw, "table": "glue"})
Bucket("b", clasification="internal")
Bucket("c", classification="secret")
FeatureStore("d", record_id="id", event_time="t", features={"x": "float"}, offline={"table": "glue"})
FeatureStore("e", record_id="id", event_time="t", features={"x": "float"}, offline={"bucket": 1})
raw.nmae.apply(str)
mine = Bucket("mine", backend="existing", name=name, key_arn=name)
Bucket("f", backend="existing", name=name)
"""


def test_mypy_sees_the_fields(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(TYPED, encoding="utf-8")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--no-error-summary",
            "--cache-dir",
            str(root / ".mypy_cache"),
            str(file),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = [int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line]
    assert sorted(set(lines)) == [6, 7, 8, 9, 10, 12], done.stdout + done.stderr
