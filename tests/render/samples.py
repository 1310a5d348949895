"""A small system before and after a change: every kind of change and value that a preview can show."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_iac.diagnostics import Diagnostic, Location, Severity
from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import Archive, Join, NodeKey, Ref, Secret, StackOutput, TextAsset, ToJson, Value
from mlops_iac.plan.deployed import snapshot_of_graph
from mlops_iac.plan.diff import plan_graph
from mlops_iac.plan.model import Plan
from mlops_iac.providers.facts import PropertyFacts, Replaces, TypeFacts

CANARY = "hunter2-canary"
"""Stands for every secret; no rendering may hold it."""

SOURCE = """\
system: {name: fraud, owner: risk-ml@example.com}

buckets:
  raw: {keep: 400d}
  features: {keep: 730d}
  archive: {keep: 10y}

endpoints:
  fraud-api:
    instance_type: ml.c6i.xlarge
"""


def facts(token: str) -> TypeFacts | None:
    """The few facts that the sample needs, independent of the generated tables."""
    replaces = {
        "aws:s3/bucket:Bucket": "bucket",
        "aws:s3/bucketPolicy:BucketPolicy": "bucket",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration": "productionVariants",
    }.get(token)
    if replaces is None:
        return None
    names = {replaces: PropertyFacts("any", replaces=Replaces.ALWAYS), "name": PropertyFacts("string")}
    return TypeFacts(token, names, physical_name=("name",) if replaces == "productionVariants" else None)


def graph(after: bool) -> Graph:
    """The sample system, before or after the change."""
    return Graph(
        "fraud",
        "prod",
        (
            Stack(Layer.FOUNDATION, "fraud-foundation", "prod", _foundation()),
            Stack(Layer.DATA, "fraud-data", "prod", _data(after), {"buckets.raw.arn": _ref("raw.bucket", "arn")}),
            Stack(Layer.SERVING, "fraud-serving", "prod", _serving(after)),
        ),
    )


def plan() -> Plan:
    """What the change of the sample system does."""
    return plan_graph(graph(True), snapshot_of_graph(graph(False)), "origin/main (3f2a91c)", facts)


def unchanged() -> Plan:
    """A plan in which nothing happens."""
    return plan_graph(graph(True), snapshot_of_graph(graph(True)), "the local state", facts)


def diagnostics() -> tuple[Diagnostic, ...]:
    """One diagnostic of each severity, with and without place, hint and related place."""
    return (
        Diagnostic(
            "MI3001",
            "unknown bucket `rwa`",
            "did you mean `raw`?",
            Location("system.yaml", 10, 20),
            ("endpoints", "fraud-api"),
            related=(("buckets are declared in", Location("system.yaml", 3, 1)),),
        ),
        Diagnostic(
            "MI1004",
            "the override names a group that does not exist, and this message is long enough to need a second line",
            "choose one of dev, staging, prod",
            Location("override", 1, 5, "env=porduction"),
        ),
        Diagnostic(
            "MI5000",
            "s3-access-logging: bucket `features` keeps no access log",
            "set `access_log: true`, or waive the rule with an owner, a reason and an expiry",
            Location("system.yaml", 5, 3),
            severity=Severity.WARNING,
        ),
        Diagnostic("MI7002", "moto has no call for EKS add-ons", path=("clusters", "research"), severity=Severity.INFO),
    )


def key(layer: str, type: str, name: str) -> NodeKey:
    """Shorthand for a node's key."""
    return NodeKey(layer, type, name)


def _ref(name: str, *path: str) -> Ref:
    return Ref(key("data", "aws:s3/bucket:Bucket", name), path)


def _foundation() -> tuple[Node, ...]:
    root = key("foundation", "mlops:foundation:Network", "network")
    vpc = key("foundation", "aws:ec2/vpc:Vpc", "network.vpc")
    place = Location("system.yaml", 1, 1)
    return (
        Node(root, {}, custom=False, component=("network",), source=place),
        Node(vpc, {"cidrBlock": "10.20.0.0/16"}, Options(root), component=("network",), source=place),
    )


def _bucket(name: str, line: int, inputs: Mapping[str, Value], *more: Node) -> tuple[Node, ...]:
    root = key("data", "mlops:data:Bucket", name)
    component, place = ("buckets", name), Location("system.yaml", line, 3)
    bucket = key("data", "aws:s3/bucket:Bucket", f"{name}.bucket")
    policy: Value = ToJson({"Version": "2012-10-17", "Statement": [{"Resource": [Ref(bucket, ("arn",))]}]})
    options = Options(root, protect=name == "archive", retain_on_delete=name == "archive")
    return (
        Node(root, {}, custom=False, component=component, source=place),
        Node(bucket, inputs, options, component=component, source=place),
        Node(
            key("data", "aws:s3/bucketPolicy:BucketPolicy", f"{name}.policy"),
            {"bucket": Ref(bucket, ("id",)), "policy": policy},
            Options(root),
            component=component,
            source=place,
        ),
        *more,
    )


def _data(after: bool) -> tuple[Node, ...]:
    lifecycle = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    root = key("data", "mlops:data:Bucket", "raw")
    rules = Node(
        key("data", lifecycle, "raw.lifecycle"),
        {
            "rules": [{"id": "expire", "expiration": {"days": 730 if after else 400}}],
            "tags": {"cost-center": "4711", **({"owner": "risk-ml@example.com"} if after else {"old": "x"})},
            "script": "#!/bin/sh\nset -e\nrun " + ("two" if after else "one") + "\n",
            "note": (
                "a long description that shares its beginning with the other one, and ends in "
                + ("something new" if after else "something old")
            ),
            "policy": ToJson({"Statement": [{"Action": ["s3:Get", "s3:Put"] if after else ["s3:Get"]}]}),
            "code": Archive((("index.py", TextAsset("new" if after else "old")),)),
            "password": Secret(CANARY + ("2" if after else "")),
        },
        Options(root),
        component=("buckets", "raw"),
        source=Location("system.yaml", 4, 3),
    )
    renamed = {"bucket": "fraud-prod-features-v2" if after else "fraud-prod-features"}
    return (
        *_bucket("raw", 4, {"bucket": "fraud-prod-raw"}, rules),
        *_bucket("features", 5, renamed),
        *(() if after else _bucket("archive", 6, {"bucket": "fraud-prod-archive"})),
    )


def _serving(after: bool) -> tuple[Node, ...]:
    root = key("serving", "mlops:serving:Endpoint", "fraud-api")
    config = key("serving", "aws:sagemaker/endpointConfiguration:EndpointConfiguration", "fraud-api.config")
    component, place = ("endpoints", "fraud-api"), Location("system.yaml", 9, 3)
    variants: Value = [{"variantName": "main", "instanceType": "ml.c6i.xlarge" if after else "ml.m5.large"}]
    new = Node(
        key("serving", "aws:cloudwatch/metricAlarm:MetricAlarm", "fraud-api.errors"),
        {"name": "errors", "dimensions": {"EndpointName": "x"}},
        Options(root),
        component=component,
        source=place,
    )
    return (
        Node(root, {}, custom=False, component=component, source=place),
        Node(
            config,
            {"name": "fraud-api", "productionVariants": variants},
            Options(root),
            component=component,
            source=place,
        ),
        Node(
            key("serving", "aws:sagemaker/endpoint:Endpoint", "fraud-api.endpoint"),
            {
                "endpointConfigName": Ref(config, ("arn",)),
                "captureUri": Join(("s3://", StackOutput("data", "buckets.raw.arn"), "/captured")),
            },
            Options(root),
            component=component,
            source=place,
        ),
        *((new,) if after else ()),
    )
