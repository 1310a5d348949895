from __future__ import annotations

from mlops_iac.compile.link import link
from mlops_iac.graph.nodes import Node
from mlops_iac.graph.values import NodeKey, Ref, StackOutput

KEY = NodeKey("foundation", "aws:kms/key:Key", "keys.key")
BUCKET = NodeKey("data", "aws:s3/bucket:Bucket", "raw.bucket")
USER = NodeKey("models", "aws:s3/bucket:Bucket", "user.bucket")


def test_what_a_layer_hands_on_is_exported_where_it_was_made():
    """The bucket's output holds the key's ARN, but only the foundation's stack knows it."""
    arn = Ref(KEY, ("arn",))
    nodes = {KEY: Node(KEY, {}, component=("keys",)), BUCKET: Node(BUCKET, {}), USER: Node(USER, {"a": arn})}
    exports = {"foundation": {}, "data": {"buckets.raw.key_arn": arn}, "models": {}}
    linked = link(nodes, exports)
    used = linked.nodes[-1].inputs["a"]
    assert isinstance(used, StackOutput)
    assert linked.exports[used.layer][used.name] == arn
    assert linked.exports["data"]["buckets.raw.key_arn"] == used


def test_every_stack_output_is_exported_by_its_stack():
    arn = Ref(KEY, ("arn",))
    nodes = {KEY: Node(KEY, {}, component=("keys",)), USER: Node(USER, {"a": arn, "b": Ref(KEY, ("keyId",))})}
    linked = link(nodes, {"foundation": {"keys.internal_arn": arn}, "models": {}})
    assert linked.nodes[-1].inputs["a"] == StackOutput("foundation", "keys.internal_arn")
    used = linked.nodes[-1].inputs["b"]
    assert linked.exports["foundation"][used.name] == Ref(KEY, ("keyId",))
