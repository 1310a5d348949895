"""A renamed component is the same one to the real engine, with everything below it."""

from __future__ import annotations

from pathlib import Path

from pulumi_harness import Backend, needs_cli

from mlops_iac.graph.nodes import Graph, Layer, Node, Stack
from mlops_iac.graph.values import NodeKey

PROGRAM = """\
import os
from mlops_iac.engines.pulumi.program import register
from mlops_iac.graph.nodes import Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref

name, former = ("landing", ("raw",)) if os.path.exists("renamed") else ("raw", ())
aws = NodeKey("data", "pulumi:providers:aws", "aws")
root = NodeKey("data", "mlops:data:Bucket", name)
bucket = NodeKey("data", "aws:s3/bucket:Bucket", f"{name}.bucket")
versioning = NodeKey("data", "aws:s3/bucketVersioning:BucketVersioning", f"{name}.versioning")


def options(suffix, **more):
    return Options(aliases=tuple(f"{was}{suffix}" for was in former), **more)


nodes = (
    Node(aws, {"region": "eu-west-1"}),
    Node(root, {}, options(""), custom=False),
    Node(bucket, {"bucket": "x-raw"}, options(".bucket", parent=root, provider=aws)),
    Node(
        versioning,
        {"bucket": Ref(bucket, ("bucket",)), "versioningConfiguration": {"status": "Enabled"}},
        options(".versioning", parent=bucket, provider=aws),
    ),
)
register(Stack(Layer.DATA, "tiny-data", "dev", nodes), system="tiny")
"""
PROJECT = "name: tiny-data\nruntime: {name: python, options: {toolchain: pip}}\n"


@needs_cli
def test_a_rename_changes_nothing(tmp_path: Path) -> None:
    provider = Node(NodeKey("data", "pulumi:providers:aws", "aws"), {})
    graph = Graph("tiny", "dev", (Stack(Layer.DATA, "tiny-data", "dev", (provider,)),))
    backend = Backend.make(tmp_path / "pulumi", graph)
    backend.project("data", {"Pulumi.yaml": PROJECT, "__main__.py": PROGRAM})
    backend.run("data", "stack", "init", "dev")
    backend.run("data", "up", "--yes", "--skip-preview")
    (backend.root / "stacks" / "data" / "renamed").touch()
    done = backend.run("data", "preview", "--diff", "--expect-no-changes", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
