"""State in S3, sealed by KMS, as `mlops-iac delivery --setup` has it made: the real CLI against moto on loopback.

What a plan and a look for drift ask of both services is what the role that only reads may do.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_harness import HERE, needs_cli

pytest.importorskip("pulumi", reason="the Pulumi SDK is not installed")
pytest.importorskip("moto", reason="moto is not installed")

import boto3
from local.fake import NAMED, node
from local.fake import stack as stack_of
from moto.server import DomainDispatcherApplication, create_backend_app
from pulumi_world import graph, prepare
from werkzeug.serving import make_server

from mlops_iac.delivery.project import Access, Target, secrets_provider
from mlops_iac.delivery.roles import statements
from mlops_iac.diagnostics import DiagnosticsError
from mlops_iac.engines.events import OwnPreview
from mlops_iac.engines.pulumi.codes import NO_STACK
from mlops_iac.engines.pulumi.engine import PulumiEngine
from mlops_iac.engines.pulumi.plugin_server import plugin_script
from mlops_iac.engines.pulumi.scaffold import stack_files
from mlops_iac.graph.nodes import Graph
from mlops_iac.graph.values import Secret
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.reviewed import Reviewed

from .test_cloud_target import pulumi

pytestmark = needs_cli
TARGET = Target("dev", "123456789012", "eu-west-1", state_bucket="acme-state", state_key="acme-state")
_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}


class Cloud:
    """S3 and KMS on loopback, and every action that was asked of them."""

    def __init__(self) -> None:
        self.actions: set[str] = set()
        application = DomainDispatcherApplication(create_backend_app)

        def noted(environ, start):
            target = environ.get("HTTP_X_AMZ_TARGET", "")
            if target:
                self.actions.add(f"kms:{target.partition('.')[2]}")
            elif "list-type=2" in environ.get("QUERY_STRING", ""):
                self.actions.add("s3:ListBucket")
            else:
                self.actions.add(_ACTIONS[environ["REQUEST_METHOD"]])
            return application(environ, start)

        self.server = make_server("127.0.0.1", 0, noted, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "AWS_"))]:
        monkeypatch.delenv(name)
    made = Cloud()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    keys = {"region_name": "eu-west-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", endpoint_url=made.url, **keys).create_bucket(
        Bucket="acme-state", CreateBucketConfiguration=place
    )
    kms = boto3.client("kms", endpoint_url=made.url, **keys)
    kms.create_alias(AliasName="alias/acme-state", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def system(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    script = tmp_path / "plugins" / "pulumi-resource-aws"
    script.parent.mkdir()
    script.write_text(plugin_script("aws", "pulumi_world:make"))
    script.chmod(0o755)
    host = cloud.url.removeprefix("http://")
    root = tmp_path / "system"
    for name, value in {
        "PATH": os.pathsep.join([str(script.parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent), str(HERE.parents[2])]),
        "PULUMI_BACKEND_URL": f"s3://acme-state?region=eu-west-1&endpoint={host}&disableSSL=true&s3ForcePathStyle=true",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "WORLD": str(root / "world"),
        "AWS_ENDPOINT_URL": cloud.url, "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    root.mkdir()
    prepare(root)
    for name, text in stack_files("fraud", "../..").items():
        path = root / "stacks" / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_text(text)
    return root


def previewed(engine: PulumiEngine, wanted: Graph) -> OwnPreview:
    return engine.own_preview(plan_graph(wanted, engine.snapshots(wanted), "the state"), wanted, binding=True)


def granted(access: Access) -> set[str]:
    found = statements("fraud", TARGET, access, ())["state"]
    return {action for statement in found for action in statement.actions if action.startswith(("s3:", "kms:"))}


def test_the_roles_suffice_and_no_passphrase_is_needed(system: Path, cloud: Cloud) -> None:
    wanted = graph(system, stack_of(node(NAMED, "one", {"name": "one", "policy": Secret("hidden-word")})))
    engine = PulumiEngine(system, "fraud", "dev")
    with pytest.raises(DiagnosticsError) as caught:
        previewed(engine, wanted)
    assert {item.code for item in caught.value.diagnostics} == {NO_STACK}

    # A person makes the stack once; what that writes into the settings is lost in the checkout that CI has.
    settings = system / "stacks/data/Pulumi.dev.yaml"
    before = settings.read_text()
    pulumi(system, "stack", "init", "dev", "--secrets-provider", secrets_provider(TARGET))
    assert PulumiEngine(system, "fraud", "dev").up(wanted).ok
    settings.write_text(before)

    cloud.actions.clear()
    engine = PulumiEngine(system, "fraud", "dev")
    assert engine.look(wanted).ok
    plans = previewed(engine, wanted).plans
    assert "hidden-word" not in str(plans)
    assert {"s3:GetObject", "s3:ListBucket", "kms:Decrypt"} <= cloud.actions <= granted(Access.PLAN)

    cloud.actions.clear()
    assert engine.up(wanted, reviewed=Reviewed("the plan", {}, engine_plans=plans)).ok
    assert "s3:PutObject" in cloud.actions <= granted(Access.APPLY)
