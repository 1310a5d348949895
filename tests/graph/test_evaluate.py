"""Values evaluated to plain data: what is unknown and what is secret in them."""

from __future__ import annotations

from typing import Any

from mlops_iac.graph.evaluate import UNKNOWN, SecretValue, evaluate, property_at
from mlops_iac.graph.values import NodeKey, Ref, Secret, StackOutput, ToJson, join

KEY = Ref(NodeKey("foundation", "aws:kms/key:Key", "key"), ("arn",))


def lookup(ref: Ref | StackOutput) -> Any:
    known = {"token": SecretValue("hush"), "access": {"user": "me", "password": SecretValue("hush")}}
    return known.get(ref.name, UNKNOWN) if isinstance(ref, StackOutput) else UNKNOWN


TOKEN, ACCESS = StackOutput("foundation", "token"), StackOutput("foundation", "access")


def test_what_is_secret_as_a_whole_holds_no_other_secret() -> None:
    # A state seals a secret as one text: a mark inside could not be written.
    assert evaluate(Secret(TOKEN), lookup) == SecretValue("hush")
    assert evaluate(Secret(ACCESS), lookup) == SecretValue({"user": "me", "password": "hush"})
    assert evaluate(Secret([TOKEN, {"of": KEY}]), lookup) == SecretValue(["hush", {"of": UNKNOWN}])


def test_text_made_of_a_secret_is_secret_and_of_an_unknown_unknown() -> None:
    assert evaluate(join("x-", TOKEN), lookup) == SecretValue("x-hush")
    assert evaluate(ToJson(ACCESS), lookup) == SecretValue('{"password":"hush","user":"me"}')
    assert evaluate(join(TOKEN, KEY), lookup) is UNKNOWN


def test_a_part_of_a_secret_is_secret() -> None:
    assert property_at({"access": SecretValue({"user": "me"})}, ("access", "user")) == SecretValue("me")
    assert property_at({"access": SecretValue({"user": "me"})}, ("access", "other")) is UNKNOWN
