"""A small system of two layers in which every kind of value and every resource option occurs once."""

from __future__ import annotations

from mlops_iac.graph.nodes import Graph, Layer, Node, Options, Stack
from mlops_iac.graph.values import (
    Archive,
    NodeKey,
    Ref,
    Secret,
    StackOutput,
    TextAsset,
    ToBase64,
    ToJson,
    Value,
    join,
)

AWS = "pulumi:providers:aws"
KUBERNETES = "pulumi:providers:kubernetes"


def sample_graph(environment: str = "dev") -> Graph:
    """The system; ``environment`` names its stacks."""
    return Graph(
        "sample",
        environment,
        (
            _stack(Layer.FOUNDATION, environment, _foundation(), _FOUNDATION_OUTPUTS),
            _stack(Layer.DATA, environment, _data(), _DATA_OUTPUTS),
        ),
    )


def _stack(layer: Layer, environment: str, nodes: tuple[Node, ...], outputs: dict[str, Value]) -> Stack:
    return Stack(layer, f"sample-{layer}", environment, nodes, outputs)


def _key(layer: str, type: str, name: str) -> NodeKey:
    return NodeKey(layer, type, name)


_F_AWS = _key("foundation", AWS, "aws")
_KEYS = _key("foundation", "mlops:foundation:Keys", "keys")
_KEY = _key("foundation", "aws:kms/key:Key", "keys.internal-key")
_ALIAS = _key("foundation", "aws:kms/alias:Alias", "keys.internal-alias")
_REPLICA = _key("foundation", "aws:kms/alias:Alias", "keys.replica-alias")
_DATABASE = _key("foundation", "aws:rds/instance:Instance", "keys.database")

_FOUNDATION_OUTPUTS: dict[str, Value] = {
    "keys.internal_arn": Ref(_KEY, ("arn",)),
    "keys.token": Secret("hush-hush"),
    "keys.uri": join("kms://", Ref(_KEY, ("keyId",))),
}


def _foundation() -> tuple[Node, ...]:
    child = Options(parent=_KEYS, provider=_F_AWS)
    return (
        Node(_F_AWS, {"region": "eu-west-1", "allowedAccountIds": ["111122223333"]}),
        Node(_KEYS, {}, custom=False),
        Node(
            _KEY,
            {
                "description": "internal data",
                "enableKeyRotation": True,
                "deletionWindowInDays": 7,
                "policy": ToJson({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": None}]}),
                "tags": {"data_class": "internal", "ml-system": "sample"},
            },
            Options(parent=_KEYS, provider=_F_AWS, protect=True, retain_on_delete=True),
        ),
        Node(_ALIAS, {"name": "alias/internal", "targetKeyId": Ref(_KEY, ("keyId",))}, child),
        Node(
            _REPLICA,
            {"name": join("alias/", Ref(_KEY, ("keyId",)), "/replica"), "targetKeyId": Ref(_KEY, ("id",))},
            Options(parent=_KEY, provider=_F_AWS, depends_on=(_ALIAS,), delete_before_replace=True),
        ),
        Node(
            _DATABASE,
            {
                "instanceClass": "db.t4g.micro",
                "username": "admin",
                "password": Secret("correct horse"),
                "kmsKeyId": Ref(_KEY, ("arn",)),
                "port": 5432,
            },
            Options(
                parent=_KEYS,
                provider=_F_AWS,
                ignore_changes=("password", 'tags["owner"]'),
                replace_on_changes=("engineVersion",),
                additional_secret_outputs=("address",),
                aliases=("urn:pulumi:dev::sample-foundation::mlops:foundation:Keys$aws:rds/instance:Instance::old",),
            ),
        ),
    )


_D_AWS = _key("data", AWS, "aws")
_D_KUBERNETES = _key("data", KUBERNETES, "research")
_RAW = _key("data", "mlops:data:Bucket", "raw")
_BUCKET = _key("data", "aws:s3/bucket:Bucket", "raw.bucket")
_CLUSTER = _key("data", "aws:eks/cluster:Cluster", "raw.cluster")
_MONITOR = _key("data", "kubernetes:monitoring.coreos.com/v1:ServiceMonitor", "raw.monitor")
_SETTINGS = _key("data", "kubernetes:core/v1:ConfigMap", "raw.settings")
_LIFECYCLE = _key("data", "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "raw.lifecycle")
_BIAS = _key("data", "aws-native:sagemaker:ModelBiasJobDefinition", "raw.bias")

_DATA_OUTPUTS: dict[str, Value] = {
    "buckets.raw.arn": Ref(_BUCKET, ("arn",)),
    "buckets.raw.name": Ref(_BUCKET, ("bucket",)),
    "buckets.raw.classification": "internal",
}


def _data() -> tuple[Node, ...]:
    child = Options(parent=_RAW, provider=_D_AWS)
    inside = Options(parent=_RAW, provider=_D_KUBERNETES)
    return (
        Node(_D_AWS, {"region": "eu-west-1", "allowedAccountIds": ["111122223333"]}),
        Node(_RAW, {}, custom=False),
        Node(_BUCKET, {"bucket": "sample-dev-raw", "forceDestroy": True}, child),
        Node(
            _LIFECYCLE,
            {
                "bucket": Ref(_BUCKET, ("bucket",)),
                "rules": [
                    {
                        "id": "expire",
                        "status": "Enabled",
                        "filter": {"and": {"objectSizeGreaterThan": 1, "tags": {"keep_for": "short"}}},
                        "noncurrentVersionExpiration": {"noncurrentDays": 30},
                    }
                ],
            },
            child,
        ),
        Node(
            _key(
                "data",
                "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
                "raw.encryption",
            ),
            {
                "bucket": Ref(_BUCKET, ("bucket",)),
                "rules": [
                    {
                        "bucketKeyEnabled": True,
                        "applyServerSideEncryptionByDefault": {
                            "kmsMasterKeyId": StackOutput("foundation", "keys.internal_arn"),
                            "sseAlgorithm": "aws:kms",
                        },
                    }
                ],
            },
            Options(parent=_RAW, provider=_D_AWS, depends_on=(_LIFECYCLE,)),
        ),
        Node(
            _key("data", "aws:s3/bucketPolicy:BucketPolicy", "raw.policy"),
            {
                "bucket": Ref(_BUCKET, ("bucket",)),
                "policy": ToJson(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Deny",
                                "Resource": [Ref(_BUCKET, ("arn",)), join(Ref(_BUCKET, ("arn",)), "/*")],
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        ],
                    }
                ),
            },
            child,
        ),
        Node(
            _key("data", "aws:lambda/function:Function", "raw.scan"),
            {
                "role": "arn:aws:iam::111122223333:role/scan",
                "runtime": "python3.13",
                "handler": "index.handler",
                "code": Archive((("index.py", TextAsset("def handler(event, context): ...\n")),)),
                "environment": {
                    "variables": {
                        "BUCKET_NAME": Ref(_BUCKET, ("bucket",)),
                        "API_TOKEN": StackOutput("foundation", "keys.token"),
                    }
                },
            },
            child,
        ),
        Node(
            _CLUSTER,
            {"roleArn": "arn:aws:iam::111122223333:role/eks", "vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}},
            child,
        ),
        Node(
            _D_KUBERNETES,
            {
                "kubeconfig": ToJson(
                    {
                        "clusters": [
                            {
                                "server": Ref(_CLUSTER, ("endpoint",)),
                                "ca": Ref(_CLUSTER, ("certificateAuthority", "data")),
                            }
                        ]
                    }
                ),
                "enableServerSideApply": True,
            },
        ),
        Node(
            _SETTINGS,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "settings", "labels": {"app.kubernetes.io/part_of": "sample"}},
                "data": {"bucket": Ref(_BUCKET, ("bucket",)), "user_data": ToBase64(Ref(_BUCKET, ("arn",)))},
            },
            inside,
        ),
        Node(
            _key("data", "kubernetes:core/v1:Secret", "raw.secret"),
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "credentials", "namespace": Ref(_SETTINGS, ("metadata", "name"))},
                "stringData": {"password": Secret("hunter2hunter2")},
            },
            inside,
        ),
        Node(
            _MONITOR,
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "ServiceMonitor",
                "metadata": {"name": "raw"},
                "spec": {
                    "selector": {"matchLabels": {"app": "raw"}},
                    "endpoints": [{"port": "http", "honorLabels": True}],
                },
            },
            inside,
        ),
        Node(
            _key("data", "kubernetes:core/v1:ConfigMap", "raw.after"),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": Ref(_MONITOR, ("metadata", "name"))},
                "data": {"uid": Ref(_MONITOR, ("metadata", "uid"))},
            },
            Options(parent=_RAW, provider=_D_KUBERNETES, depends_on=(_MONITOR,)),
        ),
        Node(
            _BIAS, {"jobDefinitionName": "bias", "roleArn": "arn:aws:iam::111122223333:role/bias"}, Options(parent=_RAW)
        ),
        Node(
            _key("data", "aws:cloudwatch/metricAlarm:MetricAlarm", "raw.alarm"),
            {
                "name": "bias",
                "comparisonOperator": "GreaterThanThreshold",
                "evaluationPeriods": 1,
                "threshold": 0.5,
                "dimensions": {"Job": Ref(_BIAS, ("jobDefinitionArn",))},
            },
            child,
        ),
    )
