"""What somebody made by hand, in moto and on a real API server, and three layers that declare it; for both engines.

The data layer has a bucket; compute has a namespace with what is in it, and reads the bucket's name; serving has a role
and the bucket's policy, which names both. Whoever adopts all of it needs each layer's outputs for the next.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlops_iac.diagnostics import Location
from mlops_iac.engines.engine import Engine
from mlops_iac.engines.local import moto_server
from mlops_iac.engines.local.kubernetes import server
from mlops_iac.engines.local.kubernetes.client import AbsentError, Cluster
from mlops_iac.graph.evaluate import compact_json
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import NodeKey, Ref, Secret, StackOutput, Value
from mlops_iac.plan.adoption import ALREADY_MANAGED, NOT_FOUND, WOULD_REPLACE, wanted_by_name
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Op
from mlops_iac.state.checkpoint import verify

ASSETS = os.environ.get("KUBEBUILDER_ASSETS")
needs_server = pytest.mark.skipif(not ASSETS, reason="KUBEBUILDER_ASSETS names no etcd and kube-apiserver")
ACCOUNT, REGION = "111122223333", "eu-west-1"
BUCKET, ROLE, SPACE = "acme-raw", "acme-serving", "team-a"
PASSWORD = "correct horse battery"
TRUST = compact_json(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
READS = compact_json(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{BUCKET}/*",
            }
        ],
    }
)
QUOTA = {"hard": {"pods": "10", "requests.cpu": "500m"}}
IDS = {
    "raw": BUCKET,
    "raw-versioning": BUCKET,
    "space": SPACE,
    "quota": f"{SPACE}/quota",
    "login": f"{SPACE}/login",
    "settings": f"{SPACE}/settings",
    "role": ROLE,
    "reads": BUCKET,
}
"""The id of everything that ``declared`` declares, by logical name; by layer, users last."""


def declared() -> Graph:
    """The three layers."""
    bucket, role = NodeKey("data", "aws:s3/bucket:Bucket", "raw"), NodeKey("serving", "aws:iam/role:Role", "role")
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    place = {"namespace": SPACE}
    data = _stack(
        Layer.DATA,
        "aws",
        {"bucket": Ref(bucket, ("id",)), "name": Ref(bucket, ("bucket",))},
        _node(bucket, {"bucket": BUCKET}),
        _node(
            NodeKey("data", versioning, "raw-versioning"),
            {"bucket": Ref(bucket, ("id",)), "versioningConfiguration": {"status": "Enabled"}},
        ),
    )
    compute = _stack(
        Layer.COMPUTE,
        "kubernetes",
        {},
        _object("core/v1", "Namespace", "space", {"metadata": {"name": SPACE}}),
        _object("core/v1", "ResourceQuota", "quota", {"metadata": {"name": "quota", **place}, "spec": QUOTA}),
        _object(
            "core/v1",
            "Secret",
            "login",
            {"metadata": {"name": "login", **place}, "stringData": {"password": Secret(PASSWORD)}},
        ),
        _object(
            "core/v1",
            "ConfigMap",
            "settings",
            {"metadata": {"name": "settings", **place}, "data": {"bucket": StackOutput("data", "name")}},
        ),
    )
    serving = _stack(
        Layer.SERVING,
        "aws",
        {"role": Ref(role, ("arn",))},
        _node(role, {"name": ROLE, "assumeRolePolicy": TRUST}),
        _node(
            NodeKey("serving", "aws:s3/bucketPolicy:BucketPolicy", "reads"),
            {"bucket": StackOutput("data", "bucket"), "policy": READS},
            depends_on=(role,),
        ),
    )
    return Graph("fraud", "dev", (data, compute, serving))


def _stack(layer: Layer, package: str, outputs: Mapping[str, Value], *nodes: Node) -> Stack:
    inputs: dict[str, Value] = {"region": REGION, "allowedAccountIds": [ACCOUNT]} if package == "aws" else {}
    provider = Node(NodeKey(layer.value, f"pulumi:providers:{package}", package), inputs)
    return Stack(layer, f"fraud-{layer.value}", "dev", (provider, *nodes), outputs)


def _node(key: NodeKey, inputs: Mapping[str, Value], depends_on: tuple[NodeKey, ...] = ()) -> Node:
    package = key.type.partition(":")[0]
    options = Options(provider=NodeKey(key.layer, f"pulumi:providers:{package}", package), depends_on=depends_on)
    return Node(key, inputs, options, source=Location("system.yaml", 7, 3))


def _object(version: str, kind: str, name: str, inputs: Mapping[str, Value]) -> Node:
    # Said as every component says it: the SDK's classes add both.
    inputs = {"apiVersion": version.removeprefix("core/"), "kind": kind, **inputs}
    return _node(NodeKey("compute", f"kubernetes:{version}:{kind}", name), inputs)


class Hands:
    """Makes all of it without this tool, on the servers of the state folder ``folder``, and says what became of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._endpoint = moto_server.start(folder, ACCOUNT).endpoint
        self.cluster: Cluster = server.start(folder, Path(ASSETS or ""))
        self.s3, self.iam = self._client("s3"), self._client("iam")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=READS)
        self.s3.put_object(Bucket=BUCKET, Key="precious", Body=b"years of data")
        self.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
        data = {"password": base64.b64encode(PASSWORD.encode()).decode()}
        self._post("namespaces", {"metadata": {"name": SPACE}})
        self._post(f"namespaces/{SPACE}/resourcequotas", {"metadata": {"name": "quota"}, "spec": QUOTA})
        self._post(f"namespaces/{SPACE}/secrets", {"metadata": {"name": "login"}, "data": data})
        self._post(f"namespaces/{SPACE}/configmaps", {"metadata": {"name": "settings"}, "data": {"bucket": BUCKET}})

    def stop(self) -> None:
        """End the servers."""
        moto_server.stop(self.folder)
        server.stop(self.folder)

    def versions(self) -> dict[str, str]:
        """The ``resourceVersion`` of each object: the API server counts it up with every change."""
        paths = [f"namespaces/{SPACE}"]
        paths += [f"namespaces/{SPACE}/{name}" for name in ("resourcequotas/quota", "secrets/login")]
        paths += [f"namespaces/{SPACE}/configmaps/settings"]
        return {path: self.cluster.request("GET", f"/api/v1/{path}")["metadata"]["resourceVersion"] for path in paths}

    def gone(self) -> bool:
        """Whether nothing of it is left."""
        try:
            self.cluster.request("GET", f"/api/v1/namespaces/{SPACE}")
        except AbsentError:
            return not self.s3.list_buckets()["Buckets"] and not self.iam.list_roles()["Roles"]
        return False

    def _client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self._endpoint, region_name=REGION, **keys)

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self.cluster.request("POST", f"/api/v1/{path}", {"fieldManager": "kubectl-create"}, body)


def check_adoption(engine: Engine, hands: Hands, graph: Graph) -> None:
    """Adopt all of it in one run, apply, and destroy: nothing that exists is changed until it is deleted."""
    made, wanted = hands.versions(), wanted_by_name(graph, IDS.items())
    wrong = {"raw": "acme-other", "quota": f"{SPACE}/login", "role": BUCKET}
    told = engine.read_existing(graph, wanted_by_name(graph, {**IDS, **wrong}.items())).failures
    assert {(item.code, str(item.location)) for item in told} == {(NOT_FOUND, "system.yaml:7:3")}
    for name, id in wrong.items():
        assert any(f" {name}: " in item.message and id in item.message for item in told), (name, told)
    assert engine.snapshots(graph) == {}, "nothing is recorded where some of the ids are wrong"
    hands.cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": "team-b"}})
    other = engine.read_existing(graph, wanted_by_name(graph, [("space", "team-b")]))
    assert [(item.code, "metadata" in item.message) for item in other.replacements()] == [(WOULD_REPLACE, True)]

    read = engine.read_existing(graph, wanted)
    assert read.failures == () and read.replacements() == ()
    assert {item.wanted.node.name: item.diff for item in read.resources} == dict.fromkeys(IDS, ())
    assert engine.snapshots(graph) == {}, "nothing is recorded by looking"

    done = engine.adopt(graph, read)
    assert done.ok, done.failures
    states = engine.snapshots(graph)
    assert [verify(state) for state in states.values()] == [[], [], []]
    ids = {item.urn.rpartition("::")[2]: item.id for state in states.values() for item in state.resources}
    assert IDS.items() <= ids.items()
    plan = plan_graph(graph, states, "the state")
    assert {op for op, count in plan.summary().items() if count} == {Op.SAME}
    assert hands.versions() == made

    again = engine.read_existing(graph, wanted)
    assert again.resources == () and len(again.known) == len(IDS)
    other = engine.read_existing(graph, wanted_by_name(graph, [("quota", f"{SPACE}/settings")]))
    assert [(item.code, "state delete" in item.hint) for item in other.failures] == [(ALREADY_MANAGED, True)]

    applied = engine.up(graph)
    assert applied.ok and {op for op, count in applied.summary().items() if count} == {Op.SAME}
    assert hands.versions() == made
    assert hands.s3.get_object(Bucket=BUCKET, Key="precious")["Body"].read() == b"years of data"
    assert PASSWORD not in "".join(
        path.read_text(errors="replace") for path in hands.folder.rglob("*.json") if path.is_file()
    )

    hands.s3.delete_object(Bucket=BUCKET, Key="precious")
    for version in hands.s3.list_object_versions(Bucket=BUCKET)["Versions"]:
        hands.s3.delete_object(Bucket=BUCKET, Key="precious", VersionId=version["VersionId"])
    for marker in hands.s3.list_object_versions(Bucket=BUCKET).get("DeleteMarkers", ()):
        hands.s3.delete_object(Bucket=BUCKET, Key="precious", VersionId=marker["VersionId"])
    gone = engine.destroy(graph)
    assert gone.ok, gone.failures
    assert hands.gone() and engine.snapshots(graph) == {}
