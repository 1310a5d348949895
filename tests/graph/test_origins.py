"""Following values back to the resources that they come from."""

from __future__ import annotations

from mlops_iac.graph.values import NodeKey, Ref, StackOutput, ToJson, join, origins

VPC = Ref(NodeKey("foundation", "aws:ec2/vpc:Vpc", "network.vpc"), ("id",))
KEY = Ref(NodeKey("foundation", "aws:kms/key:Key", "keys.internal-key"), ("arn",))


def test_a_stack_output_is_followed_through_text_and_further_stacks() -> None:
    exports = {
        ("foundation", "network.vpc_id"): VPC,
        ("foundation", "both"): join("arn:", KEY, "/", VPC),
        ("data", "again"): StackOutput("foundation", "both"),
    }
    value = {"a": ToJson([StackOutput("data", "again")]), "b": StackOutput("foundation", "network.vpc_id")}
    assert list(origins(value, exports)) == [KEY, VPC, VPC]


def test_an_output_that_no_stack_exports_has_no_origin() -> None:
    assert list(origins(StackOutput("foundation", "gone"), {})) == []
